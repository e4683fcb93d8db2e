package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
	"github.com/caisson-dev/caisson/host-go/caisson/scripttools"
	"github.com/caisson-dev/caisson/host-go/caisson/typescript"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
	"github.com/caisson-dev/caisson/daemon/internal/runs"
)

var _ caissonv1connect.ScriptServiceHandler = (*Scripts)(nil)

// Scripts is the ScriptService.
type Scripts struct {
	Pool *pool.Pool
	// Limits bound each script.
	Limits caisson.ScriptLimits
	// Modules is the folder of the modules; nil for none.
	Modules fs.FS
	// Tools are folders of scripts that are tools, by names.
	Tools map[string]*scripttools.Folder
	// Plugins are plugins by names. No policy is in front of them yet.
	Plugins map[string]caisson.Caller
	// Runner is a client without a policy, for the scripts of tools.
	Runner *caisson.Client
	// Underway bounds those that a call waits for.
	Underway *Underway
	// Runs are those that outlive their call.
	Runs runs.Runs
}

// languages are those that a request may name.
var languages = map[string]caisson.Language{
	"": caisson.JavaScript, "javascript": caisson.JavaScript, "typescript": typescript.Language(nil), "python": python.Language,
}

// Extensions are the languages of files, by the ends of their names; modules import from their folder.
func Extensions(folder fs.FS) map[string]caisson.Language {
	script := typescript.Language(&typescript.Options{Files: folder})
	return map[string]caisson.Language{
		".js": caisson.JavaScript, ".mjs": caisson.JavaScript, ".cjs": caisson.JavaScript,
		".ts": script, ".mts": script, ".cts": script, ".py": python.Language,
	}
}

// limits lowers the configured limits by those of a request.
func (s *Scripts) limits(r *caissonv1.ScriptLimits) caisson.ScriptLimits {
	return s.Limits.Lowered(caisson.ScriptLimits{
		Computing: r.GetComputing().AsDuration(), Time: r.GetTime().AsDuration(), MemoryBytes: r.GetMemoryBytes(), Fuel: r.GetFuel(),
		OutputBytes: int(r.GetOutputBytes()), ToolCalls: int(r.GetToolCalls()), ParallelCalls: int(r.GetParallelCalls()),
	})
}

// A use is a principal's client, and the sessions that a script may call.
type use struct {
	client  *caisson.Client
	tools   *caisson.ToolSet
	release func()
}

// use gives the client of a principal, connected with servers.
func (s *Scripts) use(ctx context.Context, principal string, servers []string) (*use, error) {
	client, done, err := s.Pool.Client(principal)
	if err != nil {
		return nil, err
	}
	releases := []func(){done}
	release := func() {
		for _, f := range releases {
			f()
		}
	}
	callers, more, err := s.connect(ctx, client, principal, servers)
	releases = append(releases, more...)
	if err == nil {
		var tools *caisson.ToolSet
		if tools, err = caisson.NewToolSet(callers); err == nil {
			return &use{client, tools, release}, nil
		}
	}
	release()
	return nil, err
}

// connect uses sessions with servers, all at the same time, and plugins behind the policy of the principal's client.
func (s *Scripts) connect(ctx context.Context, client *caisson.Client, principal string, servers []string) (map[string]caisson.Caller, []func(), error) {
	if slices.Contains(servers, "*") {
		servers = slices.AppendSeq(s.Pool.Enabled(), maps.Keys(s.Plugins))
	}
	type used struct {
		name    string
		session *pool.Session
		release func()
		err     error
	}
	callers := map[string]caisson.Caller{}
	servers = slices.Compact(slices.Sorted(slices.Values(servers)))
	servers = slices.DeleteFunc(servers, func(name string) bool {
		plugin, ok := s.Plugins[name]
		if ok {
			callers[name] = client.Guard(policy.Plugin, name, plugin)
		}
		return ok
	})
	for _, name := range servers { // So there are no more of them than the configuration has.
		if err := s.Pool.Named(name); err != nil {
			return nil, nil, err
		}
	}
	answers := make(chan used, len(servers))
	for _, name := range servers {
		go func() {
			session, release, err := s.Pool.Use(ctx, principal, pool.Target{Server: name})
			answers <- used{name, session, release, err}
		}()
	}
	var releases []func()
	var failed error
	for range servers {
		u := <-answers
		if u.err != nil {
			failed = errors.Join(failed, u.err)
			continue
		}
		callers[u.name] = u.session.Caisson()
		releases = append(releases, u.release)
	}
	return callers, releases, failed
}

// script makes a script of a request.
func (s *Scripts) script(r *caissonv1.Script) (caisson.Script, error) {
	language, ok := languages[r.GetLanguage()]
	if !ok {
		return caisson.Script{}, invalid("run script", fmt.Sprintf("the language %q is not one of javascript, typescript and python", r.GetLanguage()))
	}
	made := caisson.Script{Source: r.GetSource(), Name: r.GetName(), Language: language, Args: r.GetArgs(), Limits: s.limits(r.GetLimits()), Seed: r.GetSeed()}
	if len(r.GetInput()) > 0 {
		if !json.Valid(r.GetInput()) {
			return caisson.Script{}, invalid("run script", "input is not JSON")
		}
		made.Input = json.RawMessage(r.GetInput())
	}
	return made, nil
}

