package keyring

import (
	"context"
	"errors"
	"fmt"

	library "github.com/zalando/go-keyring"

	"github.com/caisson-dev/caisson/host-go/internal/reference"
)

func init() { reference.Keyring = Secret }

// Secret reads a secret that somebody has put into the operating system's keyring, under a service and a
// name (on Linux the attributes "service" and "username"). Package config reads ${keyring:SERVICE/NAME} with it, in a
// program that imports this package. It waits for [DefaultTimeout]. Where there is no keyring it fails with an
// [*UnavailableError].
func Secret(ctx context.Context, service, name string) (string, error) {
	secret, err := within(ctx, DefaultTimeout, func() ([]byte, error) {
		text, err := library.Get(service, name)
		return []byte(text), err
	})
	switch {
	case errors.Is(err, library.ErrNotFound):
		return "", fmt.Errorf("the keyring has no item with the service %q and the name %q: put it there", service, name)
	case err != nil && ctx.Err() == nil:
		return "", &UnavailableError{Err: err, secret: true}
	}
	return string(secret), err
}
