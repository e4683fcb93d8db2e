//go:build !cgo || !python

// Without cgo and the interpreter's headers there is nothing here.
package main

import (
	"context"
	"errors"

	"github.com/caisson-dev/caisson/host-go/bench/internal/scripting"
)

func main() {
	scripting.Main(func(context.Context, *scripting.Tools) (scripting.Engine, error) {
		return nil, errors.New("it was built without cgo")
	})
}
