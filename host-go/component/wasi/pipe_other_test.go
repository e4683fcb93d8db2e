//go:build !unix

package wasi

import "errors"

func makePipe(string) error { return errors.ErrUnsupported }