// RunScript implements the service.
func (s *Scripts) RunScript(ctx context.Context, r *connect.Request[caissonv1.RunScriptRequest]) (*connect.Response[caissonv1.RunScriptResponse], error) {
	p, err := caller(ctx, access.Scripts)
	if err != nil {
		return nil, err
	}
	script, err := s.script(r.Msg.GetScript())
	if err != nil {
		return nil, err
	}
	end, err := s.Underway.begin(p.Name, "run script")
	if err != nil {
		return nil, err
	}
	defer end()
	done, err := outcome(s.runScript(ctx, p.Name, script, r.Msg.GetScript().GetServers()))
	if err != nil {
		return nil, Status(err)
	}
	return connect.NewResponse(&caissonv1.RunScriptResponse{Outcome: done}), nil
}

// runScript runs a script of a principal with the tools of servers.
func (s *Scripts) runScript(ctx context.Context, principal string, script caisson.Script, servers []string) (*caisson.ScriptResult, error) {
	u, err := s.use(ctx, principal, servers)
	if err != nil {
		return nil, err
	}
	defer u.release()
	script.Tools = u.tools
	return u.client.RunScript(byRPC(ctx), script)
}

// RunFunction implements the service.
func (s *Scripts) RunFunction(ctx context.Context, r *connect.Request[caissonv1.RunFunctionRequest]) (*connect.Response[caissonv1.RunFunctionResponse], error) {
	p, err := caller(ctx, access.Scripts)
	if err != nil {
		return nil, err
	}
	if s.Modules == nil {
		return nil, invalid("run function", "the configuration of the daemon has no scripts.modules")
	}
	var args []any
	if text := r.Msg.GetArgs(); len(text) > 0 {
		if !json.Valid(text) {
			return nil, invalid("run function", "args is not JSON")
		}
		args = []any{caisson.ArgumentList(text)}
	}
	end, err := s.Underway.begin(p.Name, "run function")
	if err != nil {
		return nil, err
	}
	defer end()
	u, err := s.use(ctx, p.Name, r.Msg.GetServers())
	if err != nil {
		return nil, Status(err)
	}
	defer u.release()
	folder := caisson.ModuleFolder{Files: s.Modules, Languages: Extensions(s.Modules), Tools: u.tools, Limits: s.limits(r.Msg.GetLimits())}
	result, err := u.client.RunFunction(byRPC(ctx), folder, r.Msg.GetModule(), r.Msg.GetFunction(), args...)
	done, err := outcome(result, err)
	if err != nil {
		return nil, Status(err)
	}
	return connect.NewResponse(&caissonv1.RunFunctionResponse{Outcome: done}), nil
}

// RunTool implements the service.
func (s *Scripts) RunTool(ctx context.Context, r *connect.Request[caissonv1.RunToolRequest]) (*connect.Response[caissonv1.RunToolResponse], error) {
	p, err := caller(ctx, access.Scripts)
	if err != nil {
		return nil, err
	}
	source := r.Msg.GetSource()
	folder, plugin := s.Tools[source], s.Plugins[source]
	if folder == nil && plugin == nil {
		return nil, invalid("run tool", fmt.Sprintf("the configuration of the daemon has no source %q in scripts.tools and scripts.plugins", source))
	}
	arguments := r.Msg.GetArguments()
	if len(arguments) == 0 {
		arguments = []byte("{}")
	}
	if err := isObject(arguments); err != nil {
		return nil, invalid("run tool", "arguments: "+err.Error())
	}
	end, err := s.Underway.begin(p.Name, "run tool")
	if err != nil {
		return nil, err
	}
	defer end()
	client, release, err := s.Pool.Client(p.Name)
	if err != nil {
		return nil, Status(err)
	}
	defer release()
	reach := &reach{scripts: s, client: client, principal: p.Name}
	defer reach.release()
	// The principal's policy decides about the tool and about what its script calls; the runner only runs it.
	var tools caisson.Caller
	if plugin != nil {
		tools = client.Guard(policy.Plugin, source, plugin)
	} else {
		tools = client.Guard(policy.Script, source, folder.Caller(s.Runner, reach))
	}
	result, err := tools.CallTool(byRPC(ctx), &mcp.CallToolParams{Name: r.Msg.GetName(), Arguments: json.RawMessage(arguments)})
	if err != nil {
		return nil, Status(err)
	}
	text, err := json.Marshal(result)
	if err != nil {
		return nil, Status(err)
	}
	return connect.NewResponse(&caissonv1.RunToolResponse{Result: text}), nil
}

// outcome is what a script did. What is no failure of the script's is an error.
func outcome(result *caisson.ScriptResult, err error) (*caissonv1.Outcome, error) {
	done := &caissonv1.Outcome{}
	var failed *caisson.ScriptError
	switch {
	case errors.As(err, &failed):
		done.Failure = &caissonv1.ScriptFailure{
			Kind: string(failed.Kind), Message: failed.Message, Script: failed.Script, Line: int32(failed.Line), Column: int32(failed.Column), Stack: failed.Stack,
		}
	case err != nil:
		return nil, err
	}
	if result == nil {
		return done, nil
	}
	done.Value = result.Value
	for _, line := range result.Logs {
		done.Logs = append(done.Logs, &caissonv1.ScriptLog{Level: line.Level, Text: line.Text, Time: timestamppb.New(line.Time)})
	}
	for _, call := range result.Calls {
		done.Calls = append(done.Calls, &caissonv1.ScriptCall{
			Server: call.Server, Tool: call.Tool, Outcome: string(call.Outcome), Code: call.Code,
			Begun: timestamppb.New(call.Begun), Duration: durationpb.New(call.Duration),
		})
	}
	usage := result.Usage
	done.Usage = &caissonv1.ScriptUsage{
		Fuel: usage.Fuel, MemoryBytes: usage.MemoryBytes, Computing: durationpb.New(usage.Computing), Waiting: durationpb.New(usage.Waiting),
	}
	return done, nil
}
