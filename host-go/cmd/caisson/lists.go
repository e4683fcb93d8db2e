package main

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/schema"
)

// A tool is the part of a tool's description that people want to see.
type tool struct {
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	InputSchema json.RawMessage `json:"inputSchema"`
}

var toolListing = listing{
	noun: "tools", method: "tools/list", member: "tools",
	about: `their names, the first line of their descriptions, and their arguments;
a "?" marks an argument that may be left out.`,
	describe: func(item json.RawMessage) (string, []string) {
		var t tool
		_ = json.Unmarshal(item, &t) // A member of the wrong type stays empty.
		return t.Name, []string{firstLine(cmp.Or(t.Description, t.Title)), schema.Parse(t.InputSchema).Signature()}
	},
}

func (a *app) listToolsCommand() *cobra.Command { return a.listCommand(toolListing) }

// listedResource is a resource or a resource template.
type listedResource struct {
	URI         string      `json:"uri"`
	URITemplate string      `json:"uriTemplate"`
	Name        string      `json:"name"`
	Title       string      `json:"title"`
	Description string      `json:"description"`
	MIMEType    string      `json:"mimeType"`
	Size        json.Number `json:"size"`
}

func describeResource(item json.RawMessage) (string, []string) {
	var r listedResource
	_ = json.Unmarshal(item, &r)
	var facts []string
	for _, fact := range []string{cmp.Or(r.Title, r.Name), r.MIMEType} {
		if fact != "" {
			facts = append(facts, fact)
		}
	}
	if n, err := r.Size.Int64(); err == nil {
		facts = append(facts, size(int(n)))
	}
	return r.URI + r.URITemplate, []string{strings.Join(facts, ", "), firstLine(r.Description)}
}

func (a *app) listResourcesCommand() *cobra.Command {
	return a.listCommand(listing{
		noun: "resources", method: "resources/list", member: "resources",
		about: `their URIs, their names, types and sizes, and the first line of
their descriptions. 'caisson read-resource' reads one.`,
		describe: describeResource,
	})
}

func (a *app) listResourceTemplatesCommand() *cobra.Command {
	return a.listCommand(listing{
		noun: "resource templates", method: "resources/templates/list", member: "resourceTemplates",
		about: `the URI templates (RFC 6570), their names and types, and the
first line of their descriptions. 'caisson read-resource' reads a URI that fits one.`,
		describe: describeResource,
	})
}

func (a *app) listPromptsCommand() *cobra.Command {
	return a.listCommand(listing{
		noun: "prompts", method: "prompts/list", member: "prompts",
		about: `their names, the first line of their descriptions, and their arguments;
a "?" marks an argument that may be left out. 'caisson get-prompt' gets one.`,
		describe: func(item json.RawMessage) (string, []string) {
			var p struct {
				Name        string `json:"name"`
				Title       string `json:"title"`
				Description string `json:"description"`
				Arguments   []struct {
					Name     string `json:"name"`
					Required bool   `json:"required"`
				} `json:"arguments"`
			}
			_ = json.Unmarshal(item, &p)
			var arguments []string
			for _, argument := range p.Arguments {
				if argument.Required {
					arguments = append(arguments, argument.Name)
				} else {
					arguments = append(arguments, argument.Name+"?")
				}
			}
			if arguments == nil {
				arguments = []string{"no arguments"}
			}
			return p.Name, []string{firstLine(cmp.Or(p.Description, p.Title)), strings.Join(arguments, ", ")}
		},
	})
}
