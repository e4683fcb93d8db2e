package caisson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/caisson-dev/caisson/host-go/internal/catalog"
)

// A DeclarationLanguage is what declarations are written in.
type DeclarationLanguage string

// The languages.
const (
	// TypeScriptDeclarations are a `.d.ts`, for strict TypeScript with `lib` of ES2023.
	TypeScriptDeclarations DeclarationLanguage = "typescript"
	// PythonDeclarations are a stub of Python's builtins, `__builtins__.pyi`, for pyright.
	PythonDeclarations DeclarationLanguage = "python"
)

// A Detail says how much is said of a tool.
type Detail string

// The details.
const (
	// DetailBrief is a tool's name, and the first sentence of its description.
	DetailBrief Detail = "brief"
	// DetailDetailed is how a tool is called: its types, and its description.
	DetailDetailed Detail = "detailed"
	// DetailFull is that with every comment of the tool's schemas.
	DetailFull Detail = "full"
)

// Declarations returns what a script has in its hands, as declarations: the tools, with types that are made of
// their schemas, and the functions beside them. docs/declarations.md says what becomes of a schema, and has the
// bounds. The text is made in a sandbox of its own, and the same for the same tools.
//
// It fails with an [*Error]: with [CodeInvalidArgument] for a language that there is not, with [CodeClosed] when
// the client is closed, with [CodeLimit] when the tools are more than the sandbox can go through in 10 seconds
// and 256 MiB, with the context's error, and with the error of a Caller whose tools cannot be listed. It is safe
// for concurrent use.
func (c *Client) Declarations(ctx context.Context, tools *ToolSet, language DeclarationLanguage) (string, error) {
	if err := checkLanguage(language); err != nil {
		return "", err
	}
	return c.ofCatalog(ctx, "declarations", tools, func(ctx context.Context, listing string) (string, error) {
		return catalog.Declare(ctx, c.runtime.engine, listing, string(language))
	})
}

// SearchOptions say what of a search is returned. The zero value of each field is its default.
type SearchOptions struct {
	// Limit bounds the tools that are returned, up to 100. Default: 10.
	Limit int
	// Detail says how much is said of each tool. Default: [DetailBrief].
	Detail Detail
	// Language is what the texts are written in. Default: [TypeScriptDeclarations].
	Language DeclarationLanguage
}

const (
	defaultSearchLimit = 10
	maxSearchLimit     = 100
)

// A FoundTool is a tool that a search has found.
type FoundTool struct {
	Server string `json:"server"`
	Tool   string `json:"tool"`
	// Score is the higher the better; to be compared with others of the same search.
	Score float64 `json:"score"`
	// Text says of the tool what [SearchOptions].Detail asks for.
	Text string `json:"text"`
}

// SearchTools finds tools by words, the best first: a word counts more the rarer it is among the tools, and more
// in a name than in a description. Without words it returns the first tools. The same tools and words give the
// same order. It fails as [Client.Declarations] does. It is safe for concurrent use.
func (c *Client) SearchTools(ctx context.Context, tools *ToolSet, text string, options *SearchOptions) ([]FoundTool, error) {
	var o SearchOptions
	if options != nil {
		o = *options
	}
	o.Language, o.Detail = orDefault(o.Language, TypeScriptDeclarations), orDefault(o.Detail, DetailBrief)
	if o.Limit == 0 {
		o.Limit = defaultSearchLimit
	}
	if err := checkLanguage(o.Language); err != nil {
		return nil, err
	}
	switch {
	case o.Limit < 0 || o.Limit > maxSearchLimit:
		return nil, errScript("search", fmt.Sprintf("SearchOptions.Limit is %d: from 1 to %d", o.Limit, maxSearchLimit))
	case o.Detail != DetailBrief && o.Detail != DetailDetailed && o.Detail != DetailFull:
		return nil, errScript("search", fmt.Sprintf("there is no Detail %q", o.Detail))
	}
	found, err := c.ofCatalog(ctx, "search", tools, func(ctx context.Context, listing string) (string, error) {
		found, _, err := catalog.Search(ctx, c.runtime.engine, catalog.Computing, listing, text, uint32(o.Limit), string(o.Language), string(o.Detail))
		return found, err
	})
	if err != nil {
		return nil, err
	}
	var all []FoundTool
	if err := json.Unmarshal([]byte(found), &all); err != nil {
		return nil, &Error{Code: CodeInternal, Step: "search", Message: err.Error(), Err: err}
	}
	return all, nil
}

func checkLanguage(language DeclarationLanguage) error {
	if language != TypeScriptDeclarations && language != PythonDeclarations {
		return errScript("declarations", fmt.Sprintf("there are no declarations in %q: there are %s and %s", language, TypeScriptDeclarations, PythonDeclarations))
	}
	return nil
}

// ofCatalog lists the tools and has an instance say something of them.
func (c *Client) ofCatalog(ctx context.Context, step string, tools *ToolSet, say func(ctx context.Context, listing string) (string, error)) (string, error) {
	if c.runtime == nil {
		return "", errZero("Client", "Runtime.NewClient")
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if !c.begin() {
		return "", c.errClosed(step, "")
	}
	defer c.ending.Done()
	whileOpen, cancel := c.whileOpen(ctx)
	defer cancel(nil)
	listed, err := tools.current(c.forScript(whileOpen)) // What a script does not see is not told.
	if err == nil {
		var text string
		if text, err = say(whileOpen, listed.json); err == nil {
			return text, nil
		}
		if whileOpen.Err() == nil {
			code := CodeInternal
			if errors.Is(err, catalog.ErrLimit) {
				code = CodeLimit
			}
			return "", &Error{Code: code, Step: step, Message: err.Error(), Err: err}
		}
	}
	if errors.Is(context.Cause(whileOpen), errClientClosed) {
		return "", c.errClosed(step, "")
	}
	return "", err
}
