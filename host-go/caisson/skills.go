package caisson

import (
	"context"
	"iter"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// ListSkillsParams are the params of skills/list.
type ListSkillsParams struct {
	// Meta is sent as `_meta`. Default: none.
	Meta mcp.Meta `json:"_meta,omitempty"`
	// Cursor is where the page begins: a NextCursor, or "" for the first page.
	Cursor string `json:"cursor,omitempty"`
}

// ListSkillsResult is one page of skills.
type ListSkillsResult struct {
	// Meta is the page's `_meta`; nil when there is none.
	Meta mcp.Meta `json:"_meta"`
	// Skills are the entries that are valid.
	Skills []*Skill `json:"skills"`
	// Invalid says which entries of the page are not, and why.
	Invalid []InvalidSkill `json:"invalid"`
	// NextCursor leads to the next page; "" when there is none.
	NextCursor string `json:"nextCursor"`
}

// An InvalidSkill is an entry that was refused.
type InvalidSkill struct {
	// Index is its place in the server's page, from 0 on.
	Index int `json:"index"`
	// URI is the entry's own, and "" where it has none.
	URI string `json:"uri"`
	// Reason says what is wrong with it, in at most 1000 characters.
	Reason string `json:"reason"`
}

// GetSkillParams are the params of skills/get.
type GetSkillParams struct {
	// Meta is sent as `_meta`. Default: none.
	Meta mcp.Meta `json:"_meta,omitempty"`
	// URI is the URI of the skill's SKILL.md.
	URI string `json:"uri"`
}

// ReadSkillParams say which file of which skill is read.
type ReadSkillParams struct {
	// Meta is sent as `_meta`. Default: none.
	Meta mcp.Meta `json:"_meta,omitempty"`
	// Skill is the entry that the file must be in, and must match.
	Skill *Skill `json:"skill"`
	// Path names the file, relative to the folder of the SKILL.md ("references/FORMS.md") or as a URI.
	// Default: the SKILL.md.
	Path string `json:"path,omitempty"`
}

// ReadSkillDirectoryParams are the params of resources/directory/read.
type ReadSkillDirectoryParams struct {
	// Meta is sent as `_meta`. Default: none.
	Meta mcp.Meta `json:"_meta,omitempty"`
	// URI is the folder's.
	URI string `json:"uri"`
	// Cursor is where the page begins: a NextCursor, or "" for the first page.
	Cursor string `json:"cursor,omitempty"`
}

var (
	listSkillsOp         = engine.Operation{Export: "list-skills", Method: "skills/list"}
	getSkillOp           = engine.Operation{Export: "get-skill", Method: "skills/get"}
	readSkillOp          = engine.Operation{Export: "read-skill", Method: "skills/read"}
	readSkillDirectoryOp = engine.Operation{Export: "read-skill-directory", Method: "resources/directory/read"}
)

// ListSkills returns one page of the server's skills (SEP-2640, skills/list). The params may be nil. A server
// that does not declare the extension has none. No file is read: see [Session.ReadSkill]. See
// [Session.Skills] for all pages.
func (s *Session) ListSkills(ctx context.Context, params *ListSkillsParams) (*ListSkillsResult, error) {
	return callAs[ListSkillsResult](ctx, s, listSkillsOp, params)
}

// Skills iterates over the skills of all pages that are valid, as [Session.Tools] does. A skill that is
// listed twice is an error with [CodeProtocol]: one of the two may be forged.
func (s *Session) Skills(ctx context.Context, params *ListSkillsParams) iter.Seq2[*Skill, error] {
	all := items(ctx, s, listSkillsOp, params, func(page *ListSkillsResult) []*Skill { return page.Skills })
	return func(yield func(*Skill, error) bool) {
		seen := map[string]bool{} // The bounds of the list are its bounds.
		for skill, err := range all {
			if err == nil && seen[skill.URI] {
				skill, err = nil, &Error{
					Code: CodeProtocol, Server: s.name, Step: listSkillsOp.Method,
					Message: "the server lists the skill " + skill.URI + " twice",
				}
			}
			if !yield(skill, err) || err != nil {
				return
			}
			seen[skill.URI] = true
		}
	}
}

// GetSkill returns the entry of one skill, whether the server lists it or not (SEP-2640, skills/get). An
// entry that is not valid, or of another skill, is an error with [CodeProtocol]; without the extension,
// the call fails with [CodeInvalidArgument].
func (s *Session) GetSkill(ctx context.Context, params *GetSkillParams) (*Skill, error) {
	result, err := callAs[struct {
		Skill *Skill `json:"skill"`
	}](ctx, s, getSkillOp, params)
	if err != nil {
		return nil, err
	}
	return result.Skill, nil
}

// ReadSkill reads one file of a skill with resources/read, and verifies it inside the sandbox (SEP-2640,
// "Integrity and Verification"): the entry must list the file, its size and digest must be those of the
// entry, and the frontmatter of a SKILL.md must equal the entry's. Otherwise ReadSkill fails with
// [CodeProtocol] and a [*SkillError] in the error's tree, and returns no byte of the file. When a file
// from the cache fails, it is read anew once.
//
// It fails with [CodeInvalidArgument] for an invalid entry, and for a server without the extension.
// Middleware and errors call it "skills/read".
func (s *Session) ReadSkill(ctx context.Context, params *ReadSkillParams) (*SkillFile, error) {
	return callAs[SkillFile](ctx, s, readSkillOp, params)
}

// ReadSkillDirectory returns one page of what is directly in a folder of a skill (SEP-2640,
// resources/directory/read): files, and folders, whose MIMEType is "inode/directory". Where the server does
// not declare directoryRead, it fails with [CodeInvalidArgument].
func (s *Session) ReadSkillDirectory(ctx context.Context, params *ReadSkillDirectoryParams) (*mcp.ListResourcesResult, error) {
	return callAs[mcp.ListResourcesResult](ctx, s, readSkillDirectoryOp, params)
}

// SkillDirectory iterates over what is directly in a folder of a skill, of all pages, in the manner of
// [Session.Tools].
func (s *Session) SkillDirectory(ctx context.Context, params *ReadSkillDirectoryParams) iter.Seq2[*mcp.Resource, error] {
	return items(ctx, s, readSkillDirectoryOp, params, func(page *mcp.ListResourcesResult) []*mcp.Resource { return page.Resources })
}
