package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/access"
)

// slack is what a call may take beyond its deadline, on a machine that has much to do.
const slack = 2 * time.Second

// scriptCalls is how often a script calls the tool.
const scriptCalls = 4

// source is the script: it calls the tool of both servers, beside each other, and says which calls were answered.
const source = `
const done = [], failed = [];
await Promise.all(input.keys.map(async (key, i) => {
    try {
        await tools[i % 2 ? 'none' : 'state'].do({ key });
        done.push(key);
    } catch (e) {
        failed.push(String(e));
    }
}));
return { done, failed };`

// A load is the programs, and what they have seen.
type load struct {
	machine *machine
	working sync.WaitGroup
	further chan struct{} // has room for one word that a further session has been connected

	begun, connected atomic.Int64 // sessions
	over             atomic.Bool  // all phases are

	mu           sync.Mutex
	phases       []*seen
	acknowledged map[string]bool
	untyped      []string
	late         []string
	wrong        []string // of submitted runs
	errors       map[string]int
	open, most   []int // sessions that are open now, and at most, by the daemon that has made them
}

func newLoad(m *machine) *load {
	return &load{
		machine: m, further: make(chan struct{}, 1), acknowledged: map[string]bool{}, errors: map[string]int{},
		open: make([]int, m.options.nodes), most: make([]int, m.options.nodes),
	}
}

// begin has the programs work until the phases are over, and all sessions have been connected.
func (l *load) begin(ctx context.Context) {
	for n := range l.machine.options.programs {
		p := l.program(n)
		for range l.machine.options.slots() {
			l.working.Go(func() {
				for ctx.Err() == nil && (!l.over.Load() || l.connected.Load() < int64(l.machine.options.sessions)) {
					p.session(ctx)
				}
			})
		}
	}
}

// await waits until so many sessions have been connected.
func (l *load) await(ctx context.Context, sessions int) error {
	for l.connected.Load() < int64(sessions) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d sessions have been connected when the time is over: %w", l.connected.Load(), l.machine.options.sessions, ctx.Err())
		case <-l.further:
		}
	}
	return nil
}

// A program is a principal, with a connection to each daemon.
type program struct {
	*load
	name  string
	token string
	http  *http.Client
}

func (l *load) program(n int) *program {
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	token := l.machine.tokens[n]
	return &program{load: l, name: fmt.Sprintf("program-%d", n), token: token, http: &http.Client{Transport: &access.WithToken{Token: token, Next: &http.Transport{Protocols: protocols}}}}
}

// mcp is a daemon: those that are started in another one's place have its number.
func (p *program) mcp(node int) caissonv1connect.McpServiceClient {
	return caissonv1connect.NewMcpServiceClient(p.http, "http://"+p.machine.node(node).address)
}

func (p *program) anyNode() int { return rand.N(p.machine.options.nodes) }

// session connects a session, on all daemons in turn, calls it through daemons at random, runs a script and
// submits a run where it is one's turn, and disconnects.
func (p *program) session(ctx context.Context) {
	n := p.begun.Add(1)
	id, home := fmt.Sprintf("session-%d", n), int(n)%p.machine.options.nodes
	server := []string{"state", "none"}[n%2]
	_, ok := did(p, connecting, false, p.machine.options.slow, func(ctx context.Context) (*connect.Response[caissonv1.ConnectResponse], error) {
		return p.mcp(home).Connect(ctx, connect.NewRequest(&caissonv1.ConnectRequest{Id: id, Of: &caissonv1.ConnectRequest_Server{Server: server}}))
	})
	if !ok {
		p.disconnect(id, home) // It may have been made.
		return
	}
	p.opened(home, 1)
	defer p.opened(home, -1)
	connected := p.connected.Add(1)
	select {
	case p.further <- struct{}{}:
	default:
	}
	o := p.machine.options
	if turn(connected, o.scripts, o.sessions) {
		p.script(fmt.Sprintf("script-%d", n))
	}
	if turn(connected, o.runs.count, o.sessions) {
		p.run(fmt.Sprintf("run-%d", n))
	}
	for i := range o.calls {
		pause(ctx, rand.N(2*o.pause+1))
		if ctx.Err() != nil || !p.call(fmt.Sprintf("%s-%d", id, i), id, home) {
			break
		}
	}
	p.disconnect(id, home)
}

// turn spreads things evenly over sessions, so many over each so many, and says whether it is one's turn in a session.
func turn(session int64, things, sessions int) bool {
	return (session-1)*int64(things)/int64(sessions) != session*int64(things)/int64(sessions)
}

func (p *program) opened(node, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[node] += n
	p.most[node] = max(p.most[node], p.open[node])
}

// disconnect ends a session. Where its daemon is gone, there is none to end.
func (p *program) disconnect(id string, home int) {
	_, _ = did(p, disconnecting, false, p.machine.options.slow, func(ctx context.Context) (*connect.Response[caissonv1.DisconnectResponse], error) {
		return p.mcp(home).Disconnect(ctx, connect.NewRequest(&caissonv1.DisconnectRequest{Session: id}))
	})
}

