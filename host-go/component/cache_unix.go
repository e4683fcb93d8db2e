//go:build unix

package component

import "io/fs"

// private says whether nobody but its owner may have written to a file.
func private(info fs.FileInfo) bool { return info.Mode().Perm()&0o022 == 0 }
