package caisson

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/gate"
	"github.com/caisson-dev/caisson/host-go/internal/jcs"
	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// Guard puts the client's policy in front of a Caller that is no session of the client: a plugin, or another
// program's session. Its calls are decided about as those of the source of this kind and name, and the Caller
// gets only what is allowed; its list shows only what may be called. Pins do not cover what has a Guard.
//
// Guard returns the Caller itself without a policy, and where the client's policy is in front of it already:
// for a session or a group of the client, and for what Guard has returned. A group guards
// [GroupOptions].Callers, and a script its tools, as plugins.
func (c *Client) Guard(kind policy.SourceKind, name string, caller Caller) Caller {
	if c.gate == nil || c.governs(caller) {
		return caller
	}
	return &guarded{gate: c.gate, kind: kind, name: name, behind: caller, pages: c.options.MaxListPages}
}

// Guard puts a policy in front of a Caller for a program that needs no [Client]: it starts no core. Of the options
// only Governance, Telemetry, Logger and MaxListPages count. Without a policy it returns the Caller itself. It fails with
// [CodeInvalidArgument] for invalid options. See [Client.Guard].
func Guard(options *ClientOptions, kind policy.SourceKind, name string, caller Caller) (Caller, error) {
	o := options.withDefaults(slog.New(slog.DiscardHandler))
	if err := o.check(); err != nil {
		return nil, err
	}
	t, err := o.newTelemetry(&labels{})
	if err != nil || o.Policy == nil {
		return caller, err
	}
	return (&Client{options: o, telemetry: t, gate: o.newGate(t)}).Guard(kind, name, caller), nil
}

// governs reports whether the client's policy is in front of a Caller already.
func (c *Client) governs(caller Caller) bool {
	switch caller := caller.(type) {
	case *Session:
		return caller.session != nil && caller.client == c
	case *Group:
		return caller.client == c
	case *guarded:
		return caller.gate == c.gate
	}
	return false
}

type scriptClientKey struct{}

// forScript returns a context for the calls of a script's tools: the script makes them, for this client.
func (c *Client) forScript(ctx context.Context) context.Context {
	if c.gate == nil && c.telemetry == nil {
		return ctx
	}
	return context.WithValue(WithCaller(ctx, policy.CallerScript), scriptClientKey{}, c)
}

// guardedForScript puts the policy of a script's client in front of one of its tools' servers.
func guardedForScript(ctx context.Context, name string, caller Caller) Caller {
	if c, ok := ctx.Value(scriptClientKey{}).(*Client); ok {
		return c.Guard(policy.Plugin, name, caller)
	}
	return caller
}

// guarded is a Caller behind the gate.
type guarded struct {
	gate   *gate.Gate
	kind   policy.SourceKind
	name   string
	behind Caller
	pages  int
}

func (g *guarded) call(ctx context.Context, kind policy.Kind, name string) policy.Call {
	return policy.Call{Source: g.kind, Server: g.name, Kind: kind, Name: name, Caller: callerOf(ctx)}
}

// ListTools returns the tools of a page that may be called.
func (g *guarded) ListTools(ctx context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	pass, err := g.gate.Enter(ctx, &gate.Call{Call: g.call(ctx, policy.Use, listToolsOp.Method), Method: listToolsOp.Method})
	if err != nil {
		return nil, denied(g.name, listToolsOp.Method, err)
	}
	result, err := g.behind.ListTools(ctx, params)
	if err != nil {
		_ = pass.Leave(nil, CodeOf(err).String())
		return nil, err
	}
	shown := *result
	shown.Tools = nil
	for _, tool := range result.Tools {
		call := g.call(ctx, policy.Tool, "")
		if d := define(tool); d != nil {
			if call.Name = d.Name; g.gate.Grants(&call, d, nil) {
				shown.Tools = append(shown.Tools, tool)
			}
		}
	}
	_ = pass.Leave(nil, "")
	return &shown, nil
}

// define makes a definition of a tool; nil when it has none.
func define(tool *mcp.Tool) *pins.Definition {
	text, err := json.Marshal(tool)
	if err != nil || tool == nil {
		return nil
	}
	d, err := pins.Define(text)
	if err != nil {
		return nil
	}
	return d
}

// CallTool calls a tool where the policy allows it.
func (g *guarded) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	p, err := toolParams(params)
	if err != nil {
		return nil, &Error{Code: CodeInvalidArgument, Server: g.name, Step: callToolOp.Method, Message: err.Error(), Err: err}
	}
	arguments, err := json.Marshal(p.Arguments)
	if err == nil {
		_, err = jcs.Lenient(arguments)
	}
	if err != nil {
		return nil, denied(g.name, callToolOp.Method, policy.Denied(policy.BadArguments, "the policy cannot decide about the arguments: "+err.Error(), nil))
	}
	p.Arguments = json.RawMessage(arguments) // What is decided about is what is sent.
	call := &gate.Call{Call: g.call(ctx, policy.Tool, p.Name), Method: callToolOp.Method, Definitions: g}
	call.Arguments = arguments
	pass, err := g.gate.Enter(ctx, call)
	if err != nil {
		return nil, denied(g.name, callToolOp.Method, err)
	}
	result, err := g.behind.CallTool(script.Out(ctx), p)
	if err != nil {
		_ = pass.Leave(nil, CodeOf(err).String())
		return nil, err
	}
	text, err := json.Marshal(result)
	if err != nil {
		_ = pass.Leave(nil, CodeProtocol.String())
		return nil, &Error{Code: CodeProtocol, Server: g.name, Step: callToolOp.Method, Message: "the result is no JSON: " + err.Error(), Err: err}
	}
	if no := pass.Leave(text, ""); no != nil {
		return nil, denied(g.name, callToolOp.Method, no)
	}
	return result, nil
}

// Identity is not known.
func (g *guarded) Identity() *pins.Identity { return nil }

// Definition lists the tools, to know their annotations.
func (g *guarded) Definition(ctx context.Context, name string, _ time.Duration) (*pins.Definition, error) {
	params := &mcp.ListToolsParams{}
	var found *pins.Definition
	for range g.pages {
		page, err := g.behind.ListTools(ctx, params)
		if err != nil {
			return nil, err
		}
		for _, tool := range page.Tools {
			d := define(tool)
			switch {
			case d == nil || d.Name != name:
			case found != nil && found.Hash != d.Hash:
				return nil, nil // There are two of the name.
			default:
				found = d
			}
		}
		if page.NextCursor == "" {
			break
		}
		params.Cursor = page.NextCursor
	}
	return found, nil
}
