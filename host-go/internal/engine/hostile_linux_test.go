package engine

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
	"github.com/caisson-dev/caisson/host-go/internal/isolation"
	"github.com/caisson-dev/caisson/host-go/internal/race"
)

// An attack is one thing that a hostile core does, and the most that it may cost.
type attack struct {
	name string
	// first is what the core does from the start, and then what it does when it is asked to; either may
	// be nil.
	first, then func(e *arena) *script
	// before is done in between, by the program.
	before func(t *testing.T, e *arena, s *Session)

	ends       string // what the session ends with; "" where it lives
	heap       int    // MiB
	goroutines int
	files      int // descriptors
	log        int // bytes
	handlers   int // of questions, at once
	commands   int // started
	cpu        float64
	lasts      time.Duration // how long the attack is watched, when it goes on by itself
	guestTime  time.Duration // what the core may compute at a time, when it takes all of it
}

// attacks have each import, with what is wrong, too much or too large. What a limit does not name is
// slack: the session's own goroutines, and garbage.
func attacks() []attack {
	const many = 1_000_000
	url := func(e *arena) string { return e.silent }
	simple := func(f func(s *script)) func(*arena) *script {
		return func(*arena) *script {
			s := inRequest()
			f(s)
			return s
		}
	}
	onEvents := func(f func(e *arena, s *script)) func(*arena) *script {
		return func(e *arena) *script {
			s := first().settle().on(onDeliver)
			f(e, s)
			return s
		}
	}
	const mib = 1 << 20
	return []attack{
		// Timers.
		{name: "a million timers", ends: "65536 timers", then: simple(func(s *script) {
			s.times(many, func() { s.call(setTimer, turn, 60_000) }).settle()
		})},
		{name: "one timer set a million times", then: simple(func(s *script) {
			s.times(many, func() { s.call(setTimer, 1, 0) }).settle()
		})},
		{name: "time 0 for ever", lasts: time.Second, cpu: 0.7, first: onEvents(func(_ *arena, s *script) {
			s.call(setTimer, 1, 0)
		}), then: simple(func(s *script) { s.call(setTimer, 1, 0).settle() })},
		{name: "time 0 for ever, and computing", lasts: 2 * time.Second, cpu: 0.8, first: onEvents(func(_ *arena, s *script) {
			s.compute(200_000).call(setTimer, 1, 0)
		}), then: simple(func(s *script) { s.call(setTimer, 1, 0).settle() })},
		{name: "the largest timer", then: simple(func(s *script) {
			s.call(setTimer, uint32(1<<32-1), uint32(1<<32-1)).call(clearTimer, uint32(1<<32-1)).call(clearTimer, 7).settle()
		})},
		{name: "never returning", ends: "deadline", guestTime: time.Second, then: simple(func(s *script) { s.spin() })},

		// Questions.
		{name: "one question 5,000 times", ends: "question 1 waits already", handlers: 1, then: simple(func(s *script) {
			s.times(5000, func() { s.call(askHost, 1, 1, "roots/list", "{}", 0, 0, 0, 0, 0) }).settle()
		})},
		{name: "5,000 questions", handlers: MaxQuestions, goroutines: MaxQuestions, then: simple(func(s *script) {
			s.times(5000, func() { s.call(askHost, turn, 1, "roots/list", "{}", 0, 0, 0, 0, 0) }).settle()
		})},
		{name: "5,000 questions taken back", handlers: MaxQuestions, goroutines: MaxQuestions, then: simple(func(s *script) {
			s.times(5000, func() { s.call(askHost, turn, 1, "roots/list", "{}", 0, 0, 0, 0, 0).call(retractAsk, turn) }).settle()
		})},
		{name: "a million questions", ends: "refused at once", handlers: MaxQuestions, goroutines: MaxQuestions, then: simple(func(s *script) {
			s.times(many, func() { s.call(askHost, turn, 1, "roots/list", "{}", 0, 0, 0, 0, 0) }).settle()
		})},
		{name: "large questions", handlers: 6, heap: 150, then: simple(func(s *script) {
			s.grow(10*mib).times(60, func() { s.call(askHost, turn, 1, "roots/list", large(10*mib), 0, 0, 0, 0, 0) }).settle()
		})},
		{name: "large keys of questions", handlers: 6, heap: 150, then: simple(func(s *script) {
			s.grow(10*mib).times(60, func() { s.call(askHost, turn, 1, "roots/list", "{}", 1, 0, large(10*mib), 60) }).settle()
		})},
		{name: "a question of another session", ends: "no session 7", then: simple(func(s *script) {
			s.call(askHost, 1, 7, "roots/list", "{}", 0, 0, 0, 0, 0).settle()
		})},

		// Exchanges.
		{name: "5,000 exchanges", goroutines: 8 * egress.MaxRunning, files: 3 * egress.MaxRunning, heap: 400, then: func(e *arena) *script {
			s := inRequest()
			return s.times(5000, func() { s.start(turn, 1, "POST", url(e), "{}") }).settle()
		}},
		{name: "5,000 exchanges that answer", goroutines: 8 * egress.MaxRunningReplies, files: 3 * egress.MaxRunningReplies, first: onEvents(func(e *arena, s *script) {
			s.times(5000, func() { s.start(turn, 1, "POST", url(e), "{}") }).on(onPing)
		}), then: simple(func(s *script) { s.call(setTimer, 1, 0).settle() }), ends: "in use"},
		{name: "300,000 exchanges", ends: "refused at once", goroutines: 8 * egress.MaxRunning, files: 3 * egress.MaxRunning, heap: 400, then: func(e *arena) *script {
			s := inRequest()
			return s.times(300_000, func() { s.start(turn, 1, "POST", url(e), "{}") }).settle()
		}},
		{name: "exchanges begun and given up", goroutines: 8 * egress.MaxRunning, files: 3 * egress.MaxRunning, heap: 400, then: func(e *arena) *script {
			s := inRequest()
			return s.times(20_000, func() { s.start(1, 1, "POST", url(e), "{}").call(httpAbort, 1) }).settle()
		}},
		{name: "one exchange twice", ends: "in use", then: func(e *arena) *script {
			s := inRequest()
			return s.times(2, func() { s.start(7, 1, "POST", url(e), "{}") }).settle()
		}},
		{name: "an exchange of another session", ends: "no session 2", then: func(e *arena) *script {
			return inRequest().start(7, 2, "POST", url(e), "{}").settle()
		}},
		{name: "refused for ever", lasts: time.Second, cpu: 0.7, first: onEvents(func(_ *arena, s *script) {
			s.start(1, 1, "GET", "http://elsewhere.invalid/", "")
		}), then: simple(func(s *script) { s.call(setTimer, 1, 0).settle() })},
		{name: "large bodies", heap: 450, goroutines: 100, files: 100, then: func(e *arena) *script {
			s := inRequest().prepare(0, "POST", url(e))
			return s.grow(10*mib).times(60, func() { s.call(httpPost, turn, 0, large(10*mib)) }).settle()
		}},
		{name: "an unknown template", ends: "no template 9", then: simple(func(s *script) {
			s.call(httpPost, 1, 9, "{}").settle()
		})},
		{name: "a template out of range", ends: "template 1024", then: func(e *arena) *script {
			return inRequest().prepare(1024, "POST", url(e)).settle()
		}},
		{name: "large templates", ends: "requests are kept", then: simple(func(s *script) {
			s.grow(mib).times(1024, func() { s.prepare(turn, "POST", large(mib)) }).settle()
		})},
		{name: "one template again and again", heap: 100, then: simple(func(s *script) {
			s.grow(mib).times(256, func() { s.prepare(1, "POST", large(mib)) }).settle()
		})},
		{name: "aborts of nothing", then: simple(func(s *script) {
			s.times(100_000, func() { s.call(httpAbort, turn) }).call(httpAbort, uint32(1<<32-1)).settle()
		})},

		// Pipes.
		{name: "a thousand pipes", commands: egress.MaxPipes, files: 30, goroutines: 50, then: simple(func(s *script) {
			s.times(1000, func() { s.call(pipeOpen, turn, 1) }).settle()
		})},
		{name: "commands for ever", commands: egress.MaxStarts + 3, files: 30, goroutines: 50, lasts: 2 * time.Second, cpu: 1.2, first: onEvents(func(_ *arena, s *script) {
			s.call(pipeOpen, 1, 1).call(pipeClose, 1)
		}), then: simple(func(s *script) { s.call(pipeOpen, 1, 1).call(pipeClose, 1).settle() })},
		{name: "a pipe that nobody reads", commands: 1, heap: 250, files: 10, goroutines: 20, then: simple(func(s *script) {
			s.grow(mib).call(pipeOpen, 1, 1).times(300, func() { s.call(pipeWrite, 1, large(mib)) }).settle()
		})},
		{name: "no pipe", then: simple(func(s *script) {
			s.call(pipeWrite, uint32(1<<32-1), "{}").call(pipeClose, 9).settle()
		})},
		{name: "a pipe of another session", ends: "no session 0", then: simple(func(s *script) { s.call(pipeOpen, 1, 0).settle() })},

		// What the program hears of.
		{name: "100,000 notifications", ends: "1024 notifications", then: simple(func(s *script) {
			s.times(100_000, func() { s.call(notifyHost, 1, "notifications/message", 1, "{}") }).settle()
		})},
		{name: "large notifications", ends: "MaxQueuedBytes", heap: 200, then: simple(func(s *script) {
			s.grow(4*mib).times(100, func() { s.call(notifyHost, 1, "notifications/message", 1, large(4*mib)) }).settle()
		})},
		{name: "a notification of another session", ends: "no session 2", then: simple(func(s *script) {
			s.call(notifyHost, 2, "notifications/message", 1, "{}").settle()
		})},
		{
			name: "large states of a task", heap: 200, first: func(*arena) *script { return first().settle().on(onCall) },
			before: func(t *testing.T, e *arena, s *Session) {
				progress := &Progress{Token: "1", Handle: func([]byte) {}, HandleTask: func([]byte) { <-e.release }}
				e.open(t, s, Operation{Export: "call-tool", Method: "tools/call", Params: "{}", Progress: progress}, "MaxQueuedBytes")
			}, then: simple(func(s *script) {
				// The call that is open is the second: after connect.
				s.grow(4*mib).times(100, func() { s.call(taskState, 2, large(4*mib)) }).settle()
			}),
		},
		{name: "calls settled that are not its own", then: simple(func(s *script) {
			s.times(100_000, func() { s.settleWith(turn, "{}") }).settle()
		})},
		{name: "what no call waits for", then: simple(func(s *script) {
			s.times(100_000, func() { s.call(listening, turn, "{}").call(taskState, turn, "{}").call(renewed, 1, "{}") }).settle()
		})},
		{name: "renewed in another session", ends: "no session 3", then: simple(func(s *script) { s.call(renewed, 3, "{}").settle() })},
		{name: "closed, and going on", ends: "it says so", then: simple(func(s *script) {
			s.times(1000, func() { s.end(1, 9, "it says so") })
		})},
		{name: "closed in another session", ends: "no session 3", then: simple(func(s *script) { s.end(3, 9, "no").settle() })},

		// The log.
		{name: "100,000 lines", log: 600_000, then: simple(func(s *script) {
			s.times(100_000, func() { s.call(logHost, 1, 2, "a line of the log") }).settle()
		})},
		{name: "long lines", log: 20 * mib /* each byte is escaped */, heap: 100, then: simple(func(s *script) {
			s.grow(mib).times(300, func() { s.call(logHost, 1, 1, large(mib)) }).settle()
		})},
		{name: "a line of another session", ends: "no session 2", then: simple(func(s *script) { s.call(logHost, 2, 1, "x").settle() })},
		{name: "no level", ends: "the sandboxed core stopped", then: simple(func(s *script) { s.call(logHost, 1, 77, "x").settle() })},

		// Authorization: 127.0.0.1 is a server, and its own authorization server.
		{name: "a turn of another session", ends: "no session 2", then: simple(func(s *script) { s.begin(2).settle() })},
		{name: "the end of another session's turn", ends: "no session 2", then: simple(func(s *script) { s.call(endTurn, 2).settle() })},
		{name: "a login of another session", ends: "no session 2", then: simple(func(s *script) { s.call(askLogin, 2, "https://x/").settle() })},
		{name: "another session's token", ends: "no session 2", then: simple(func(s *script) { s.call(forgetCredential, 2, 1).settle() })},
		{name: "a request of another session's turn", ends: "no session 2", then: func(e *arena) *script {
			return inRequest().authorize(1, 2, "GET", url(e), "").settle()
		}},
		{name: "a second turn", ends: "a step of the turn", then: simple(func(s *script) { s.begin(1).begin(1).settle() })},
		{name: "a turn in a turn", ends: "the turn has not ended", first: onEvents(func(_ *arena, s *script) { s.begin(1) }), then: simple(func(s *script) { s.begin(1).settle() }), lasts: 100 * time.Millisecond},
		{name: "a question in a turn's beginning", ends: "a step of the turn", then: simple(func(s *script) {
			s.begin(1).call(askLogin, 1, "https://x/").settle()
		})},
		{name: "turns for ever", lasts: time.Second, cpu: 0.7, first: onEvents(func(_ *arena, s *script) {
			s.call(endTurn, 1).begin(1)
		}), then: simple(func(s *script) { s.begin(1).settle() })},
		{name: "logins for ever", lasts: time.Second, cpu: 0.7, first: onEvents(func(_ *arena, s *script) {
			s.call(askLogin, 1, "https://x/")
		}), then: simple(func(s *script) { s.begin(1).settle() })},
		{name: "requests without a turn for ever", lasts: time.Second, cpu: 0.7, first: onEvents(func(e *arena, s *script) {
			s.authorize(1, 1, "GET", url(e)+"/.well-known/oauth-protected-resource", "")
		}), then: func(e *arena) *script { return inRequest().authorize(1, 1, "GET", url(e), "").settle() }},
		{name: "300,000 requests without a turn", ends: "refused at once", then: func(e *arena) *script {
			s := inRequest()
			return s.times(300_000, func() { s.authorize(turn, 1, "GET", url(e), "") }).settle()
		}},
		{name: "requests elsewhere in a turn for ever", lasts: time.Second, cpu: 0.7, first: onEvents(func(_ *arena, s *script) {
			s.authorize(1, 1, "GET", "http://169.254.169.254/latest/meta-data", "")
		}), then: simple(func(s *script) { s.begin(1).settle() })},
		{name: "requests that are never answered", goroutines: 6 * egress.MaxRunningReplies, first: onEvents(func(e *arena, s *script) {
			s.times(200, func() { s.authorize(turn, 1, "GET", url(e)+"/.well-known/oauth-protected-resource", "") })
		}), then: simple(func(s *script) { s.begin(1).settle() }), files: 3 * egress.MaxRunningReplies, lasts: 500 * time.Millisecond},
		{name: "ends and forgetting of nothing", then: simple(func(s *script) {
			s.times(100_000, func() { s.call(endTurn, 1).call(forgetCredential, 1, 0).call(forgetCredential, 1, 1) }).settle()
		})},
		{name: "large requests without a turn", heap: 200, then: simple(func(s *script) {
			s.grow(10*mib).times(60, func() { s.authorize(turn, 1, "POST", "https://x/", large(10*mib)) }).settle()
		})},

		// Memory.
		{name: "texts outside of the memory", ends: "out of bounds", then: simple(func(s *script) {
			s.call(logHost, 1, 1, span{1 << 31, 1 << 20}).settle()
		})},
		{name: "headers that are all the same half megabyte", ends: "values of one call", heap: 300, then: simple(func(s *script) {
			// Behind the end of the script are the names and values: what lies at 0, and how long it is.
			s.call(httpStart, 1, 1, "GET", "http://x/", span{0x200000 + 15*8, 512}, 0, 0, 0).settle().word(0)
			for range 2 * 512 {
				s.word(1 << 19)
			}
		})},
		{name: "all of the memory there is", then: simple(func(s *script) { s.word(6, 65535).word(6, 60000).settle() })},
	}
}

