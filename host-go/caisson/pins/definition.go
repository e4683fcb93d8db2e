package pins

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/caisson-dev/caisson/host-go/internal/jcs"
)

// A Kind says what a definition is of.
type Kind string

// These are the kinds.
const (
	Tool         Kind = "tool"
	Prompt       Kind = "prompt"
	Resource     Kind = "resource"
	Template     Kind = "template"
	Instructions Kind = "instructions"
)

// Kinds are all kinds.
var Kinds = []Kind{Tool, Prompt, Resource, Template, Instructions}

// A Definition is what a model reads of a tool, a prompt, a resource, a template of resources, or of the server's
// instructions, in canonical form.
type Definition struct {
	// Kind says of what.
	Kind Kind
	// Name is the tool's or prompt's name, the resource's URI, the template's pattern of URIs, or "instructions".
	Name string
	// Hash is the SHA-256 of Text, in hexadecimal, in this package's domain.
	Hash string
	// Text is the canonical JSON (RFC 8785) of the item as the server listed it, without _meta and icons: the
	// name, title, description, schemas, annotations, and whatever else it has. A resource's has no size, and no
	// annotations: they change with its content.
	Text json.RawMessage
	// ReadOnly is the annotation readOnlyHint, the server's own word.
	ReadOnly bool
}

// notRead are the members of an item that no model reads. A server may change them at each listing.
var notRead = []string{"_meta", "icons"}

// ofContent are the members of a resource that change with its content.
var ofContent = []string{"size", "annotations"}

// keys are the members that name an item.
var keys = map[Kind]string{Tool: "name", Prompt: "name", Resource: "uri", Template: "uriTemplate"}

// Define makes a definition of a tool, as a server listed it. It fails where two readers could read two tools:
// a member that is there twice, a name that is there in other letters too, or a text that is not Unicode.
func Define(tool json.RawMessage) (*Definition, error) { return DefineAs(Tool, tool) }

// DefineInstructions makes a definition of a server's instructions.
func DefineInstructions(text string) (*Definition, error) {
	item, err := json.Marshal(map[string]string{"instructions": text})
	if err != nil {
		return nil, fmt.Errorf("pins: the instructions: %w", err)
	}
	return DefineAs(Instructions, item)
}

// DefineAs makes a definition of an item of a kind, as [Define] does of a tool. That of [Instructions] is an object
// with the one member instructions.
func DefineAs(kind Kind, item json.RawMessage) (*Definition, error) {
	wrong := func(why any) (*Definition, error) {
		return nil, fmt.Errorf("pins: the definition of a %s: %v", kind, why)
	}
	text, err := jcs.Lenient(item)
	if err != nil {
		return wrong(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return wrong("it is no object")
	}
	for name := range members {
		if key := keys[kind]; name != key && strings.EqualFold(name, key) {
			return wrong(fmt.Sprintf("the member %q is %q in other letters", name, key))
		}
	}
	d := &Definition{Kind: kind}
	switch kind {
	case Instructions:
		if members["instructions"] == nil || len(members) != 1 {
			return wrong("it is no object with the member instructions alone")
		}
		d.Name = string(Instructions)
	case Tool, Prompt, Resource, Template:
		if json.Unmarshal(members[keys[kind]], &d.Name) != nil || d.Name == "" {
			return wrong("it has no " + keys[kind])
		}
	default:
		return wrong("there is no such kind")
	}
	var annotations map[string]json.RawMessage
	if kind == Tool && json.Unmarshal(members["annotations"], &annotations) == nil {
		d.ReadOnly = string(annotations["readOnlyHint"]) == "true"
	}
	for _, name := range notRead {
		delete(members, name)
	}
	if kind == Resource || kind == Template {
		for _, name := range ofContent {
			delete(members, name)
		}
	}
	if text, err = json.Marshal(members); err == nil {
		d.Text, err = jcs.Lenient(text)
	}
	if err != nil {
		return wrong(err)
	}
	// The domain begins what is hashed, so that the hash of a definition is the hash of nothing else.
	sum := sha256.Sum256(append([]byte("caisson "+string(kind)+" definition 1\n"), d.Text...))
	d.Hash = hex.EncodeToString(sum[:])
	return d, nil
}
