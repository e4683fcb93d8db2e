//go:build !unix

package codecache

import "io/fs"

// The rights of the folder say who may write to the cache, and what is in the folder inherits them: in a
// user's profile only that user may.

func own(fs.FileInfo) bool     { return true }
func private(fs.FileInfo) bool { return true }
func trusted(string) error     { return nil }