// An arena is where the attacks take place.
type arena struct {
	engine  *hostileEngine
	silent  string // URL of a server that answers nothing
	grant   egress.Grant
	log     *counter
	release chan struct{}  // closed to let all handlers go
	waiting sync.WaitGroup // for calls that are open
	asked   peak           // handlers
}

// A counter is a writer that counts.
type counter struct{ n atomic.Int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return len(b), nil
}

// A peak is a number, and the most that it has been.
type peak struct{ now, most atomic.Int64 }

func (p *peak) add(n int64) {
	now := p.now.Add(n)
	for most := p.most.Load(); now > most && !p.most.CompareAndSwap(most, now); most = p.most.Load() {
	}
}

// TestHostileGuest has a core attack the host. Each attack costs the host no more than the table says,
// and has the end that it says; two sessions of the real core make calls all the while, and none fails.
func TestHostileGuest(t *testing.T) {
	core := hostile(t)
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	bystanders(t)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	u, _ := url.Parse(silent.URL)
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			e := &arena{silent: silent.URL, log: &counter{}, release: make(chan struct{})}
			e.engine = newHostileEngine(t, core, e.log, cmp.Or(a.guestTime, patience))
			marks := t.TempDir() + "/started"
			e.grant = egress.Grant{Server: "hostile", URL: u, Command: &egress.Command{
				Path: "sh", Args: []string{"-c", `echo >> "$0"; exec sleep 600`, marks}, Env: os.Environ(),
			}}
			before := measure()
			watch := startWatch()
			s := e.session(t, a.first)
			if a.before != nil {
				a.before(t, e, s)
			}
			f := e.strike(t, s, a.then)
			if a.cpu > 0 { // That the test collects so often, for the heap's sake, is not the attack's doing.
				defer debug.SetGCPercent(debug.SetGCPercent(100))
			}
			used := cpuTime()
			time.Sleep(a.lasts)
			used = cpuTime() - used
			if f == nil {
				_, f = s.Call(testContext(t), Operation{Export: ping, Method: "ping"})
			}
			switch {
			case a.ends == "" && f != nil:
				t.Errorf("the session ended: %v", f)
			case a.ends != "" && (f == nil || !strings.Contains(f.Message, a.ends)):
				t.Errorf("the session ends with %v, want %q", f, a.ends)
			}
			most := watch.stop()
			close(e.release)
			s.Close()
			e.waiting.Wait()
			e.engine.Close()
			check := func(what string, n, slack, may int) {
				if n > may+slack {
					t.Errorf("%d %s, and %d with %d to spare are allowed", n, what, may, slack)
				}
			}
			check("MiB of heap", (most.heap-before.heap)>>20, 100, a.heap)
			check("goroutines", most.goroutines-before.goroutines, 40, a.goroutines)
			check("descriptors", most.files-before.files, 40, a.files)
			check("bytes of log", int(e.log.n.Load()), 4000, a.log)
			check("handlers", int(e.asked.most.Load()), 0, a.handlers)
			started, _ := os.ReadFile(marks)
			check("commands", bytes.Count(started, []byte("\n")), 0, a.commands)
			if a.cpu > 0 && !race.Enabled { // It makes the same code take several times as long.
				// What the other sessions take is in it: they make few calls.
				if share := used.Seconds() / a.lasts.Seconds(); share > a.cpu {
					t.Errorf("it takes %.2f of a processor, and %.2f is allowed", share, a.cpu)
				}
			}
			afterwards(t, before)
		})
	}
}

