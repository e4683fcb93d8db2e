package pins

import (
	"slices"
)

// An Identity says who a server is: a command, an origin, or neither for a transport of the program's own. It
// is no secret.
type Identity struct {
	// Command is the command as the configuration names it. ArgumentsHash is the SHA-256 of its arguments,
	// and Files has the SHA-256 of each file that may be the command: one for each machine or system, when a
	// lock file is shared.
	Command       string   `json:"command,omitempty"`
	ArgumentsHash string   `json:"argumentsHash,omitempty"`
	Files         []string `json:"files,omitempty"`
	// Origin is the scheme, host and port of the URL. Issuer is who issues its tokens, where that is known.
	Origin string `json:"origin,omitempty"`
	Issuer string `json:"issuer,omitempty"`
}

// is reports whether a server is the one that was approved. An issuer that was not known then, or is not known
// now, does not count.
func (approved *Identity) is(now *Identity) bool {
	for _, file := range now.Files {
		if !slices.Contains(approved.Files, file) {
			return false
		}
	}
	return approved.Command == now.Command && approved.ArgumentsHash == now.ArgumentsHash && approved.Origin == now.Origin &&
		(len(approved.Files) > 0) == (len(now.Files) > 0) &&
		(approved.Issuer == now.Issuer || approved.Issuer == "" || now.Issuer == "")
}

// merge is the identity to keep when a server is approved: the files of the same command add up, and the issuer of
// the same origin stays.
func (approved *Identity) merge(now *Identity) Identity {
	next := *now
	next.Files = slices.Clone(now.Files)
	if approved != nil && approved.Command == now.Command && approved.ArgumentsHash == now.ArgumentsHash && approved.Origin == now.Origin {
		next.Files = append(next.Files, approved.Files...)
		if next.Issuer == "" {
			next.Issuer = approved.Issuer
		}
	}
	slices.Sort(next.Files)
	next.Files = slices.Compact(next.Files)
	return next
}
