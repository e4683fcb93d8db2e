package component

import "strings"

// compatible returns the name with its version cut down to what has to be
// equal for two versions to be compatible (semver): the major version, or for
// 0.x the minor, or for 0.0.x the whole. A pre-release fits itself alone.
// "wasi:io/streams@0.2.3" becomes "wasi:io/streams@0.2".
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