// A hostileEngine has a hostile core, and opens sessions with little memory.
type hostileEngine struct {
	*Engine
	limits Limits
}

func newHostileEngine(t testing.TB, core *component.Prepared, log io.Writer, guestTime time.Duration) *hostileEngine {
	t.Helper()
	return hostileEngineIn(t, os.Getenv("CAISSON_TEST_ISOLATION") == "process", core, log, guestTime)
}

// hostileEngineIn is newHostileEngine with its guests in workers, or here.
func hostileEngineIn(t testing.TB, workers bool, core *component.Prepared, log io.Writer, guestTime time.Duration) *hostileEngine {
	t.Helper()
	var isolated *isolation.Workers
	if workers {
		var err error
		if isolated, err = isolation.New("", 64, slog.New(slog.NewTextHandler(log, nil))); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(isolated.Close)
	}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	e, err := New(testContext(t), Config{Core: func() (*component.Prepared, error) { return core, nil }, CompileFirst: true, Logger: logger, Isolated: isolated})
	if err != nil {
		t.Fatal(err)
	}
	return &hostileEngine{e, Limits{MemoryBytes: 64 << 20, GuestTime: guestTime, HandlerBytes: 64 << 20}}
}

func (e *hostileEngine) open(ctx context.Context, config SessionConfig) (*Session, *Failure) {
	config.Limits, config.Logger = e.limits, e.config.Logger
	config.Egress = egress.Options{Transport: testTransport, Logger: config.Logger, CloseWait: time.Millisecond, TermWait: time.Second}
	return e.Open(ctx, config)
}

