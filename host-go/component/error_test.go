package component

import (
	"context"
	"errors"
	"testing"
)

// What a component calls its imports does not make an error long.
func TestLinkErrorOfLongNames(t *testing.T) {
	c, err := testRuntime(t, nil).Compile(context.Background(), longImport())
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Instantiate(context.Background(), nil)
	if link := (*LinkError)(nil); !errors.As(err, &link) || len(err.Error()) > 4<<10 {
		t.Errorf("%T of %d bytes", err, len(err.Error()))
	}
}
