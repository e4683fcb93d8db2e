package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

// slack is what a call may take beyond its deadline, on a machine that has much to do.
const slack = 2 * time.Second

// A load is the programs, and what they have seen.
type load struct {
	machine *machine
	clients []caissonv1connect.McpServiceClient // of each daemon
	stop    context.CancelFunc
	working sync.WaitGroup

	mu           sync.Mutex
	phases       []*seen
	acknowledged map[string]bool
	untyped      []string
	late         int
}

// seen is what was seen in a phase.
type seen struct {
	name            string
	home, elsewhere []time.Duration
	outcomes        map[string]int
}

func newLoad(m *machine) *load {
	l := &load{machine: m, acknowledged: map[string]bool{}}
	for _, node := range m.nodes {
		protocols := &http.Protocols{}
		protocols.SetUnencryptedHTTP2(true)
		transport := &http.Transport{Protocols: protocols}
		l.clients = append(l.clients, caissonv1connect.NewMcpServiceClient(&http.Client{Transport: &withToken{m.token, transport}}, "http://"+node.address))
	}
	return l
}

type withToken struct {
	token string
	next  http.RoundTripper
}

func (w *withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+w.token)
	return w.next.RoundTrip(r)
}

// id names a session: the number says which daemon has made it.
func id(n int) string { return fmt.Sprintf("session-%d", n) }

// server is whose session it is: every second one is of the server that keeps nothing.
func server(n, nodes int) string { return []string{"state", "none"}[n/nodes%2] }

// connect makes the sessions, some at once, on all daemons in turn.
func (l *load) connect(ctx context.Context) error {
	nodes := len(l.clients)
	failed := make(chan error, l.machine.options.sessions)
	room := make(chan struct{}, 4*nodes)
	for n := range l.machine.options.sessions {
		room <- struct{}{}
		go func() {
			defer func() { <-room }()
			_, err := l.clients[n%nodes].Connect(ctx, connect.NewRequest(&caissonv1.ConnectRequest{Id: id(n), Of: &caissonv1.ConnectRequest_Server{Server: server(n, nodes)}}))
			failed <- err
		}()
	}
	var err error
	for range l.machine.options.sessions {
		err = errors.Join(err, <-failed)
	}
	return err
}

// begin has the programs call until end.
func (l *load) begin(ctx context.Context) {
	l.phase("before")
	ctx, l.stop = context.WithCancel(ctx)
	for p := range l.machine.options.programs {
		l.working.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.call(fmt.Sprintf("%d-%d", p, n))
			}
		})
	}
}

func (l *load) end() {
	l.stop()
	l.working.Wait()
}

func (l *load) phase(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.phases = append(l.phases, &seen{name: name, outcomes: map[string]int{}})
}

// call calls a session through a daemon, both at random.
func (l *load) call(key string) {
	nodes := len(l.clients)
	session, node := rand.N(l.machine.options.sessions), rand.N(nodes)
	ctx, cancel := context.WithTimeout(context.Background(), l.machine.options.deadline)
	defer cancel()
	began := time.Now()
	_, err := l.clients[node].CallTool(ctx, connect.NewRequest(&caissonv1.CallToolRequest{
		Target: &caissonv1.Target{Of: &caissonv1.Target_Session{Session: id(session)}}, Name: "do", Arguments: []byte(`{"key":"` + key + `"}`),
	}))
	took := time.Since(began)
	l.mu.Lock()
	now := l.phases[len(l.phases)-1]
	if took > l.machine.options.deadline+slack {
		l.late++
	}
	if err == nil {
		l.acknowledged[key] = true
		now.outcomes["ok"]++
		if session%nodes == node {
			now.home = append(now.home, took)
		} else {
			now.elsewhere = append(now.elsewhere, took)
		}
		l.mu.Unlock()
		return
	}
	outcome, typed := outcomeOf(err)
	now.outcomes[outcome]++
	if !typed {
		l.untyped = append(l.untyped, err.Error())
	}
	l.mu.Unlock()
	time.Sleep(10 * time.Millisecond) // A program does not call a dead daemon without a pause.
}

// outcomeOf names an error by its code.
func outcomeOf(err error) (outcome string, typed bool) {
	var status *connect.Error
	if errors.As(err, &status) {
		for _, detail := range status.Details() {
			if value, err := detail.Value(); err == nil {
				if e, ok := value.(*caissonv1.Error); ok {
					return e.GetCode().String(), true
				}
			}
		}
	}
	if connect.IsWireError(err) {
		return "untyped", false
	}
	if connect.CodeOf(err) == connect.CodeDeadlineExceeded {
		return "the program's deadline", true
	}
	return "no connection with the daemon", true // The program's own error: the daemon that it has called is gone.
}

// report says what was seen, and fails when something was that must not be.
func (l *load) report(to io.Writer) error {
	for _, s := range l.phases {
		if len(s.outcomes) == 0 {
			continue
		}
		fmt.Fprintf(to, "\n%s\n", s.name)
		for _, name := range slices.Sorted(maps.Keys(s.outcomes)) {
			fmt.Fprintf(to, "  %7d  %s\n", s.outcomes[name], name)
		}
		fmt.Fprintf(to, "  p50 and p99 at the daemon that has the session: %s, at another one: %s\n", percentiles(s.home), percentiles(s.elsewhere))
	}
	l.machine.effects.mu.Lock()
	defer l.machine.effects.mu.Unlock()
	twice, lost := 0, 0
	for _, n := range l.machine.effects.of {
		if n > 1 {
			twice++
		}
	}
	for key := range l.acknowledged {
		if l.machine.effects.of[key] == 0 {
			lost++
		}
	}
	fmt.Fprintf(to, "\n%d calls were acknowledged: %d of them are lost, %d things were done twice, %d errors have no code, %d calls were late\n", len(l.acknowledged), lost, twice, len(l.untyped), l.late)
	if lost+twice+len(l.untyped)+l.late > 0 {
		return fmt.Errorf("that must not be: %q", l.untyped[:min(3, len(l.untyped))])
	}
	if len(l.acknowledged) == 0 {
		return errors.New("no call was acknowledged")
	}
	return nil
}

func percentiles(all []time.Duration) string {
	if len(all) == 0 {
		return "-"
	}
	slices.Sort(all)
	return fmt.Sprintf("%v and %v (%d calls)", all[len(all)/2].Round(10*time.Microsecond), all[len(all)*99/100].Round(10*time.Microsecond), len(all))
}
