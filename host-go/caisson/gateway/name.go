package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxName is the longest name of a tool that common clients and models take, in bytes.
const maxName = 64

// maxServerName is the longest name of a server: the names of its tools need room.
const maxServerName = 40

const separator = "__"

// hashSize is the size of what tells shortened names apart: "_" and eight digits.
const hashSize = 9

// ToolName returns the name at /mcp of a server's tool or prompt: the server's name, "__" and its own. It has at most
// 64 characters, of A-Z, a-z, 0-9, "_", "." and "-". Of an own name that does not fit, other characters become "-",
// what is too long is cut off, and "_" and eight hexadecimal digits of the SHA-256 of both names, with a zero byte
// between them, end it. So a name depends on nothing but the two, and is always the same.
func ToolName(server, own string) string {
	name := server + separator + own
	if len(name) <= maxName && plain(own) {
		return name
	}
	sum := sha256.Sum256([]byte(server + "\x00" + own))
	short := strings.Map(func(r rune) rune {
		if plainRune(r) {
			return r
		}
		return '-'
	}, own)
	room := maxName - len(server) - len(separator) - hashSize
	short = short[:max(0, min(len(short), room))]
	return server + separator + short + "_" + hex.EncodeToString(sum[:4])
}

// shortened reports whether a name may be one that [ToolName] has changed.
func shortened(own string) bool {
	if len(own) < hashSize || own[len(own)-hashSize] != '_' {
		return false
	}
	return strings.Trim(own[len(own)-hashSize+1:], "0123456789abcdef") == ""
}

// splitName takes a name of /mcp apart: what follows the server is the tool's own name, or what [ToolName] has made of it.
func splitName(name string) (server, own string, ok bool) {
	return strings.Cut(name, separator)
}

func plain(name string) bool {
	for _, r := range name {
		if !plainRune(r) {
			return false
		}
	}
	return name != ""
}

func plainRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '-'
}

// checkName says why a server cannot be served under its name.
func checkName(name string) error {
	switch {
	case !plain(name) || len(name) > maxServerName:
		return invalid("the server " + quote(name) + " cannot be served under its name, which begins the names of its tools: rename it in the configuration, with at most 40 letters and digits of ASCII, \"-\", \".\" and \"_\"")
	case strings.Contains(name, separator) || name[0] == '_' || name[len(name)-1] == '_':
		return invalid("the server " + quote(name) + " cannot be served under its name: \"__\" ends the server's name in the names of tools, so that it has none, and no \"_\" at either end: rename it in the configuration")
	}
	return nil
}
