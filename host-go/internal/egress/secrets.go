package egress

import (
	"os"
	"path/filepath"
	"strings"
)

// secrets are texts that must not appear in a message, though a server or a command may say them.
type secrets []string

// shortest is the length below which a text is no secret: it would hide words of every message.
const shortest = 8

// hide returns text with every secret in it replaced.
func (s secrets) hide(text string) string {
	for _, secret := range s {
		if len(secret) >= shortest {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// environmentSecrets returns the values of an environment, but for the paths in it: PATH, HOME and
// their like say nothing, and the messages of a command are full of them.
func environmentSecrets(environment []string) secrets {
	var values secrets
	for _, entry := range environment {
		if _, value, ok := strings.Cut(entry, "="); ok && len(value) >= shortest && !isPath(value) {
			values = append(values, value)
		}
	}
	return values
}

// isPath reports whether value is a path, or a list of paths, the first of which exists.
func isPath(value string) bool {
	list := filepath.SplitList(value)
	if len(list) == 0 || !filepath.IsAbs(list[0]) {
		return false
	}
	_, err := os.Lstat(list[0])
	return err == nil
}
