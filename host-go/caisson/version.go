package caisson

import "github.com/caisson-dev/caisson/host-go/internal/core"

// Version is the version of this module.
const Version = "0.1.0"

// Component describes the embedded core.
type Component struct {
	// Bundle is the SHA-256 of the JavaScript that the core was built from, in hexadecimal.
	Bundle string
	// SDK is the version of the official TypeScript SDK's client inside.
	SDK string
	// Revisions are the revisions of the protocol that it speaks, the newest first.
	Revisions []string
}

// ComponentInfo tells what the embedded core was built from.
func ComponentInfo() Component {
	in := core.Inputs()
	return Component{Bundle: in.Bundle, SDK: in.SDK.Version, Revisions: in.Revisions}
}
