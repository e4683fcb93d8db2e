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
	few := uint64(48)
	if os.Getenv("CAISSON_FAULT_SEED") != "" {
		few = 1
	}
	return number("CAISSON_FAULT_SEED", 1), number("CAISSON_FAULT_RUNS", few)
}

// A tally is what many runs came to.
type tally struct {
	connected, calls, served, asked, faults atomic.Int64
}

// together is how many seeds go through one gateway, one after the other: its sessions with the server go on, as those of a
// gateway do that serves for long, and most of what a run costs is the start of such a session. What is decided about the
// gateway follows from the number of the seeds' block.
const together = 8

const (
	// upstreamTime is how long the gateway waits for the server's handshake, holdTimeout how long for an answer, and
	// clientTime how long a client waits for each of its requests. What is silent is so for less.
	upstreamTime, holdTimeout, clientTime = 5 * time.Second, 2 * time.Second, 8 * time.Second
)

// TestFaults runs sessions of several clients through a gateway with a spoiler between it and the clients, and another
// between it and the server, as seeds decide. Nothing hangs, no call is made twice, and nobody gets what is another's.
func TestFaults(t *testing.T) {
	t.Parallel()
	first, runs := faultSeeds(t)
	const enough = 5
	beside := min(16, 4*goruntime.GOMAXPROCS(0)) // They wait a good part of their time. Of many more some would only seem to hang.
	var all tally
	var failed atomic.Int64
	blocks := make(chan []uint64)
	var workers sync.WaitGroup
	for range beside {
		workers.Go(func() {
			for seeds := range blocks {
				if wrong := runFaults(t, seeds, &all); len(wrong) > 0 {
					failed.Add(1)
					t.Errorf("seeds %d:\n  %s", seeds, strings.Join(wrong, "\n  "))
				}
			}
		})
	}
	for seed := first; seed < first+runs && failed.Load() < enough; {
		var seeds []uint64
		for block := seed / together; seed < first+runs && seed/together == block; seed++ {
			seeds = append(seeds, seed)
		}
		blocks <- seeds
	}
	close(blocks)
	workers.Wait()
	t.Logf("%d runs: %d clients connected, %d calls, %d served, %d questions, %d faults", runs, all.connected.Load(), all.calls.Load(), all.served.Load(), all.asked.Load(), all.faults.Load())
	// Spoilers that stop everything, or nothing, show nothing.
	if runs >= 20 && (all.served.Load() < all.calls.Load()/2 || all.faults.Load() < int64(runs) || all.asked.Load() == 0) {
		t.Error("too little of it went well, or wrong")
	}
}

// A faultGateway is a gateway with a server behind a spoiler.
type faultGateway struct {
	tally      *tally
	asks       bool // the server asks
	principals int

	mu       sync.Mutex
	wrong    []string
	executed map[string]int
}

func (f *faultGateway) fail(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

func (f *faultGateway) execute(marker string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.executed[marker]++
}

// within runs something that must end by itself.
func (f *faultGateway) within(what string, do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		f.fail("%s hangs", what)
	}
}

// runFaults runs seeds through one gateway, and returns what is wrong.
func runFaults(t *testing.T, seeds []uint64, all *tally) []string {
	block := seeds[0] / together
	random := rand.New(rand.NewPCG(block, 1<<32))
	rates := []float64{0, 0.05, 0.1, 0.2}
	up, overHTTP, stateless := eras[random.IntN(2)], random.IntN(2) == 0, random.IntN(4) > 0
	f := &faultGateway{tally: all, asks: !overHTTP, principals: 1 + random.IntN(4)/3, executed: map[string]int{}}
	over := make(chan struct{})
	above := newSpoiler(block, rates[random.IntN(len(rates))], over, &all.faults)

	var server caisson.Server
	var endServer func()
	if overHTTP {
		server, endServer = f.httpServer(up, above)
	} else {
		cleaner := &cleaner{TB: t}
		server, endServer = caisson.Server{Transport: above.pipe(f.memoryServer(cleaner, up))}, cleaner.clean
	}
	options := &gateway.Options{
		Client:       caisson.ClientOptions{Limits: caisson.Limits{ConnectTimeout: upstreamTime}},
		Authenticate: byHeader,
		MinBackoff:   time.Millisecond, MaxBackoff: 20 * time.Millisecond,
		MaxSessionsOfServer: 3,           // So calls wait for each other, too.
		HoldTimeout:         holdTimeout, // A question that was lost has a session to itself until then.
	}
	if stateless {
		options.Client.Policy = rules(t, "version: 1\nservers: {s: {stateless: true, tools: ['**'], asks: [elicitation]}}\n")
	}
	g, err := gateway.New(runtime(t), caisson.ServerMap{"s": server}, options)
	if err != nil {
		return []string{err.Error()}
	}
	var ways []string
	down := ""
	for _, seed := range seeds {
		random := rand.New(rand.NewPCG(seed, 0))
		r := &faultRun{faultGateway: f, seed: seed}
		down = eras[random.IntN(2)]
		below := newSpoiler(seed+1<<32, rates[random.IntN(len(rates))], over, &all.faults)
		below.client = true
		ways = append(ways, fmt.Sprintf("%d: downstream %s, rate %v", seed, down, below.rate))
		front := httptest.NewServer(below.http(g.Handler()))
		f.within(fmt.Sprintf("a client of the seed %d", seed), func() {
			var clients sync.WaitGroup
			for i := range 1 + random.IntN(3) {
				plan := rand.New(rand.NewPCG(seed, uint64(i+1)))
				clients.Go(func() { r.client(plan, i, down, front.URL+"/servers/s") })
			}
			clients.Wait()
		})
		front.CloseClientConnections()
		front.Close()
	}
	above.calm.Store(true)
	front := httptest.NewServer(g.Handler())
	f.within("the client after the faults", func() {
		(&faultRun{faultGateway: f, seed: seeds[0]}).after(down, front.URL+"/mcp")
	})
	close(over)
	f.within("the end of the gateway", func() {
		_ = g.Close()
		front.CloseClientConnections()
		front.Close()
	})
	f.within("the end of the server", endServer)

	f.mu.Lock()
	defer f.mu.Unlock()
	for marker, times := range f.executed {
		if times > 1 {
			f.wrong = append(f.wrong, fmt.Sprintf("%s was executed %d times", marker, times))
		}
	}
	if len(f.wrong) > 0 {
		f.wrong = append(f.wrong, fmt.Sprintf("upstream %s, HTTP %t, stateless %t, principals %d, rate %v", up, overHTTP, stateless, f.principals, above.rate))
		f.wrong = append(f.wrong, ways...)
	}
	return f.wrong
}

