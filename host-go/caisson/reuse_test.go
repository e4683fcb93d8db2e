package caisson_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
	"github.com/caisson-dev/caisson/host-go/internal/without"
)

// A memoryOf looks into the cores of a client's sessions, and keeps where their memories are.
type memoryOf struct {
	*finder
	mu   sync.Mutex
	seen map[*byte]int
	last *byte
}

func (m *memoryOf) look(memories [][]byte) {
	m.memory(memories)
	m.mu.Lock()
	defer m.mu.Unlock()
	if at := &memories[0][0]; at != m.last {
		m.last = at
		m.seen[at]++
	}
}

// TestNothingOfAnotherSession has sessions end in different ways, with the answers of their servers in memory, and
// looks for them in the memory of the session after each.
func TestNothingOfAnotherSession(t *testing.T) {
	r := newRuntime(t, caisson.RuntimeOptions{})
	if err := r.Compile(testContext(t), nil); err != nil {
		t.Fatal(err)
	}
	again := 0
	for _, era := range bothEras {
		for name, use := range map[string]func(*testing.T, *caissontest.Server, *caisson.Session){
			"an answer": func(t *testing.T, _ *caissontest.Server, s *caisson.Session) {
				if text, err := call(t, s, "tell", map[string]any{"say": mark}); err != nil || !strings.Contains(text, mark) {
					t.Error(text, err)
				}
			},
			"a large answer": func(t *testing.T, _ *caissontest.Server, s *caisson.Session) {
				if _, err := call(t, s, "much", nil); err != nil {
					t.Error(err)
				}
			},
			"an error": func(t *testing.T, server *caissontest.Server, s *caisson.Session) {
				server.Fail("prompts/get", &jsonrpc.Error{Code: -32000, Message: mark})
				if _, err := s.GetPrompt(testContext(t), &mcp.GetPromptParams{Name: mark}); err == nil {
					t.Error("it does not fail")
				}
			},
			"a call that is given up": func(t *testing.T, server *caissontest.Server, s *caisson.Session) {
				ctx, cancel := context.WithCancel(testContext(t))
				go func() {
					_, _ = server.Await(testContext(t), "tools/call")
					cancel()
				}()
				if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "silent", Arguments: map[string]any{"say": mark}}); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			},
			"a call under way": func(t *testing.T, server *caissontest.Server, s *caisson.Session) {
				go func() {
					_, _ = s.CallTool(context.Background(), &mcp.CallToolParams{Name: "silent", Arguments: map[string]any{"say": mark}})
				}()
				if _, err := server.Await(testContext(t), "tools/call"); err != nil {
					t.Error(err)
				}
			},
			"a server that goes away": func(t *testing.T, server *caissontest.Server, s *caisson.Session) {
				if _, err := call(t, s, "tell", nil); err != nil {
					t.Error(err)
				}
				server.End()
			},
			"notifications": func(t *testing.T, server *caissontest.Server, s *caisson.Session) {
				for range 100 {
					server.Notify("notifications/message", map[string]any{"level": "info", "data": mark})
				}
				if _, err := call(t, s, "tell", nil); err != nil {
					t.Error(err)
				}
			},
		} {
			t.Run(name+" "+era, func(t *testing.T) {
				client := func(look func([][]byte)) *caisson.Client {
					c, err := r.NewClient(&caisson.ClientOptions{Logger: testLogger(t)})
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = c.Close() })
					c.Inspect(look)
					return c
				}
				before, after := &memoryOf{finder: newFinder(), seen: map[*byte]int{}}, &memoryOf{finder: newFinder(), seen: map[*byte]int{}}
				server := toolServer(t, era, "a")
				answer := func(text string) caissontest.Handler {
					return func(*caissontest.Call) (any, error) {
						return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil
					}
				}
				server.AddTool(&mcp.Tool{Name: "tell", Description: mark}, answer(mark))
				server.AddTool(&mcp.Tool{Name: "much"}, answer(strings.Repeat(mark, 5<<20/len(mark))))
				server.AddTool(&mcp.Tool{Name: "silent"}, func(c *caissontest.Call) (any, error) {
					<-c.Context().Done()
					return nil, c.Context().Err()
				})
				s := connect(t, client(before.look), server.Caisson())
				use(t, server, s)
				_ = s.Close()
				if len(before.found) == 0 && name != "a call that is given up" && name != "a call under way" {
					t.Error("the mark was in no memory: the test shows nothing")
				}
				clean := toolServer(t, era, "a")
				s = connect(t, client(after.look), clean.Caisson())
				if text, err := call(t, s, "a", nil); err != nil || text != "a" {
					t.Error(text, err)
				}
				_ = s.Close()
				after.report(t)
				for at := range after.seen {
					if before.seen[at] > 0 {
						again++
					}
				}
			})
		}
	}
	if runtime.GOOS == "linux" && !without.SharedMemory && again == 0 {
		t.Error("no memory was used again: the test shows nothing")
	}
	t.Log("used again:", again)
}
