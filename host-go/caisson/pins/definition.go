package pins

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/caisson-dev/caisson/host-go/internal/jcs"
)

// A Definition is what a model reads of a tool, in canonical form.
type Definition struct {
	// Name is the tool's.
	Name string
	// Hash is the SHA-256 of Text, in hexadecimal, in this package's domain.
	Hash string
	// Text is the canonical JSON (RFC 8785) of the tool as the server listed it, without _meta and icons: the
	// name, title, description, schemas, annotations, and whatever else it has.
	Text json.RawMessage
	// ReadOnly is the annotation readOnlyHint, the server's own word.
	ReadOnly bool
}

// domain begins what is hashed, so that the hash of a definition is the hash of nothing else.
const domain = "caisson tool definition 1\n"

// notRead are the members of a tool that no model reads. A server may change them at each listing.
var notRead = []string{"_meta", "icons"}

// Define makes a definition of a tool, as a server listed it. It fails where two readers could read two tools:
// a member that is there twice, or a text that is not Unicode.
func Define(tool json.RawMessage) (*Definition, error) {
	text, err := jcs.Lenient(tool)
	if err != nil {
		return nil, fmt.Errorf("pins: the definition of a tool: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, errors.New("pins: the definition of a tool is no object")
	}
	d := &Definition{}
	if json.Unmarshal(members["name"], &d.Name) != nil || d.Name == "" {
		return nil, errors.New("pins: the definition of a tool has no name")
	}
	var annotations map[string]json.RawMessage
	if json.Unmarshal(members["annotations"], &annotations) == nil {
		d.ReadOnly = string(annotations["readOnlyHint"]) == "true"
	}
	for _, name := range notRead {
		delete(members, name)
	}
	if text, err = json.Marshal(members); err == nil {
		d.Text, err = jcs.Lenient(text)
	}
	if err != nil {
		return nil, fmt.Errorf("pins: the definition of a tool: %w", err)
	}
	sum := sha256.Sum256(append([]byte(domain), d.Text...))
	d.Hash = hex.EncodeToString(sum[:])
	return d, nil
}
