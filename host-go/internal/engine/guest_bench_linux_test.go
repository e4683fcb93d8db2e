package engine

import (
	"context"
	"encoding/json"
	"fmt"
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
func benchCore(b *testing.B) *component.Prepared {
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
	return core
}

// BenchmarkGuest measures what a call costs inside the core: the CPU time of the thread in the
// exports, with a server in memory in the place of everything else. One operation is one call.
func BenchmarkGuest(b *testing.B) {
	e, err := newTestEngine(Config{CacheDir: b.TempDir(), CompileFirst: true, Core: benchCore(b)})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	for _, transport := range []string{"stdio", "json", "events"} {
		for _, listed := range []bool{false, true} {
			for _, inFlight := range []int{1, 64} {
				b.Run(fmt.Sprintf("%s/listed=%t/%d", transport, listed, inFlight), func(b *testing.B) {
					g := newGuest(b, e, transport)
					if listed {
						g.call("list-tools", "{}")
						g.answer()
					}
					g.measure(b, inFlight)
				})
			}
		}
	}
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
	guests := []*guest{newGuest(b, e, "stdio"), newGuest(b, e, "stdio")}
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
	b         *testing.B
	core      *component.Instance
	exports   map[string]*component.Function
	transport string
	calls     uint32
	settled   int
	sent      []any // events that answer what was sent
	spent     time.Duration
}

func newGuest(b *testing.B, e *Engine, transport string) *guest {
	g := &guest{b: b, transport: transport, exports: map[string]*component.Function{}}
	linker := component.NewLinker()
	wasi.AddToLinker(linker, &wasi.Config{Stdout: os.Stderr, Stderr: os.Stderr})
	ignore := func(context.Context, []any) ([]any, error) { return nil, nil }
	linker.Interface("caisson:mcp/egress@0.1.0").
		Func("http-start", func(_ context.Context, args []any) ([]any, error) {
			body := args[2].(component.Record)[3].(component.Option).Value.(string)
			g.respond(args[0].(uint32), body)
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
			if reply := replyTo(args[1].(string)); reply != "" {
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
	var err error
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
		uint32(1), uint32(1000), uint32(1), true, uint32(60_000),
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
	reply := replyTo(body)
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
func replyTo(message string) string {
	var request struct {
		ID     json.RawMessage
		Method string
	}
	if err := json.Unmarshal([]byte(message), &request); err != nil || request.ID == nil {
		return ""
	}
	result := `"content":[{"type":"text","text":"` + benchText + `"}],"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}`
	switch request.Method {
	case "server/discover":
		result = `"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}`
	case "tools/list":
		result = `"tools":[{"name":"echo","inputSchema":{"type":"object","properties":{"text":{"type":"string"}}}}],"ttlMs":0,"cacheScope":"private"`
	}
	return `{"jsonrpc":"2.0","id":` + string(request.ID) + `,"result":{"resultType":"complete",` + result + `}}`
}

var benchText = strings.Repeat("abcdefghi ", 10)

var benchParams = `{"name":"echo","arguments":{"text":"` + benchText + `"}}`

// measure makes calls, so many at once.
func (g *guest) measure(b *testing.B, inFlight int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	round := func() {
		for range inFlight {
			g.call("call-tool", benchParams)
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
				g.call("call-tool", benchParams)
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
