//go:build !unix

package oci

import "io/fs"

// private checks nothing here: the permissions of the user's folders keep others out.
func private(string, fs.FileInfo) error { return nil }
