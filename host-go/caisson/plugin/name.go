package plugin

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxName bounds the name of a tool that is made of a function's: some models take no more.
const maxName = 64

// toolName returns the name of the tool for a function of an interface; the interface is "" for a function of the
// world itself. It has only characters that names of tools may have (specification, server/tools, "Tool Names").
func toolName(iface, function string) string {
	full := function
	if iface != "" {
		iface, _, _ = strings.Cut(iface, "@")
		full = iface + "_" + function
	}
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.':
			return r
		}
		return '_'
	}, full)
	if len(name) <= maxName {
		return name
	}
	sum := sha256.Sum256([]byte(full))
	hash := "_" + hex.EncodeToString(sum[:])[:8]
	return name[:maxName-len(hash)] + hash
}

// validName reports whether a name is one that a tool may have.
func validName(name string) bool {
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
		default:
			return false
		}
	}
	return name != "" && len(name) <= 128
}
