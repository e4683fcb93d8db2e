package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

func (a *app) callToolCommand() *cobra.Command {
	var args string
	var asJSON bool
	c := sessionCommand{
		name: "call-tool", operands: "TOOL [NAME=VALUE]...",
		short: "Call a tool of a server",
		long: `Calls a tool of a server and prints its result: text as it is, a line about each image, sound
and resource, and structured content as JSON when there is no text.

The tool's arguments are a JSON object in --args, or NAME=VALUE words, or both. A word replaces the
same argument in --args. The tool's schema gives the type of a word: VALUE is read as JSON when the
schema wants a number, a boolean, null, an array or an object, and is a string otherwise.

With --json only the result is printed, as the server sent it. A result with isError ends the
command with exit code 1. When the server makes a task of the call, the command waits for the task
and prints its result.`,
		example: `  caisson call-tool github search_repositories query=wazero perPage=5
  caisson call-tool everything echo --args '{"message": "hi"}'
  caisson call-tool echo message=hi -- npx -y @modelcontextprotocol/server-everything
  jq -n '{message: "hi"}' | caisson call-tool everything echo --args - --json`,
		begin: func(c *cobra.Command, words []string) (action, error) {
			call, err := a.readCall(c, words, args)
			return action{use: func(ctx context.Context, client *client) error {
				arguments, err := client.arguments(ctx, call)
				if err != nil {
					return err
				}
				result, err := client.requestWithProgress(ctx, "tools/call", map[string]any{"name": call.tool, "arguments": arguments})
				if err != nil {
					return err
				}
				return a.printToolResult(client.session.Name(), call.String(), result, asJSON)
			}}, err
		},
	}.command(a)
	argsFlag(c, &args)
	jsonFlag(c, &asJSON)
	return c
}

func argsFlag(c *cobra.Command, args *string) {
	c.Flags().StringVar(args, "args", "", "the arguments: `JSON`, @FILE, or - for standard input")
}

// readCall reads the words of a call, and the value of --args.
func (a *app) readCall(c *cobra.Command, words []string, args string) (*toolCall, error) {
	if len(words) == 0 {
		return nil, usage(c, "no tool is given: 'caisson list-tools' shows the server's tools")
	}
	call := &toolCall{command: c, tool: words[0]}
	var err error
	if call.pairs, err = splitPairs(c, words[1:]); err != nil {
		return nil, err
	}
	call.arguments, err = a.readArguments(c, args)
	return call, err
}

// printToolResult prints the result of a tool. When the tool itself has failed, it returns an error, in which
// `what` names the tool.
func (a *app) printToolResult(server, what string, result json.RawMessage, asJSON bool) error {
	if err := a.printResult(result, asJSON, describeResult); err != nil {
		return err
	}
	if isError(result) {
		return &toolError{server: server, what: what}
	}
	return nil
}

// A toolCall is the call that the command line describes.
type toolCall struct {
	command   *cobra.Command
	tool      string
	arguments json.RawMessage // nil when there is no --args
	pairs     []pair
}

// String describes the call for people.
func (c *toolCall) String() string { return fmt.Sprintf("tool %q", c.tool) }

// arguments returns the arguments of a call to a server. It gets the tool's schema only when there are words to
// convert.
func (c *client) arguments(ctx context.Context, call *toolCall) (json.RawMessage, error) {
	return call.whole(func() (*tool, error) { return c.findTool(ctx, call) })
}

// whole returns the arguments, with the words in them. find returns the tool.
func (c *toolCall) whole(find func() (*tool, error)) (json.RawMessage, error) {
	arguments := c.arguments
	if len(c.pairs) > 0 {
		tool, err := find()
		if err != nil {
			return nil, err
		}
		if arguments, err = addPairs(c.command, arguments, tool, c.pairs); err != nil {
			return nil, err
		}
	}
	if arguments == nil {
		arguments = json.RawMessage("{}")
	}
	return arguments, nil
}

// findTool looks up a tool, page by page.
func (c *client) findTool(ctx context.Context, call *toolCall) (*tool, error) {
	var names []string
	for result, err := range c.pages(ctx, "tools/list") {
		if err != nil {
			return nil, err
		}
		var page struct {
			Tools []tool `json:"tools"`
		}
		if err := json.Unmarshal(result, &page); err != nil {
			return nil, c.protocolError("tools/list", err.Error())
		}
		for i := range page.Tools {
			if page.Tools[i].Name == call.tool {
				return &page.Tools[i], nil
			}
			names = append(names, page.Tools[i].Name)
		}
	}
	err := call.noTool("server", names)
	if c.policy == nil {
		return nil, err
	}
	err = fmt.Errorf("%w; the policy may hide others: %s", err, whatHides)
	asked := &policy.Call{Principal: principal(), Caller: policy.CallerCommandLine, Source: policy.Server, Server: c.session.Name(), Kind: policy.Tool, Name: call.tool}
	if c.policy.PinMode() != policy.PinsEnforce && c.policy.Grant(asked).Effect != policy.Deny {
		return nil, err
	}
	return nil, &caisson.Error{Code: caisson.CodeDenied, Server: c.session.Name(), Step: "tools/call", Message: err.Error()}
}

// mostNames is how many names of tools an error has.
const mostNames = 20

// noTool is the error of a tool that a server, or a plugin, does not have. names are those that it has.
func (c *toolCall) noTool(what string, names []string) error {
	has := "it has none"
	if len(names) > 0 {
		has = "it has " + strings.Join(names[:min(len(names), mostNames)], ", ")
	}
	if more := len(names) - mostNames; more > 0 {
		has += fmt.Sprintf(" and %d more", more)
	}
	return usage(c.command, "the %s has no tool %q: %s", what, shown(c.tool), has)
}

// isError reports whether a result says that the tool has failed.
func isError(result json.RawMessage) bool {
	var r struct {
		IsError bool `json:"isError"`
	}
	return json.Unmarshal(result, &r) == nil && r.IsError
}
