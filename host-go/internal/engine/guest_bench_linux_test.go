package engine

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// benchCore is the core to measure: the embedded one, or the component that CAISSON_CORE names.
func benchCore(b *testing.B) func() (*component.Prepared, error) {
	b.Helper()
	path := os.Getenv("CAISSON_CORE")
	if path == "" {
		return nil
	}
	wasm, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	core, err := component.Prepare(wasm, nil)
	if err != nil {
		b.Fatal(err)
	}
	return func() (*component.Prepared, error) { return core, nil }
}

// BenchmarkGuest measures what a call costs inside the core: the CPU time of the thread in the
// exports, with a server in memory in the place of everything else. One operation is one call.
func BenchmarkGuest(b *testing.B) {
	e, err := newTestEngine(Config{CacheDir: b.TempDir(), CompileFirst: true, Core: benchCore(b)})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	for _, revision := range []string{"2025-06-18", "2026-07-28"} {
		for _, transport := range []string{"stdio", "json", "events"} {
			for _, work := range benchWorks {
				b.Run(revision+"/"+transport+"/"+work.name, func(b *testing.B) {
					g := newGuest(b, e, transport, revision, work.tools)
					if work.listed {
						g.call("list-tools", "{}")
						g.answer()
					}
					g.measure(b, work)
				})
			}
		}
	}
}

// TestGuestBench checks that the core can be measured as it is.
func TestGuestBench(t *testing.T) {
	e := testEngine(t, Config{CacheDir: warmCache(t), CompileFirst: true})
	for _, transport := range []string{"stdio", "json", "events"} {
		g := newGuest(t, e, transport, "2026-07-28", 1)
		g.call("call-tool", benchParams)
		g.answer()
		if g.settled != 2 { // The connecting, and the call.
			t.Errorf("%s: %d settled", transport, g.settled)
		}
	}
}

// A benchWork is what is done again and again.
type benchWork struct {
	name, export, params string
	listed               bool
	inFlight, tools      int
}

var benchWorks = []benchWork{
	{"unlisted", "call-tool", benchParams, false, 1, 1},
	{"call", "call-tool", benchParams, true, 1, 1},
	{"64calls", "call-tool", benchParams, true, 64, 1},
	{"list1", "list-tools", "{}", false, 1, 1},
	{"list100", "list-tools", "{}", false, 1, 100},
}

// BenchmarkCores has one session and two make the same number of calls each, in turns. Its ratio is
// how many calls two make in the time of one's: 2 where they share nothing, and no server takes
// part of the processors.
func BenchmarkCores(b *testing.B) {
	e, err := newTestEngine(Config{CacheDir: b.TempDir(), CompileFirst: true, Core: benchCore(b)})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	guests := []*guest{newGuest(b, e, "stdio", "2026-07-28", 1), newGuest(b, e, "stdio", "2026-07-28", 1)}
	turn := func(guests []*guest) time.Duration {
		began := time.Now()
		var all sync.WaitGroup
		for _, g := range guests {
			all.Go(func() {
				for range 200 {
					g.call("call-tool", benchParams)
					g.answer()
				}
			})
		}
		all.Wait()
		return time.Since(began)
	}
	turn(guests)
	var one, two time.Duration
	for b.Loop() {
		one += turn(guests[:1])
		two += turn(guests)
	}
	b.ReportMetric(2*one.Seconds()/two.Seconds(), "times/one")
}

// A guest is a core without an engine around it.
type guest struct {
	b         testing.TB
	core      *component.Instance
	exports   map[string]*component.Function
	transport string
	revision  string // that the server speaks
	tools     string // that it has: the text of an array
	calls     uint32
	settled   int
	sent      []any // events that answer what was sent
	spent     time.Duration
}

