//lint:file-ignore SA1019 The newest revision deprecates logging; servers go on using it.

package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// faultSeeds are the seeds to run: CAISSON_FAULT_SEED alone, or the first CAISSON_FAULT_RUNS from it.
func faultSeeds(t *testing.T) (first, runs uint64) {
	t.Helper()
	number := func(name string, otherwise uint64) uint64 {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	few := uint64(24)
	if os.Getenv("CAISSON_FAULT_SEED") != "" {
		few = 1
	}
	return number("CAISSON_FAULT_SEED", 1), number("CAISSON_FAULT_RUNS", few)
}

// A tally is what many runs came to.
type tally struct {
	connected, calls, served, asked, faults atomic.Int64
}

// TestFaults runs sessions of several clients through a gateway with a spoiler between it and the clients, and another
// between it and the server, as a seed decides. Nothing hangs, no call is made twice, and nobody gets what is another's.
func TestFaults(t *testing.T) {
	t.Parallel()
	first, runs := faultSeeds(t)
	const enough = 5
	beside := min(8, 2*goruntime.GOMAXPROCS(0)) // More only wait for each other, and time is what says that one hangs.
	var all tally
	var failed atomic.Int64
	seeds := make(chan uint64)
	var workers sync.WaitGroup
	for range beside {
		workers.Go(func() {
			for seed := range seeds {
				if wrong := runFaults(t, seed, &all); len(wrong) > 0 {
					failed.Add(1)
					t.Errorf("seed %d:\n  %s", seed, strings.Join(wrong, "\n  "))
				}
			}
		})
	}
	for seed := first; seed < first+runs && failed.Load() < enough; seed++ {
		seeds <- seed
	}
	close(seeds)
	workers.Wait()
	t.Logf("%d runs: %d clients connected, %d calls, %d served, %d questions, %d faults", runs, all.connected.Load(), all.calls.Load(), all.served.Load(), all.asked.Load(), all.faults.Load())
	// Spoilers that stop everything, or nothing, show nothing.
	if runs >= 20 && (all.served.Load() < all.calls.Load()/2 || all.faults.Load() < int64(runs) || all.asked.Load() == 0) {
		t.Error("too little of it went well, or wrong")
	}
}

// A faultRun is one seed's.
type faultRun struct {
	seed  uint64
	tally *tally

	mu       sync.Mutex
	wrong    []string
	executed map[string]int
}

func (r *faultRun) fail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

func (r *faultRun) execute(marker string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.executed[marker]++
}

// within runs something that must end by itself.
func (r *faultRun) within(what string, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):

		r.fail("%s hangs", what)
	}
}

// runFaults runs a seed, and returns what is wrong.
func runFaults(t *testing.T, seed uint64, all *tally) []string {
	random := rand.New(rand.NewPCG(seed, 0))
	r := &faultRun{seed: seed, tally: all, executed: map[string]int{}}
	up, down := eras[random.IntN(2)], eras[random.IntN(2)]
	rate := []float64{0, 0.05, 0.1, 0.2}
	over := make(chan struct{})
	above := newSpoiler(seed, rate[random.IntN(len(rate))], over, &all.faults)
	below := newSpoiler(seed+1<<32, rate[random.IntN(len(rate))], over, &all.faults)
	below.client = true

	var server caisson.Server
	var endServer func()
	overHTTP := random.IntN(2) == 0
	if overHTTP {
		server, endServer = r.httpServer(up, above)
	} else {
		cleaner := &cleaner{TB: t}
		server, endServer = caisson.Server{Transport: above.pipe(r.memoryServer(cleaner, up))}, cleaner.clean
	}
	g, err := gateway.New(runtime(t), caisson.ServerMap{"s": server}, &gateway.Options{
		Client:     caisson.ClientOptions{Limits: caisson.Limits{ConnectTimeout: 10 * time.Second}},
		MinBackoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond,
	})
	if err != nil {
		return []string{err.Error()}
	}
	front := httptest.NewServer(below.http(g.Handler()))

	var clients sync.WaitGroup
	r.within("a client", func() {
		for i := range 1 + random.IntN(3) {
			plan := rand.New(rand.NewPCG(seed, uint64(i+1)))
			clients.Go(func() { r.client(plan, i, down, front.URL+"/servers/s", !overHTTP) })
		}
		clients.Wait()
	})
	above.calm.Store(true)
	below.calm.Store(true)
	r.within("the client after the faults", func() { r.after(down, front.URL+"/mcp") })
	close(over)
	r.within("the end of the gateway", func() {
		_ = g.Close()
		front.CloseClientConnections()
		front.Close()
	})
	r.within("the end of the server", endServer)

	r.mu.Lock()
	defer r.mu.Unlock()
	for marker, times := range r.executed {
		if times > 1 {
			r.wrong = append(r.wrong, fmt.Sprintf("%s was executed %d times; it came to the gateway %d times", marker, times, below.calls[marker]))
		}
	}
	if len(r.wrong) > 0 {
		r.wrong = append(r.wrong, fmt.Sprintf("upstream %s, HTTP %t, rate %v; downstream %s, rate %v", up, overHTTP, above.rate, down, below.rate))
	}
	return r.wrong
}

