//go:build !unix

package codecache

import "io/fs"

// Who may write to the cache is left to the rights of the folder, which those
// under it inherit: in a user's profile they are that user's alone.

func own(fs.FileInfo) bool     { return true }
func private(fs.FileInfo) bool { return true }
func trusted(string) error     { return nil }