func newGuest(b testing.TB, e *Engine, transport, revision string, tools int) *guest {
	g := &guest{b: b, transport: transport, revision: revision, exports: map[string]*component.Function{}}
	g.tools = "[" + strings.Repeat(benchTool+",", tools-1) + benchTool + "]"
	linker := component.NewLinker()
	wasi.AddToLinker(linker, &wasi.Config{Stdout: os.Stderr, Stderr: os.Stderr})
	refuseImported(linker)
	ignore := func(context.Context, []any) ([]any, error) { return nil, nil }
	linker.Interface("caisson:mcp/egress@0.1.0").
		Func("http-start", func(_ context.Context, args []any) ([]any, error) {
			if body, ok := args[2].(component.Record)[3].(component.Option).Value.(string); ok {
				g.respond(args[0].(uint32), body)
			} else { // The older revisions ask for a stream of the server's own, and may be refused.
				g.send("http-response", component.Record{args[0], uint16(405), []any{}, ""})
			}
			return nil, nil
		}).
		Func("http-prepare", ignore).
		Func("http-post", func(_ context.Context, args []any) ([]any, error) {
			g.respond(args[0].(uint32), args[2].(string))
			return nil, nil
		}).
		Func("http-abort", ignore).
		Func("pipe-open", ignore).
		Func("pipe-write", func(_ context.Context, args []any) ([]any, error) {
			if reply := g.replyTo(args[1].(string)); reply != "" {
				g.send("pipe-data", component.Record{args[0], reply})
			}
			return nil, nil
		}).
		Func("pipe-close", ignore)
	linker.Interface("caisson:mcp/timers@0.1.0").Func("set", ignore).Func("clear", ignore)
	linker.Interface("caisson:mcp/host@0.1.0").
		Func("settle", func(_ context.Context, args []any) ([]any, error) {
			if outcome := args[1].(component.Result); !outcome.OK {
				b.Errorf("call %v: %v", args[0], outcome.Value)
			}
			g.settled++
			return nil, nil
		}).
		Func("notify", ignore).Func("ask", ignore).Func("retract", ignore).Func("listening", ignore).
		Func("task-state", ignore).Func("renewed", ignore).Func("closed", ignore).Func("log", ignore)
	err := e.load(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	if g.core, err = e.code.compiled.Instantiate(context.Background(), linker); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = g.core.Close(context.Background()) })
	endpoint := component.Variant{Case: "stdio"}
	if transport != "stdio" {
		endpoint = component.Variant{Case: "http", Value: "http://localhost/mcp"}
	}
	g.enter("client@0.1.0#connect", uint32(0), uint32(1), component.Record{
		endpoint,
		component.Record{"bench", "1", component.None()},
		"{}",
		[]any{},
		uint32(1), uint32(1000), uint32(1), true, uint32(60_000), false,
	})
	g.answer()
	return g
}

// enter calls an export.
func (g *guest) enter(name string, args ...any) {
	f := g.exports[name]
	if f == nil {
		f = g.core.ExportedFunction("caisson:mcp/" + name)
		g.exports[name] = f
	}
	begin := threadTime()
	if _, err := f.Call(context.Background(), args...); err != nil {
		g.b.Fatal(err)
	}
	g.spent += threadTime() - begin
}

func (g *guest) call(export, params string) {
	g.calls++
	g.enter("client@0.1.0#"+export, g.calls, uint32(1), params)
}

// answer delivers replies until nothing more is sent.
func (g *guest) answer() {
	for len(g.sent) > 0 {
		events := g.sent
		g.sent = nil
		g.enter("ingress@0.1.0#deliver", events)
	}
}

func (g *guest) send(event string, value any) {
	g.sent = append(g.sent, component.Variant{Case: event, Value: value})
}

