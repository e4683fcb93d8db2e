// Package catalog has the tools of the bench's servers. They are as large as those of servers that are
// much used: a third is like the tools of a server that shows what there is, half a kilobyte each; a
// third like those of one for files, a kilobyte with what they give and how they behave; and a third
// like those of one for a forge, two kilobytes with lists, choices and objects in objects.
package catalog

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Tools are so many tools. The first is "echo", and all take its arguments.
func Tools(n int) []*mcp.Tool {
	kinds := []func(name string) *mcp.Tool{small, medium, large}
	tools := make([]*mcp.Tool, n)
	for i := range tools {
		name := "echo"
		if i > 0 {
			name = fmt.Sprintf("echo-%d", i)
		}
		tools[i] = kinds[i%len(kinds)](name)
	}
	return tools
}

const text = `"message": {"type": "string", "description": "The text to give back", "minLength": 1},
	"times": {"type": "integer", "description": "How often to give it back", "minimum": 1, "default": 1}`

func small(name string) *mcp.Tool {
	return &mcp.Tool{
		Name: name, Description: "Gives a message back, as often as asked.",
		InputSchema: schema(text+`,
			"format": {"type": "string", "enum": ["text", "markdown"], "description": "How the text is written"},
			"tags": {"type": "array", "items": {"type": "string"}, "maxItems": 16}`, "message"),
	}
}

func medium(name string) *mcp.Tool {
	no := false
	return &mcp.Tool{
		Name: name, Title: "Read a file and echo " + name,
		Description: "Reads a file below one of the folders that the server may see, and gives what is in it as text. " +
			"The encoding is found out; what is no text is an error, and so is a file that is not there. Give head or tail for a part of it, not both.",
		Annotations: &mcp.ToolAnnotations{Title: "Read a file", ReadOnlyHint: true, OpenWorldHint: &no},
		InputSchema: schema(text+`,
			"path": {"type": "string", "description": "Where the file is, from the root"},
			"head": {"type": "number", "description": "How many lines to give from its beginning"},
			"tail": {"type": "number", "description": "How many lines to give from its end"}`, "message", "path"),
		OutputSchema: schema(`"content": {"type": "string"}, "lines": {"type": "integer", "minimum": 0}`, "content"),
	}
}

func large(name string) *mcp.Tool {
	yes := true
	return &mcp.Tool{
		Name: name, Title: "Open a change request with " + name,
		Description: "Opens a request to merge one branch into another, with the people who are to look at it. " +
			"The branches must be there, and differ; a request for the same two that is open already is given in place of a new one.",
		Annotations: &mcp.ToolAnnotations{Title: "Open a change request", DestructiveHint: &yes},
		InputSchema: schema(text+`,
			"owner": {"type": "string", "description": "The account that the repository belongs to, by its name and not by its number"},
			"repository": {"type": "string", "description": "The name of the repository, without its owner"},
			"title": {"type": "string", "description": "What the change does, in one line", "minLength": 1, "maxLength": 256},
			"body": {"type": "string", "description": "Why, and what to look at. Markdown; a reference to an issue closes it when the change is merged"},
			"head": {"type": "string", "description": "The branch with the change; of a fork, with its owner before a colon"},
			"base": {"type": "string", "description": "The branch that it is to be merged into", "default": "main"},
			"draft": {"type": "boolean", "description": "Whether it is not ready to be looked at", "default": false},
			"method": {"type": "string", "enum": ["merge", "squash", "rebase"], "description": "How it is to be merged"},
			"labels": {"type": "array", "description": "Names of labels, which are made when they are not there", "items": {"type": "string", "maxLength": 50}, "maxItems": 20},
			"reviewers": {"type": "array", "description": "Who is to look at it", "items": {"type": "object", "properties": {
				"name": {"type": "string", "description": "The name of an account or of a team"},
				"kind": {"type": "string", "enum": ["account", "team"]},
				"required": {"type": "boolean", "default": false}}, "required": ["name"], "additionalProperties": false}},
			"checks": {"type": "object", "description": "What must have passed before", "additionalProperties": {"anyOf": [{"type": "boolean"}, {"type": "string"}]}},
			"milestone": {"oneOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "description": "The number of a milestone"}`,
			"message", "owner", "repository", "title", "head", "base"),
	}
}

// schema is of an object with properties, which are JSON text.
func schema(properties string, required ...string) json.RawMessage {
	return json.RawMessage(`{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {` + properties +
		`}, "required": ["` + strings.Join(required, `", "`) + `"], "additionalProperties": false}`)
}