// httpServer is a server on the Go SDK over HTTP.
func (r *faultRun) httpServer(era string, above *spoiler) (caisson.Server, func()) {
	server := mcp.NewServer(&mcp.Implementation{Name: "s", Version: "1"}, nil)
	answer := func(ctx context.Context, request *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		var given struct{ Marker string }
		if err := json.Unmarshal(request.Params.Arguments, &given); err != nil {
			return nil, err
		}
		r.execute(given.Marker)
		if token := request.Params.GetProgressToken(); token != nil {
			for i := range 2 {
				_ = request.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: token, Progress: float64(i + 1), Message: given.Marker})
			}
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: given.Marker}}}, nil
	}
	for _, name := range []string{"pay", "look"} {
		server.AddTool(&mcp.Tool{Name: name, InputSchema: map[string]any{"type": "object"}}, answer)
	}
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: era == newest})
	listener := httptest.NewServer(above.http(handler))
	return caisson.Server{URL: listener.URL, ProtocolVersions: []string{era}}, func() {
		listener.CloseClientConnections()
		listener.Close()
	}
}

// A cleaner is a test whose end comes sooner.
type cleaner struct {
	testing.TB
	mu  sync.Mutex
	all []func()
}

func (c *cleaner) Cleanup(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, f)
}

func (c *cleaner) clean() {
	for i := len(c.all) - 1; i >= 0; i-- {
		c.all[i]()
	}
}

// memoryServer is a server over pipes, which asks as well.
func (r *faultRun) memoryServer(t testing.TB, era string) *caissontest.Server {
	s := caissontest.NewServer(t, era)
	answer := func(asks bool) caissontest.Handler {
		return func(call *caissontest.Call) (any, error) {
			var given struct{ Marker string }
			if err := call.Arguments(&given); err != nil {
				return nil, err
			}
			r.execute(given.Marker)
			for i := range 2 {
				call.Progress(float64(i+1), 2, given.Marker)
			}
			if !asks {
				return caissontest.Text(given.Marker), nil
			}
			question := map[string]any{"mode": "form", "message": given.Marker, "requestedSchema": map[string]any{"type": "object", "properties": map[string]any{"marker": map[string]any{"type": "string"}}}}
			text, err := call.Ask("elicitation/create", question)
			if err != nil {
				return nil, err
			}
			if got := markers(string(text)); len(got) != 1 || got[0] != given.Marker {
				r.fail("%s was asked, and the answer is %s", given.Marker, text)
			}
			return caissontest.Text(given.Marker), nil
		}
	}
	s.AddTool(&mcp.Tool{Name: "pay"}, answer(false))
	s.AddTool(&mcp.Tool{Name: "look"}, answer(false))
	s.AddTool(&mcp.Tool{Name: "ask"}, answer(true))
	return s
}