// respond answers a request over HTTP as a server in Go does.
func (g *guest) respond(exchange uint32, body string) {
	reply := g.replyTo(body)
	header := func(kind string) []any { return []any{component.Tuple{"content-type", kind}} }
	switch {
	case reply == "":
		g.send("http-response", component.Record{exchange, uint16(202), header("application/json"), ""})
	case g.transport == "events":
		g.send("http-head", component.Record{exchange, uint16(200), header("text/event-stream")})
		g.send("http-body", component.Record{exchange, []byte("event: message\ndata: " + reply + "\n\n")})
		g.send("http-end", component.Record{exchange, component.None()})
	default:
		g.send("http-response", component.Record{exchange, uint16(200), header("application/json"), reply})
	}
}

// replyTo is what the server answers; "" for a notification.
func (g *guest) replyTo(message string) string {
	var request struct {
		ID     json.RawMessage
		Method string
	}
	if err := json.Unmarshal([]byte(message), &request); err != nil || request.ID == nil {
		return ""
	}
	modern := g.revision >= "2026-07-28"
	result := func(members, ofTheNewest string) string {
		if modern {
			members += `,"resultType":"complete",` + ofTheNewest + `"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}`
		}
		return `"result":{` + members + "}"
	}
	const cached = `"ttlMs":0,"cacheScope":"private",`
	answer := `"error":{"code":-32601,"message":"no such method"}`
	switch {
	case request.Method == "server/discover" && modern:
		answer = result(`"supportedVersions":["`+g.revision+`"],"capabilities":{"tools":{}}`, cached)
	case request.Method == "initialize" && !modern:
		answer = result(`"protocolVersion":"`+g.revision+`","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}`, "")
	case request.Method == "tools/list":
		answer = result(`"tools":`+g.tools, cached)
	case request.Method == "tools/call":
		answer = result(`"content":[{"type":"text","text":"`+benchText+`"}]`, "")
	}
	return `{"jsonrpc":"2.0","id":` + string(request.ID) + `,` + answer + `}`
}

// benchTool is a tool of a kilobyte, as servers for files have them.
const benchTool = `{"name":"echo","title":"Read a file","description":"Reads a file below one of the folders that the server may see, and gives what is in it as text. The encoding is found out; what is no text is an error, and so is a file that is not there. Give head or tail for a part of it, not both.",` +
	`"inputSchema":{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"text":{"type":"string","description":"The text to give back"},"path":{"type":"string","description":"Where the file is, from the root"},` +
	`"head":{"type":"number","description":"How many lines to give from its beginning"},"tail":{"type":"number","description":"How many lines to give from its end"}},"required":["text"],"additionalProperties":false},` +
	`"annotations":{"readOnlyHint":true,"openWorldHint":false}}`

var benchText = strings.Repeat("abcdefghi ", 10)

var benchParams = `{"name":"echo","arguments":{"text":"` + benchText + `"}}`

// measure makes calls, so many at once.
func (g *guest) measure(b *testing.B, work benchWork) {
	inFlight := work.inFlight
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	round := func() {
		for range inFlight {
			g.call(work.export, work.params)
		}
		g.answer()
	}
	round()
	g.settled = 0
	var submitted, answered, least time.Duration
	calls := 0
	for b.Loop() {
		if calls%inFlight == 0 {
			g.spent = 0
			for range inFlight {
				g.call(work.export, work.params)
			}
			submit := g.spent
			g.answer()
			submitted, answered = submitted+submit, answered+g.spent-submit
			if least == 0 || g.spent < least {
				least = g.spent
			}
		}
		calls++
	}
	rounds := (calls + inFlight - 1) / inFlight
	if g.settled != rounds*inFlight {
		b.Fatalf("%d of %d calls settled", g.settled, rounds*inFlight)
	}
	perCall := func(d time.Duration, calls int) float64 {
		return float64(d) / float64(time.Microsecond) / float64(calls)
	}
	b.ReportMetric(perCall(submitted, g.settled), "µs-submit/call")
	b.ReportMetric(perCall(answered, g.settled), "µs-answer/call")
	b.ReportMetric(perCall(least, inFlight), "µs-best/call")
}

// threadTime is the CPU time of the thread.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