// session opens a session whose core does a script.
func (e *arena) session(t testing.TB, script func(*arena) *script) *Session {
	t.Helper()
	does := first().settle()
	if script != nil {
		does = script(e)
	}
	var flow *authorization.Flow
	if e.grant.URL != nil {
		flow = authorization.New(authorization.Config{Server: "hostile", URL: e.grant.URL, Method: &auth.OAuth{}, Store: auth.NewMemoryStore()})
	}
	s, failure := e.engine.open(testContext(t), SessionConfig{
		Authorization: flow,
		Endpoint:      Endpoint{Kind: Stdio}, ClientInfo: Implementation{Name: "test", Version: "1"},
		ConnectTimeout: patience, Grant: e.grant, Capabilities: does.String(),
		NotificationQueue: 1024,
		Notify:            func(string, []byte) { <-e.release },
		Ask: func(context.Context, string, []byte) ([]byte, error) {
			e.asked.add(1)
			defer e.asked.add(-1)
			<-e.release
			return []byte("{}"), nil
		},
	})
	if failure != nil {
		t.Fatal(failure)
	}
	if _, failure := s.Connect(testContext(t)); failure != nil {
		t.Fatal(failure)
	}
	s.Ready()
	return s
}

// strike has the core do a script.
func (e *arena) strike(t *testing.T, s *Session, script func(*arena) *script) *Failure {
	if script == nil {
		return nil
	}
	_, f := s.Call(testContext(t), Operation{Method: "run", Params: script(e).String()})
	return f
}

