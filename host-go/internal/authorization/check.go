package authorization

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// Check finds what is wrong with a way to authorize: what its Validate finds, and a private key that does not sign.
// Package auth cannot say that itself: it has no part of JOSE, and programs that import it alone link none.
func Check(method auth.Method) error {
	if err := method.Validate(); err != nil {
		return err
	}
	m, ok := method.(*auth.ClientCredentials)
	if !ok || len(m.PrivateKey) == 0 {
		return nil
	}
	// A key may be one, and still be too short, or not fit the algorithm: only a signature shows it.
	if _, err := signAs(m, nil); err != nil {
		return fmt.Errorf("auth.ClientCredentials.PrivateKey cannot sign: %w", err)
	}
	return nil
}