// maxAttempts bounds how often a call is made of which nothing was sent.
const maxAttempts = 5

// call has something done once, through a daemon at random; false where the session is lost.
func (p *program) call(key, id string, home int) bool {
	for range maxAttempts {
		node := p.anyNode()
		code, ok := did(p, calling, node != home, p.machine.options.deadline, func(ctx context.Context) (*connect.Response[caissonv1.CallToolResponse], error) {
			return p.mcp(node).CallTool(ctx, connect.NewRequest(&caissonv1.CallToolRequest{
				Target: &caissonv1.Target{Of: &caissonv1.Target_Session{Session: id}}, Name: "do", Arguments: []byte(`{"key":"` + key + `"}`),
			}))
		})
		switch {
		case ok:
			p.acknowledge(key)
			return true
		case code == caissonv1.Code_CODE_CLOSED, code == caissonv1.Code_CODE_INVALID_ARGUMENT:
			return false
		case code != caissonv1.Code_CODE_CONNECT: // It may have had an effect, so it is not made again.
			return true
		}
	}
	return true
}

// script is the script, with things to do under a key.
func script(key string) *caissonv1.Script {
	keys := make([]string, scriptCalls)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s-%d", key, i)
	}
	input, _ := json.Marshal(map[string]any{"keys": keys}) // It is texts.
	return &caissonv1.Script{Source: source, Input: input, Servers: []string{"state", "none"}}
}

// script runs a script, on a daemon at random, and waits for it.
func (p *program) script(key string) {
	var outcome *caissonv1.Outcome
	_, ok := did(p, running, false, p.machine.options.slow, func(ctx context.Context) (*connect.Response[caissonv1.RunScriptResponse], error) {
		r, err := p.scripts().RunScript(ctx, connect.NewRequest(&caissonv1.RunScriptRequest{Script: script(key)}))
		if err == nil {
			outcome = r.Msg.GetOutcome()
		}
		return r, err
	})
	if ok {
		p.said(outcome)
	}
}

// said notes what a script says of its calls.
func (p *program) said(outcome *caissonv1.Outcome) {
	if failure := outcome.GetFailure(); failure.GetKind() == "limit" { // Typed, and it says nothing of its calls.
		p.mu.Lock()
		defer p.mu.Unlock()
		p.errors["script: limit: "+failure.GetMessage()]++
		p.now().inScripts[1] += scriptCalls
		return
	}
	var said struct{ Done, Failed []string }
	if err := json.Unmarshal(outcome.GetValue(), &said); err != nil || len(said.Done)+len(said.Failed) != scriptCalls {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.untyped = append(p.untyped, fmt.Sprintf("a script has ended with %v", outcome))
		return
	}
	for _, one := range said.Done {
		p.acknowledge(one)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now().inScripts[0] += len(said.Done)
	p.now().inScripts[1] += len(said.Failed)
}

func (p *program) acknowledge(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acknowledged[key] = true
}

// did does something within a deadline, and notes how it ends. It gives the code of the error, where there is one.
func did[A any](p *program, what action, elsewhere bool, deadline time.Duration, do func(context.Context) (A, error)) (code caissonv1.Code, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	began := time.Now()
	_, err := do(ctx)
	took := time.Since(began)
	outcome, code, typed := outcomeOf(err)
	p.mu.Lock()
	if took > deadline+slack {
		p.late = append(p.late, fmt.Sprintf("%s took %v: %v", what, took, err))
	}
	if !typed {
		p.untyped = append(p.untyped, fmt.Sprintf("%s: %v", what, err))
	}
	p.now().add(what, outcome, elsewhere, took)
	if err != nil {
		p.errors[fmt.Sprintf("%s: %s", outcome, worded(err))]++
	}
	p.mu.Unlock()
	if err != nil {
		time.Sleep(50 * time.Millisecond) // A program does not call a dead daemon without a pause.
	}
	return code, err == nil
}

// ofOne is what is different in errors of one kind: ids, addresses, times.
var ofOne = regexp.MustCompile(`[A-Za-z-]*[0-9][0-9A-Za-z.:µ-]*`)

// worded is what an error says, without what is different in others of its kind.
func worded(err error) string { return ofOne.ReplaceAllString(err.Error(), "…") }

// outcomeOf names an error by its code.
func outcomeOf(err error) (outcome string, code caissonv1.Code, typed bool) {
	if err == nil {
		return done, 0, true
	}
	var status *connect.Error
	if errors.As(err, &status) {
		for _, detail := range status.Details() {
			if value, err := detail.Value(); err == nil {
				if e, ok := value.(*caissonv1.Error); ok {
					return e.GetCode().String()[len("CODE_"):], e.GetCode(), e.GetCode() != caissonv1.Code_CODE_UNSPECIFIED
				}
			}
		}
	}
	switch {
	case connect.IsWireError(err) && connect.CodeOf(err) == connect.CodeDeadlineExceeded, connect.CodeOf(err) == connect.CodeDeadlineExceeded:
		return "deadline", 0, true
	case connect.IsWireError(err):
		return "untyped", 0, false
	}
	return "no daemon", 0, true // The program's own error: the daemon that it has called is gone.
}