// open leaves a call open, which fails with what is said.
func (e *arena) open(t *testing.T, s *Session, op Operation, says string) {
	e.waiting.Go(func() {
		if _, f := s.Call(testContext(t), op); f == nil || !strings.Contains(f.Message, says) {
			t.Errorf("the open call ends with %v, want %q", f, says)
		}
	})
	for begin := time.Now(); s.instance.budget.holds(openCalls) == 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatal("the call has not begun")
		}
	}
}

// bystanders has two sessions of the real core make calls until the test ends.
func bystanders(t *testing.T) {
	e := testEngine(t, Config{CacheDir: warmCache(t), CompileFirst: true})
	end := make(chan struct{})
	var all sync.WaitGroup
	var calls atomic.Int64
	call := func(s *Session, n int) bool {
		message := fmt.Sprint("call ", n)
		params, _ := json.Marshal(map[string]any{"name": "echo", "arguments": map[string]any{"message": message}})
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		text, f := s.Call(ctx, Operation{Export: "call-tool", Method: "tools/call", Params: string(params)})
		if f != nil || !strings.Contains(text, message) {
			t.Errorf("another session fails: %v", f)
			return false
		}
		calls.Add(1)
		return true
	}
	sessions := []*Session{open(t, e), open(t, e)}
	// The core needs code that is not compiled yet when its functions have run often: not in the midst of an attack.
	for n := 0; n < 500 && call(sessions[0], n); n++ {
	}
	calls.Store(0)
	for _, s := range sessions {
		all.Go(func() {
			for n := 0; call(s, n); n++ {
				select {
				case <-end:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	t.Cleanup(func() {
		close(end)
		all.Wait()
		if n := calls.Load(); n < 20 {
			t.Errorf("the other sessions have made %d calls in all", n)
		}
	})
}

// What of the process is measured.
type figures struct{ heap, goroutines, files int }

func measure() figures {
	runtime.GC()
	return sample()
}

func sample() figures {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(samples)
	return figures{int(samples[0].Value.Uint64()), runtime.NumGoroutine(), openFiles()}
}

// A watch keeps the most of everything.
type watch struct {
	end  chan struct{}
	done chan figures
}

func startWatch() *watch {
	w := &watch{make(chan struct{}), make(chan figures)}
	go func() {
		most := sample()
		for {
			now := sample()
			most = figures{max(most.heap, now.heap), max(most.goroutines, now.goroutines), max(most.files, now.files)}
			select {
			case <-w.end:
				w.done <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return w
}

func (w *watch) stop() figures {
	close(w.end)
	return <-w.done
}

// afterwards waits until nothing is left of a session.
func afterwards(t *testing.T, before figures) {
	t.Helper()
	var now figures
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		testTransport.CloseIdleConnections() // Those that no session uses stay open for 90 s.
		now = measure()
		// The other sessions have a few more at times.
		if now.goroutines <= before.goroutines+10 && now.files <= before.files+6 && now.heap <= before.heap+(16<<20) {
			return
		}
		if time.Since(begin) > patience {
			t.Fatalf("before %+v, afterwards %+v", before, now)
		}
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func openFiles() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}
