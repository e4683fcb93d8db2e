//go:build !cgo || !python

package main

import "errors"

func openEmbedded(string, string) (invoker, error) {
	return nil, errors.New("this build has no Python in it")
}
