package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// An ExpireResult is how long after the end of its context a call returns while another one, with a
// megabyte out and back, keeps the client busy.
type ExpireResult struct {
	Transport, Peer string
	Calls           int
	P50, P99, Most  float64
	Error           string `json:",omitempty"`
}

// measureExpire ends the contexts of calls while the client is busy.
func (b *bench) measureExpire(results *Results) error {
	servers, err := startServers(b.echoServer)
	if err != nil {
		return err
	}
	defer servers.stop()
	for _, p := range b.peers() {
		if p.name != ours && p.name != reference {
			continue
		}
		for _, transport := range []string{stdio, httpJSON} {
			b.say("the end of a context, %s over %s", p.name, transport)
			results.Expires = append(results.Expires, b.expire(p, transport, servers))
		}
	}
	return nil
}

func (b *bench) expire(p *peer, transport string, servers *servers) ExpireResult {
	result := ExpireResult{Transport: transport, Peer: p.name}
	samples, err := b.expirations(p, transport, servers)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	slices.Sort(samples)
	result.Calls = len(samples)
	result.P50, result.P99, result.Most = quantile(samples, .5), quantile(samples, .99), quantile(samples, 1)
	return result
}

func (b *bench) expirations(p *peer, transport string, servers *servers) ([]float64, error) {
	r, err := start(p, b.workshop.warm()...)
	if err != nil {
		return nil, err
	}
	defer r.stop()
	if _, err := r.ask(wire.Request{Op: wire.Connect, Server: servers.server(transport, 1, ""), Count: 1}); err != nil {
		return nil, err
	}
	work := call(transport, 1e6, 1, 1).work(b.seconds)
	if _, err := r.ask(wire.Request{Op: wire.Run, Work: &work}); err != nil {
		return nil, err
	}
	work.Do, work.Seconds, work.Least = wire.Expire, 20*b.seconds, 20
	reply, err := r.ask(wire.Request{Op: wire.Run, Work: &work})
	return reply.Samples, err
}

func renderExpires(w *strings.Builder, all []ExpireResult) {
	var rows [][]string
	for _, e := range all {
		if e.Error != "" {
			rows = append(rows, []string{e.Transport, e.Peer, "failed: " + e.Error, "", "", ""})
			continue
		}
		rows = append(rows, []string{e.Transport, e.Peer, fmt.Sprint(e.Calls), duration(e.P50), duration(e.P99), duration(e.Most)})
	}
	grid(w, "The end of a context", "How long after the end of its context a call returns, while another call of the session, with a megabyte out and back, keeps the client busy.",
		[]string{"transport", "peer", "calls", "p50", "p99", "most"}, rows)
}

// expires says how late our calls hear the end of their contexts.
func expires(r *Results) string {
	var texts []string
	for _, e := range r.Expires {
		if e.Peer == ours && e.Error == "" {
			texts = append(texts, fmt.Sprintf("%s at most, p50 %s, %s", duration(e.Most), duration(e.P50), e.Transport))
		}
	}
	return strings.Join(texts, "; ")
}
