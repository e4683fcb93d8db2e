package caisson

import (
	"encoding/json"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/exact"
)

// A Skill is a server's entry of one skill (SEP-2640, the Skills extension): instructions for a model, and
// the files that belong to them. The entry says what each file must be; the files themselves are read when
// they are needed, by [Session.ReadSkill]. It may be kept as JSON, and used in a later session.
//
// The text of a skill is the server's, as a tool's description is: the program decides whether a model
// gets to see it.
type Skill struct {
	// URI is the URI of the skill's SKILL.md, which stands for the skill.
	URI string
	// Frontmatter is what the SKILL.md says of itself: its "name", its "description", and whatever else. The
	// core compares it with the file when that is read.
	Frontmatter map[string]any
	// Resources are the files of the skill, the SKILL.md among them; nil when Dynamic is set.
	Resources []SkillResource
	// Dynamic says that the server generates the files, so that their size and digest are unknown: then
	// [SkillFile.Verified] is false.
	Dynamic bool
	// Meta is the entry's `_meta`; nil when there is none.
	Meta mcp.Meta
}

// A SkillResource is what a skill's entry says of one file.
type SkillResource struct {
	// URI is the file's, in the server's spelling. It may have ".." in it: whoever makes a path of a file
	// system of it has to keep that inside a folder.
	URI string `json:"uri"`
	// Digest is the SHA-256 of its bytes: "sha256:" and 64 hexadecimal digits.
	Digest string `json:"digest"`
	// Size is the number of its bytes.
	Size int64 `json:"size"`
}

// Name is the skill's name in its frontmatter, and "" where that has none.
func (s *Skill) Name() string { return s.fact("name") }

// Description is what the skill's frontmatter says of its use, and "" where that says nothing.
func (s *Skill) Description() string { return s.fact("description") }

func (s *Skill) fact(name string) string {
	text, _ := s.Frontmatter[name].(string)
	return text
}

// skillWire is a Skill as JSON has it.
type skillWire struct {
	URI         string          `json:"uri"`
	Frontmatter map[string]any  `json:"frontmatter"`
	Resources   json.RawMessage `json:"resources"`
	Meta        mcp.Meta        `json:"_meta,omitempty"`
}

const dynamicResources = "dynamic"

// MarshalJSON writes the entry as the extension has it.
func (s Skill) MarshalJSON() ([]byte, error) {
	wire := skillWire{URI: s.URI, Frontmatter: s.Frontmatter, Resources: json.RawMessage(`"` + dynamicResources + `"`), Meta: s.Meta}
	if !s.Dynamic {
		resources := s.Resources
		if resources == nil {
			resources = []SkillResource{}
		}
		text, err := json.Marshal(resources)
		if err != nil {
			return nil, err
		}
		wire.Resources = text
	}
	return json.Marshal(wire)
}

// UnmarshalJSON reads an entry as the extension has it.
func (s *Skill) UnmarshalJSON(text []byte) error {
	var wire skillWire
	if err := exact.Unmarshal(text, &wire); err != nil {
		return err
	}
	*s = Skill{URI: wire.URI, Frontmatter: wire.Frontmatter, Meta: wire.Meta}
	if len(wire.Resources) == 0 {
		return fmt.Errorf("the skill %q has no resources", wire.URI)
	}
	var word string // JSON has many spellings of it.
	if json.Unmarshal(wire.Resources, &word) != nil {
		return exact.Unmarshal(wire.Resources, &s.Resources)
	}
	if s.Dynamic = word == dynamicResources; !s.Dynamic {
		return fmt.Errorf("the resources of the skill %q are neither a list nor %q", wire.URI, dynamicResources)
	}
	return nil
}

// A SkillFile is a file of a skill that was read, and matches the skill's entry.
type SkillFile struct {
	// URI is the file's.
	URI string
	// MIMEType is what the server says that the file is; "" where it does not say.
	MIMEType string
	// Bytes are exactly what the entry's digest is of.
	Bytes []byte
	// IsText reports whether Bytes are text in UTF-8: the server sent them as text, or it is the SKILL.md.
	IsText bool
	// Verified reports whether size and digest were compared with the entry. It is false only for the
	// files of a [Skill] that is Dynamic: a file that differs is an error.
	Verified bool
	// Frontmatter is that of the SKILL.md, which is also the entry's; nil for other files.
	Frontmatter map[string]any
	// Body is what follows the frontmatter in the SKILL.md, with lines that end in "\n"; "" for other files.
	Body string
}

// UnmarshalJSON reads what the core settles with.
func (f *SkillFile) UnmarshalJSON(text []byte) error {
	var wire struct {
		URI         string         `json:"uri"`
		MIMEType    string         `json:"mimeType"`
		Text        *string        `json:"text"`
		Blob        []byte         `json:"blob"`
		Verified    bool           `json:"verified"`
		Frontmatter map[string]any `json:"frontmatter"`
		Body        string         `json:"body"`
	}
	if err := exact.Unmarshal(text, &wire); err != nil {
		return err
	}
	*f = SkillFile{
		URI: wire.URI, MIMEType: wire.MIMEType, Bytes: wire.Blob, Verified: wire.Verified,
		Frontmatter: wire.Frontmatter, Body: wire.Body,
	}
	if wire.Text != nil {
		f.Bytes, f.IsText = []byte(*wire.Text), true
	}
	return nil
}

// A SkillReason says why a file of a skill failed verification.
type SkillReason string

// The reasons. More may come with a new minor version.
const (
	SkillUnlisted    SkillReason = "unlisted"    // the skill's entry does not list the file; nothing was sent
	SkillSize        SkillReason = "size"        // it has another size than its entry
	SkillDigest      SkillReason = "digest"      // it has another digest than its entry
	SkillFrontmatter SkillReason = "frontmatter" // the SKILL.md's frontmatter cannot be read, or is not the entry's
)

// A SkillError says that a file of a skill does not match the skill's entry, so that the program did not
// get it. It is in the tree of an [*Error] with [CodeProtocol], whose message says what was expected.
type SkillError struct {
	// Reason says why the file failed.
	Reason SkillReason
	// URI is the file's, or the path that names none of the skill's files.
	URI string
}

// Error returns the reason and the file.
func (e *SkillError) Error() string {
	return fmt.Sprintf("verification of %s failed: %s", e.URI, e.Reason)
}
