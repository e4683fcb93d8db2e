//go:build !unix

package component

import "io/fs"

// private leaves it to the folder's own rights who may write to a file.
func private(fs.FileInfo) bool { return true }