// A faultRun is one seed's.
type faultRun struct {
	*faultGateway
	seed uint64
}

// as is the transport of a client of a principal.
func as(principal, url string) *mcp.StreamableClientTransport {
	return &mcp.StreamableClientTransport{Endpoint: url, MaxRetries: -1, HTTPClient: &http.Client{Transport: onBehalf(principal)}}
}

// onBehalf sends requests in the name of a principal.
type onBehalf string

// RoundTrip sends a request.
func (n onBehalf) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Test-Principal", string(n))
	return http.DefaultTransport.RoundTrip(r)
}

// httpServer is a server on the Go SDK over HTTP.
func (r *faultGateway) httpServer(era string, above *spoiler) (caisson.Server, func()) {
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
func (r *faultGateway) memoryServer(t testing.TB, era string) *caissontest.Server {
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
func (r *faultRun) client(random *rand.Rand, i int, era, url string) {
	own := fmt.Sprintf("seed-%d-client-%d-", r.seed, i)
	mine := func(what, text string) {
		for _, other := range markers(text) {
			if !strings.HasPrefix(other, own) {
				r.fail("client %d got %s of another: %s", i, what, other)
			}
		}
	}
	options := r.options(mine)
	principal := fmt.Sprint("p", i%r.principals)
	var session *mcp.ClientSession
	connect := func() bool {
		for range 3 {
			if session != nil {
				_ = session.Close()
			}
			ctx, cancel := context.WithTimeout(context.Background(), clientTime)
			var err error
			session, err = mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, options).
				Connect(ctx, as(principal, url), &mcp.ClientSessionOptions{ProtocolVersion: era})
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
	if r.asks {
		tools = append(tools, "ask")
	}
	var calls sync.WaitGroup
	for n := range 2 + random.IntN(5) {
		tool, wait := tools[random.IntN(len(tools))], random.IntN(2) == 0
		timeout := clientTime
		if random.IntN(16) == 0 {
			timeout = time.Duration(1+random.IntN(40)) * time.Millisecond // It is given up.
		}
		calls.Go(func() { r.call(session, tool, fmt.Sprintf("%scall-%d", own, n), timeout) })
		if wait {
			calls.Wait()
		}
	}
	calls.Wait()
}

// options are those of a client. mine looks whose something is that the client got.
func (r *faultRun) options(mine func(what, text string)) *mcp.ClientOptions {
	options := &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{},
		ProgressNotificationHandler: func(_ context.Context, request *mcp.ProgressNotificationClientRequest) {
			mine("progress", request.Params.Message)
		},
	}
	if r.asks {
		options.ElicitationHandler = func(_ context.Context, request *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			r.tally.asked.Add(1)
			mine("a question", request.Params.Message)
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"marker": request.Params.Message}}, nil
		}
		options.Capabilities.Elicitation = &mcp.ElicitationCapabilities{Form: &mcp.FormElicitationCapabilities{}}
	}
	return options
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

// after is a client once nothing goes wrong any more: the gateway serves it, over the sessions with the server that have
// seen the faults where clients share those.
func (r *faultRun) after(era, url string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience/2)
	defer cancel()
	marker := fmt.Sprintf("seed-%d-client-99-call-1", r.seed)
	var last error
	for i := 0; ctx.Err() == nil; i++ { // The gateway may be between two attempts to connect with the server.
		session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, r.options(func(string, string) {})).
			Connect(ctx, as("p0", url), &mcp.ClientSessionOptions{ProtocolVersion: era})
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
