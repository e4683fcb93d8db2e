package component

import "strings"

// compatible returns the name with its version cut to the part that compatible versions share (semver): the
// major version, the minor version too for 0.x, and the whole version for 0.0.x. A pre-release is compatible
// only with itself. "wasi:io/streams@0.2.3" becomes "wasi:io/streams@0.2".
func compatible(name string) string {
	base, version, ok := strings.Cut(name, "@")
	if !ok || strings.ContainsAny(version, "-+") {
		return name
	}
	parts := strings.SplitN(version, ".", 3)
	if len(parts) != 3 {
		return name
	}
	switch {
	case parts[0] != "0":
		return base + "@" + parts[0]
	case parts[1] != "0":
		return base + "@0." + parts[1]
	}
	return name
}