// client connects a client, and has it call tools.
func (r *faultRun) client(random *rand.Rand, i int, era, url string, asks bool) {
	own := fmt.Sprintf("seed-%d-client-%d-", r.seed, i)
	mine := func(what, text string) {
		for _, other := range markers(text) {
			if !strings.HasPrefix(other, own) {
				r.fail("client %d got %s of another: %s", i, what, other)
			}
		}
	}
	options := &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{},
		ProgressNotificationHandler: func(_ context.Context, request *mcp.ProgressNotificationClientRequest) {
			mine("progress", request.Params.Message)
		},
	}
	if asks {
		options.ElicitationHandler = func(_ context.Context, request *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			r.tally.asked.Add(1)
			mine("a question", request.Params.Message)
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"marker": request.Params.Message}}, nil
		}
		options.Capabilities.Elicitation = &mcp.ElicitationCapabilities{Form: &mcp.FormElicitationCapabilities{}}
	}
	var session *mcp.ClientSession
	connect := func() bool {
		for range 3 {
			if session != nil {
				_ = session.Close()
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			var err error
			session, err = mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, options).
				Connect(ctx, &mcp.StreamableClientTransport{Endpoint: url, MaxRetries: -1}, &mcp.ClientSessionOptions{ProtocolVersion: era})
			cancel()
			if err == nil {
				r.tally.connected.Add(1)
				return true
			}
		}
		return false
	}
	if !connect() {
		return
	}
	defer func() { _ = session.Close() }()
	tools := []string{"pay", "look"}
	if asks {
		tools = append(tools, "ask")
	}
	var calls sync.WaitGroup
	for n := range 2 + random.IntN(5) {
		tool, wait := tools[random.IntN(len(tools))], random.IntN(2) == 0
		timeout := 20 * time.Second // What is silent is so for less.
		if random.IntN(8) == 0 {
			timeout = time.Duration(1+random.IntN(40)) * time.Millisecond // It is given up.
		}
		calls.Go(func() { r.call(session, tool, fmt.Sprintf("%scall-%d", own, n), timeout) })
		if wait {
			calls.Wait()
		}
	}
	calls.Wait()
}

// call calls a tool, and sees whose the answer is.
func (r *faultRun) call(session *mcp.ClientSession, tool, marker string, timeout time.Duration) {
	r.tally.calls.Add(1)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	params := &mcp.CallToolParams{Name: tool, Arguments: map[string]any{"marker": marker}}
	params.SetProgressToken(marker)
	result, err := session.CallTool(ctx, params)
	if err != nil || result.IsError {
		return
	}
	if len(result.Content) == 0 { // A spoiled answer says nothing.
		return
	}
	r.tally.served.Add(1)
	if text, ok := result.Content[0].(*mcp.TextContent); !ok || text.Text != marker {
		r.fail("%s got the answer %+v", marker, result.Content[0])
	}
}

// after is a client once nothing goes wrong any more: the gateway serves it.
func (r *faultRun) after(era, url string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience/2)
	defer cancel()
	marker := fmt.Sprintf("seed-%d-client-99-call-1", r.seed)
	var last error
	for i := 0; ctx.Err() == nil; i++ { // The gateway may be between two attempts to connect with the server.
		session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).
			Connect(ctx, &mcp.StreamableClientTransport{Endpoint: url}, &mcp.ClientSessionOptions{ProtocolVersion: era})
		if err != nil {
			last = err
			continue
		}
		result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__look", Arguments: map[string]any{"marker": marker + strconv.Itoa(i)}})
		_ = session.Close()
		if err == nil && !result.IsError && len(result.Content) == 1 {
			return
		}
		last = err
		time.Sleep(5 * time.Millisecond)
	}
	r.fail("the gateway does not serve after the faults: %v", last)
}
