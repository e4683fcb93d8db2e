package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/usage"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// A serving is what the section for gateways works with.
type serving struct {
	bench    *bench
	client   *peer // which makes all calls
	upstream *peer // our client, which makes a gateway's calls
	all      []upstream
	file     string // the configuration
	gateways []gatewayPeer
	results  *ServeResults
}

// stepLimit bounds each answer of a client of a gateway. A gateway that does not answer in time has a row that says so,
// and is not asked again over the same transport in the same revision.
const stepLimit = time.Minute

// serveTransports are what the clients of gateways speak.
var serveTransports = []string{stdio, httpSSE}

// measureServe measures gateways in front of the same servers.
func (b *bench) measureServe(results *Results) (err error) {
	b.say("building the gateways and their servers")
	folder, err := os.MkdirTemp("", "caisson-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	s := &serving{bench: b, client: &peer{name: reference, prepare: goPeer("gosdk")}, upstream: &peer{name: ours, prepare: goPeer("caisson")}, results: &results.Serve}
	for _, p := range []*peer{s.client, s.upstream} {
		if b.workshop.prepare(p); p.skipped != nil {
			return p.skipped
		}
	}
	if b.fill(s.upstream); s.upstream.skipped != nil {
		return s.upstream.skipped
	}
	if b.echoServer, err = b.workshop.build("echoserver", "./echoserver", nil); err != nil {
		return err
	}
	if s.all, err = b.upstreams(folder); err != nil {
		return err
	}
	if s.file, err = writeConfiguration(folder, s.all); err != nil {
		return err
	}
	s.results.Servers, s.results.Tools = len(s.all), toolsOf(s.all)
	for _, g := range b.gateways() {
		if !b.chooses(g.name) {
			continue
		}
		if b.workshop.prepare(g.peer); g.skipped == nil {
			g.skipped = s.try(g) // It fills the caches, too.
		}
		s.results.Peers = append(s.results.Peers, b.told(g.peer))
		if g.skipped == nil {
			s.gateways = append(s.gateways, g)
		}
	}
	return errors.Join(s.measureStarts(), s.measureCalls(), s.measureMemory())
}

// each is done for each round, transport and revision.
func (s *serving) each(what string, do func(round int, transport, revision string) error) error {
	for round := range s.bench.rounds {
		s.bench.say("%s of gateways, round %d of %d", what, round+1, s.bench.rounds)
		for _, transport := range serveTransports {
			for _, revision := range []string{older, newest} {
				if err := do(round, transport, revision); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// try starts a gateway once, with nothing in its caches.
func (s *serving) try(g gatewayPeer) error {
	_, err := s.start(g, httpSSE, older, patience)
	return err
}

// measureStarts starts each gateway anew, up to the first complete list.
func (s *serving) measureStarts() error {
	return s.each("starts", func(round int, transport, revision string) error {
		for _, g := range rotated(s.gateways, round) {
			if !g.serves(transport, revision) {
				continue
			}
			result := s.results.start(transport, revision, g.name)
			if result.Error != "" {
				continue
			}
			total, err := s.start(g, transport, revision, stepLimit)
			if err != nil {
				result.Error = err.Error()
				continue
			}
			result.Totals = append(result.Totals, float64(total.Nanoseconds())/1e3)
		}
		return nil
	})
}

func (s *serving) start(g gatewayPeer, transport, revision string, limit time.Duration) (total time.Duration, err error) {
	client, err := s.newClient()
	if err != nil {
		return 0, err
	}
	client.limit = limit
	defer client.stop()
	began := time.Now()
	if transport == stdio {
		return s.connected(client, []*wire.Server{s.command(g, revision)}, began)
	}
	run, err := startGateway(g, s.file, s.all)
	if err != nil {
		return 0, err
	}
	defer run.stop()
	return s.connected(client, run.servers(revision), began)
}

func (s *serving) connected(client *process, servers []*wire.Server, began time.Time) (time.Duration, error) {
	if err := s.listAll(client, servers); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// command is a gateway that the client starts, over stdio.
func (s *serving) command(g gatewayPeer, revision string) *wire.Server {
	return &wire.Server{Command: g.peer.command[0], Args: append(slices.Clone(g.peer.command[1:]), g.over[stdio](s.file)...), Revision: revision}
}

// listAll connects to all servers, at one place or at one for each, and lists until nothing is missing.
func (s *serving) listAll(client *process, servers []*wire.Server) error {
	for i, server := range servers {
		if _, err := client.ask(wire.Request{Op: wire.Connect, Server: server, Count: 1}); err != nil {
			return err
		}
		work := wire.Work{Do: wire.List, Tools: toolsOf(s.all), More: true, Sessions: 1, InFlight: 1, Most: 1, Least: 1}
		if len(servers) > 1 {
			work.Tools = s.all[i].tools
		}
		for until := time.Now().Add(patience); ; { // Its servers come one by one.
			_, err := client.ask(wire.Request{Op: wire.Run, Work: &work})
			if err == nil {
				break
			}
			if client.failed != nil || time.Now().After(until) {
				return err
			}
		}
		if i < len(servers)-1 {
			if _, err := client.ask(wire.Request{Op: wire.Close}); err != nil {
				return err
			}
		}
	}
	return nil
}

// serveCell is a call of a server on an SDK, through a gateway.
func serveCell(transport, revision, sdk string) Cell {
	c := call(transport, 100, 1, 1)
	c.Revision, c.Upstream = revision, sdk
	return c
}

// serveSDKs are those of the servers that are called. What server-everything's echo answers is not the message alone.
var serveSDKs = []string{goSDK, typescript, newer, fastMCP, mcpGo}

// measureCalls has gateways and the two calls that one through them is made of take turns; the second one by our client,
// which our gateway makes it by, and by that of the others' calls.
func (s *serving) measureCalls() error {
	t := &table{}
	err := s.each("calls", func(round int, transport, revision string) error {
		o := &opened{s: s, processes: map[string]*process{}}
		defer o.close()
		direct, err := startServers(s.bench.echoServer)
		if err != nil {
			return err
		}
		defer direct.stop()
		running, failed := map[string]*gateway{}, map[string]error{}
		for _, g := range s.gateways {
			if transport == stdio || !g.serves(transport, revision) {
				continue
			}
			run, err := startGateway(g, s.file, s.all)
			if err != nil {
				failed[g.name] = err
				continue
			}
			defer run.stop()
			running[g.name] = run
		}
		for _, sdk := range serveSDKs {
			c := serveCell(transport, revision, sdk)
			if !s.bench.work.MatchString(c.String()) {
				continue
			}
			u := s.all[slices.IndexFunc(s.all, func(u upstream) bool { return u.sdk == sdk })]
			first := direct.server(transport, 1, revision)
			first.Revision = revision
			o.turn(t, c, toGateway, s.client, first, "echo")
			o.turn(t, c, toServer, s.client, u.server(newest), "echo")
			o.turn(t, c, toServerByUs, s.upstream, u.server(""), "echo")
			for _, g := range rotated(s.gateways, round) {
				switch run := running[g.name]; {
				case !g.serves(transport, revision):
				case run == nil && transport == stdio:
					o.turn(t, c, g.name, s.client, s.command(g, revision), g.tool(u))
				case run == nil:
					t.called(c, g.name).Error = failed[g.name].Error()
				default:
					o.turn(t, c, g.name, s.client, run.server(u, revision), g.tool(u))
				}
			}
		}
		return nil
	})
	s.results.Calls = summarize(t.calls, caissonServe)
	return err
}

// newClient starts a client of gateways.
func (s *serving) newClient() (*process, error) { return s.begin(s.client) }

func (s *serving) begin(p *peer) (*process, error) {
	client, err := start(p, s.bench.workshop.warm()...)
	if err == nil {
		client.limit = stepLimit
	}
	return client, err
}

// opened are clients with one session each, by who they are and what they are connected with.
type opened struct {
	s         *serving
	processes map[string]*process
}

// turn has a client call a tool, again and again; first unmeasured, for what is done once. What has failed in a round has
// no further turn, so that the results of a round have the same place in all lists of them.
func (o *opened) turn(t *table, c Cell, name string, client *peer, server *wire.Server, tool string) {
	result := t.called(c, name)
	if result.Error != "" {
		return
	}
	r, err := o.open(client, server)
	if err != nil {
		result.Error = err.Error()
		return
	}
	work := c.work(o.s.bench.seconds)
	work.Tool = tool
	warm := work
	warm.Seconds, warm.Least, warm.Most = 0, 5, 5
	if _, err := r.ask(wire.Request{Op: wire.Run, Work: &warm}); err != nil {
		result.Error = err.Error()
		return
	}
	reply, err := r.ask(wire.Request{Op: wire.Run, Work: &work})
	if err != nil {
		result.Error = err.Error()
		return
	}
	result.add(reply.Samples, nil, reply.Elapsed, 0)
}

// called is where the calls of a peer in a cell go.
func (t *table) called(c Cell, name string) *CallResult {
	for _, result := range t.calls {
		if result.Cell == c && result.Peer == name {
			return result
		}
	}
	result := &CallResult{Cell: c, Peer: name}
	t.calls = append(t.calls, result)
	return result
}

func (o *opened) open(client *peer, server *wire.Server) (*process, error) {
	text, err := json.Marshal(server)
	if err != nil {
		return nil, err
	}
	key := client.name + string(text)
	if r := o.processes[key]; r != nil {
		return r, r.failed
	}
	r, err := o.s.begin(client)
	if err != nil {
		return nil, err
	}
	o.processes[key] = r
	_, err = r.ask(wire.Request{Op: wire.Connect, Server: server, Count: 1})
	return r, err
}

func (o *opened) close() {
	for _, r := range o.processes {
		r.stop()
	}
}

// clientsOf is how many clients a gateway has when its memory is looked at.
var clientsOf = []int{1, 4}

// measureMemory looks at a gateway's own processes with one client that has listed everything, and with more.
func (s *serving) measureMemory() error {
	for _, revision := range []string{older, newest} {
		for _, g := range s.gateways {
			if !g.serves(httpSSE, revision) {
				continue
			}
			s.bench.say("memory of %s, %s", g.name, revision)
			result := ServeMemory{Revision: revision, MemoryResult: MemoryResult{Peer: g.name}}
			if err := s.fillWithClients(g, &result); err != nil {
				result.Error = err.Error()
			}
			s.results.Memory = append(s.results.Memory, result)
		}
	}
	return nil
}

func (s *serving) fillWithClients(g gatewayPeer, result *ServeMemory) error {
	run, err := startGateway(g, s.file, s.all)
	if err != nil {
		return err
	}
	defer run.stop()
	for n := 1; n <= clientsOf[len(clientsOf)-1]; n++ {
		client, err := s.newClient()
		if err != nil {
			return err
		}
		defer client.stop()
		if err := s.listAll(client, run.servers(result.Revision)); err != nil {
			return fmt.Errorf("client %d: %w", n, err)
		}
		if slices.Contains(clientsOf, n) {
			result.Sessions = append(result.Sessions, n)
			result.Resident = append(result.Resident, usage.Proportional(run.pids()))
		}
	}
	return nil
}
