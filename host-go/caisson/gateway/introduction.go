//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// initialize begins a session of the older revisions.
func (e *endpoint) initialize(ctx context.Context, session *mcp.ServerSession, request mcp.Request, next mcp.MethodHandler) (mcp.Result, error) {
	params, _ := request.GetParams().(*mcp.InitializeParams)
	e.mu.Lock()
	begun := e.clients[session] != nil
	e.mu.Unlock()
	if begun || params == nil {
		return next(ctx, "initialize", request) // It is an error.
	}
	c, err := e.gateway.begin(e.gateway.principalOf(ctx), session, params.Capabilities)
	if err != nil {
		return nil, wireError(err)
	}
	if session.ID() != "" { // One over streams is in use until it ends.
		defer c.unuse()
	}
	v := e.view(c)
	// Before the Go SDK has begun the session: a client may try again.
	introduced, err := v.introduce(ctx, e)
	if err != nil {
		c.close()
		e.gateway.failed("initialize", err)
		return nil, wireError(err)
	}
	res, err := next(ctx, "initialize", request)
	answer, ok := res.(*mcp.InitializeResult)
	if err == nil && !ok {
		err = errors.New("the handshake is none")
	}
	if err != nil {
		c.close()
		return nil, err
	}
	c.version = answer.ProtocolVersion
	e.mu.Lock()
	e.clients[session] = c
	if id := session.ID(); id != "" {
		e.ids[id] = c
	}
	e.mu.Unlock()
	e.observeSession(ctx, session, request, c.version)
	go func() { // The client's close waits for the rest.
		// Its endpoint may have gone meanwhile, and does not end it.
		defer context.AfterFunc(e.gateway.ctx, func() { _ = session.Close() })()
		_ = session.Wait()
		e.mu.Lock()
		delete(e.clients, session)
		delete(e.ids, session.ID())
		e.mu.Unlock()
		c.close()
	}()
	c.addSink(&sink{ctx: c.ctx, session: session, view: v})
	answer.Capabilities, answer.Instructions = introduced.capabilities, introduced.instructions
	if introduced.info != nil {
		answer.ServerInfo = introduced.info
	}
	if introduced.tasks && c.version == experimental {
		return withTasks(answer)
	}
	return answer, nil
}

// withTasks declares the tasks of 2025-11-25, which the Go SDK's type does not have.
func withTasks(answer *mcp.InitializeResult) (mcp.Result, error) {
	whole, err := members(marshal(answer))
	if err != nil {
		return nil, err
	}
	can, err := members(whole["capabilities"])
	if err != nil {
		return nil, err
	}
	can["tasks"] = json.RawMessage(`{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}`)
	whole["capabilities"] = marshal(can)
	return &result{text: marshal(whole)}, nil
}

// discover answers a client of 2026-07-28 that asks who is there.
func (e *endpoint) discover(ctx context.Context, r *request, next mcp.MethodHandler) (mcp.Result, error) {
	res, err := next(ctx, "server/discover", r.request)
	if err != nil {
		return nil, err
	}
	answer, ok := res.(*mcp.DiscoverResult)
	if !ok {
		return nil, errors.New("the answer to server/discover is none")
	}
	introduced, err := r.view.introduce(ctx, e)
	if err != nil {
		return nil, err
	}
	answer.Capabilities, answer.Instructions = introduced.capabilities, introduced.instructions
	answer.TTLMs, answer.CacheScope = 0, "private"
	if introduced.info != nil {
		meta := answer.GetMeta()
		if meta == nil {
			meta = map[string]any{}
		}
		meta[mcp.MetaKeyServerInfo] = introduced.info
		answer.SetMeta(meta)
	}
	return answer, nil
}

// introduced is what a client is told of an endpoint.
type introduced struct {
	info         *mcp.Implementation // nil for the gateway itself
	capabilities *mcp.ServerCapabilities
	instructions string
	tasks        bool // a server runs calls of tools as tasks
}

// introduce connects with the servers, and says what they can do.
func (v *View) introduce(ctx context.Context, e *endpoint) (*introduced, error) {
	if e.gateway.options.Endpoints[e.path] != nil {
		return &introduced{capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}}}, nil
	}
	if v.only != "" {
		l, err := v.client.upstream(v.only).get(ctx)
		if err != nil {
			return nil, err
		}
		can := served(l.session.Capabilities())
		v.declareTasks(can, l)
		v.declareExtensions(can, l)
		return &introduced{info: l.session.ServerInfo(), capabilities: can, instructions: l.session.Instructions(), tasks: l.session.RunsTasks()}, nil
	}
	servers := v.Servers()
	links := make([]*link, len(servers))
	var all sync.WaitGroup
	for i, name := range servers {
		all.Go(func() { links[i], _ = v.client.upstream(name).soon(ctx) }) // The log has the failure.
	}
	all.Wait()
	can := &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{ListChanged: true}}
	var instructions []string
	runTasks := false
	if own := v.client.gateway.options.Instructions; own != "" {
		instructions = append(instructions, own)
	}
	for i, l := range links {
		own := &mcp.ServerCapabilities{ // What a server can that is not there yet is not known.
			Prompts: &mcp.PromptCapabilities{}, Resources: &mcp.ResourceCapabilities{Subscribe: true},
			Logging: &mcp.LoggingCapabilities{}, Completions: &mcp.CompletionCapabilities{},
		}
		if l != nil {
			own = l.session.Capabilities()
			v.declareTasks(can, l)
			runTasks = runTasks || l.session.RunsTasks()
			if text := strings.TrimSpace(l.session.Instructions()); text != "" {
				instructions = append(instructions, "# "+servers[i]+"\n\n"+text)
			}
		}
		if own.Prompts != nil {
			can.Prompts = &mcp.PromptCapabilities{ListChanged: true}
		}
		if own.Resources != nil {
			if can.Resources == nil {
				can.Resources = &mcp.ResourceCapabilities{ListChanged: true}
			}
			can.Resources.Subscribe = can.Resources.Subscribe || own.Resources.Subscribe
		}
		if own.Logging != nil {
			can.Logging = own.Logging
		}
		if own.Completions != nil {
			can.Completions = own.Completions
		}
	}
	return &introduced{capabilities: can, instructions: strings.Join(instructions, "\n\n"), tasks: runTasks}, nil
}

// declareTasks declares the extension of tasks to a client of 2026-07-28 where a server has it.
func (v *View) declareTasks(can *mcp.ServerCapabilities, l *link) {
	if v.client.session == nil && l.session.RunsTasks() {
		settings, _ := l.session.Capabilities().Extensions[tasksExtension].(map[string]any)
		can.AddExtension(tasksExtension, settings)
	}
}

// served is what of a server's capabilities the gateway passes on. Lists always change: a server may go, and come back.
func served(can *mcp.ServerCapabilities) *mcp.ServerCapabilities {
	s := &mcp.ServerCapabilities{Logging: can.Logging, Completions: can.Completions}
	if can.Tools != nil {
		s.Tools = &mcp.ToolCapabilities{ListChanged: true}
	}
	if can.Prompts != nil {
		s.Prompts = &mcp.PromptCapabilities{ListChanged: true}
	}
	if can.Resources != nil {
		s.Resources = &mcp.ResourceCapabilities{ListChanged: true, Subscribe: can.Resources.Subscribe}
	}
	return s
}
