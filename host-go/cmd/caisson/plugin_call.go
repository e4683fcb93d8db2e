package main

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/jsontext"
)

// callPluginCommand and runToolCommand are the same command under two names.
func (a *app) callPluginCommand() *cobra.Command {
	return a.pluginCall("call", "plugin call", "Call a tool of a plugin")
}

func (a *app) runToolCommand() *cobra.Command {
	return a.pluginCall("run-tool", "run-tool", "Call a tool of a plugin, as 'plugin call' does")
}

func (a *app) pluginCall(name, path, short string) *cobra.Command {
	var flags pluginFlags
	var args string
	var asJSON bool
	c := &cobra.Command{
		Use:   name + " PLUGIN TOOL [NAME=VALUE]...",
		Short: short,
		Long: `Calls a tool of a plugin and prints its result, as 'caisson call-tool' does for a server. The tool's
arguments are a JSON object in --args, or NAME=VALUE words, or both. Log messages, and what the
plugin prints, go to standard error.

` + pluginHelp + `

` + grantsHelp + `

Exit codes: 0 success, 1 the tool reported an error, 2 usage, or arguments that do not fit,
3 the plugin cannot be loaded, 4 it trapped or reached a limit, 5 timeout, 7 the policy denies it, 130 interrupted.`,
		Example: `  caisson ` + path + ` calc.wasm docs_calc_ops_add a=40 b=2
  caisson ` + path + ` thumbs.wasm resize --dir photos:/in:ro --dir out:/out --args '{"width": 200}'`,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, words []string) error {
			if len(words) == 0 {
				return usage(c, "no plugin is given")
			}
			if len(words) == 1 {
				return usage(c, "no tool is given: 'caisson plugin list' shows the plugin's tools")
			}
			call, err := a.readCall(c, words[1:], args)
			if err != nil {
				return err
			}
			return a.withPlugin(c, &flags, words[0], func(ctx context.Context, p *pluginInUse) error {
				result, err := a.callPlugin(ctx, p, call)
				if err != nil {
					return err
				}
				return a.printToolResult(p.name, call.String(), result, asJSON)
			})
		},
	}
	flags.register(c)
	argsFlag(c, &args)
	jsonFlag(c, &asJSON)
	return c
}

// callPlugin calls a tool, shows its progress and returns its result.
func (a *app) callPlugin(ctx context.Context, p *pluginInUse, call *toolCall) (json.RawMessage, error) {
	found, names, err := findPluginTool(ctx, p, call)
	if err != nil {
		return nil, err
	}
	arguments := json.RawMessage("{}")
	switch {
	case found != nil:
		if arguments, err = call.whole(func() (*tool, error) { return found, nil }); err != nil {
			return nil, err
		}
	case !p.governed:
		return nil, call.noTool("plugin", names)
	case call.arguments != nil:
		arguments = call.arguments
	}
	// A policy may have kept the tool out of the list. Then the gate says why it denies the call, and writes it down.
	defer a.progressed(nil)
	ctx = caisson.WithCallOptions(ctx, caisson.CallOptions{OnProgress: a.progressed})
	result, err := p.tools.CallTool(ctx, &mcp.CallToolParams{Name: call.tool, Arguments: arguments})
	if err != nil {
		return nil, err
	}
	return jsontext.Marshal(result)
}

// findPluginTool looks up a tool: nil, and the names of those that there are, when it is not there.
func findPluginTool(ctx context.Context, p *pluginInUse, call *toolCall) (*tool, []string, error) {
	page, err := p.tools.ListTools(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for _, t := range page.Tools {
		if t.Name == call.tool {
			schema, _ := t.InputSchema.(json.RawMessage)
			return &tool{Name: t.Name, InputSchema: schema}, nil, nil
		}
		names = append(names, t.Name)
	}
	return nil, names, nil
}
