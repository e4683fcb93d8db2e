// Package codemode is an MCP endpoint for models that write scripts: three tools in place of hundreds.
//
// A model finds tools with search_tools, reads how they are called with get_tool, and calls as many as it wants in one
// script with run_script. Only what the script returns and logs goes back to the model. What a script calls is decided
// about as if the client had called it, call by call: see [gateway.Gateway] and docs/policy.md; an approval of
// run_script is none of what the script does.
//
//	g, err := gateway.New(runtime, servers, &gateway.Options{
//		Endpoints: map[string]gateway.NewCaller{"/mcp/code": codemode.Endpoint(client, nil)},
//	})
package codemode

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
)

// Options say how an endpoint works. The zero value, or nil, has scripts in JavaScript.
type Options struct {
	// Languages are what scripts may be written in, by the names that a model gives. Those of the declarations that
	// it reads are TypeScript, or Python where the name is "python". Default: "javascript".
	Languages map[string]caisson.Language
	// Limits bound each script. Default: those of [caisson.ScriptLimits]; the value of a script may have 4 MiB with
	// its log.
	Limits caisson.ScriptLimits
	// ResultBytes bounds what a model gets of a script's value, and of a text of search_tools and get_tool. Of a value
	// that is longer the model gets the beginning, and a name by which a further script has it as its input.
	// Default: 32 KiB.
	ResultBytes int
	// LogBytes bounds what a model gets of a script's log: its end. Default: 8 KiB.
	LogBytes int
	// KeptResults and KeptBytes bound the values that are kept for further scripts of one client, the newest.
	// Defaults: 16 and 16 MiB.
	KeptResults, KeptBytes int
	// KeptBytesOfPrincipal bounds the values that are kept for all clients of one principal together, the newest.
	// Default: 64 MiB.
	KeptBytesOfPrincipal int
	// ParallelCalls bounds the calls of the three tools that are underway for one principal, in all its sessions; a
	// further one fails, and the model is told why. Default: 8.
	ParallelCalls int
}

const (
	javaScript         = "javascript"
	python             = "python"
	defaultResultBytes = 32 << 10
	defaultLogBytes    = 8 << 10
	defaultOutputBytes = 4 << 20
	defaultKeptResults = 16
	defaultKeptBytes   = 16 << 20
	defaultKeptOfOne   = 64 << 20
	defaultParallel    = 8
)

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if len(c.Languages) == 0 {
		c.Languages = map[string]caisson.Language{javaScript: caisson.JavaScript}
	}
	set(&c.Limits.OutputBytes, defaultOutputBytes)
	set(&c.ResultBytes, defaultResultBytes)
	set(&c.LogBytes, defaultLogBytes)
	set(&c.KeptResults, defaultKeptResults)
	set(&c.KeptBytes, defaultKeptBytes)
	set(&c.KeptBytesOfPrincipal, defaultKeptOfOne)
	set(&c.ParallelCalls, defaultParallel)
	return c
}

func set(value *int, byDefault int) {
	if *value <= 0 {
		*value = byDefault
	}
}

// Endpoint makes an endpoint of [gateway.Options]. The client runs the scripts; its own policy, if it has one, decides
// about their calls beside the gateway's. It must not be closed before the gateway.
func Endpoint(client *caisson.Client, options *Options) gateway.NewCaller {
	o := options.withDefaults()
	turns, store := newTurns(o.ParallelCalls), newStore(o.KeptBytesOfPrincipal)
	return func(ctx context.Context, all *gateway.View) (caisson.Caller, error) {
		s := &session{client: client, options: o, all: all, turns: turns, kept: store.of(all.Principal(), o.KeptResults, o.KeptBytes)}
		context.AfterFunc(ctx, s.kept.close)
		s.languages = slices.Sorted(maps.Keys(o.Languages))
		s.language = s.languages[0]
		if o.Languages[javaScript] != nil {
			s.language = javaScript
		}
		return s, nil
	}
}

// A session is the endpoint as one client has it.
type session struct {
	client    *caisson.Client
	options   Options
	all       *gateway.View
	languages []string
	language  string // where a model gives none
	turns     *turns // of all sessions of the endpoint
	kept      *kept

	mu      sync.Mutex
	tools   *caisson.ToolSet
	changes uint64    // that were known when tools was made
	made    time.Time // and when
}

var _ caisson.Caller = (*session)(nil)

// age is how long the lists of servers are kept that tell of no changes.
const age = 5 * time.Minute

// toolSet returns the tools of all servers.
func (s *session) toolSet(ctx context.Context) (*caisson.ToolSet, error) {
	changes := s.all.ToolChanges()
	s.mu.Lock()
	tools, fresh := s.tools, s.changes == changes && time.Since(s.made) < age
	s.mu.Unlock()
	if tools != nil && fresh {
		return tools, nil
	}
	callers, err := s.all.Callers(ctx)
	if err != nil {
		return nil, err
	}
	if tools, err = caisson.NewToolSet(callers); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tools, s.changes, s.made = tools, changes, time.Now()
	return tools, nil
}

// CallTool calls one of the three tools. A failure that the model can do something about is its result.
func (s *session) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	var call func(context.Context, json.RawMessage) (*mcp.CallToolResult, error)
	switch params.Name {
	case searchTools:
		call = s.search
	case getTool:
		call = s.get
	case runScript:
		call = s.run
	default:
		return nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "tools/call", Message: fmt.Sprintf("unknown tool %q: there are %s, %s and %s", cut(params.Name, 100), searchTools, getTool, runScript)}
	}
	arguments, err := json.Marshal(params.Arguments)
	if err != nil {
		return nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "tools/call", Message: "the arguments do not marshal to JSON: " + err.Error(), Err: err}
	}
	end, err := s.turns.begin(s.all.Principal())
	if err != nil {
		return failed(err.Error()), nil
	}
	defer end()
	result, err := call(ctx, arguments)
	if err != nil && ctx.Err() == nil {
		return failed(err.Error()), nil
	}
	return result, err
}

func failed(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}, IsError: true}
}

func texts(all ...string) []mcp.Content {
	var content []mcp.Content
	for _, text := range all {
		if text != "" {
			content = append(content, &mcp.TextContent{Text: text})
		}
	}
	return content
}

// cut returns the beginning of a text, and no half of a character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}
