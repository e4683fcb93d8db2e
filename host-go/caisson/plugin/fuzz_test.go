package plugin

import (
	"context"
	"encoding/json"
	"runtime"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Any list of a plugin's is one of tools, or an error.
func FuzzList(f *testing.F) {
	f.Add(list("a", "b"))
	f.Add(`[{"name":"a","title":1,"inputSchema":{"type":"object"},"annotations":{"readOnlyHint":"x"}}]`)
	f.Add("[{}," + "[[[]]]")
	f.Fuzz(func(t *testing.T, text string) {
		items, err := array(text, maxTools)
		if err != nil {
			return
		}
		for _, item := range items {
			tool, err := readTool(item)
			if err != nil {
				continue
			}
			if _, err := json.Marshal(tool); err != nil || !validName(tool.Name) {
				t.Errorf("%q: %v", tool.Name, err)
			}
		}
	})
}

// Any result of a plugin's is one of a tool, or an error.
func FuzzResult(f *testing.F) {
	f.Add(`{"content":[{"type":"text","text":"x"}],"structuredContent":{"a":1},"isError":true}`)
	f.Add(`{"content":[{"type":"image","data":"AA==","mimeType":"image/png"},{"type":"resource","resource":{"uri":"x:y","blob":"AA=="}}]}`)
	f.Add(`{"content":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		p := &Plugin{name: "fuzz", limits: Limits{}.withDefaults()}
		result, err := p.readResult("tool", text)
		if err != nil {
			return
		}
		if _, err := json.Marshal(result); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	})
}

// Nothing is left of many calls, half of which fail, one after the other and beside each other.
func TestNothingIsLeft(t *testing.T) {
	p := loadPuppet(t, &Options{Limits: Limits{Calls: 64}}, "trap", "echo")
	calls := func(n int) {
		for i := range n {
			params := &mcp.CallToolParams{Name: "trap"}
			if i%2 == 0 {
				params = &mcp.CallToolParams{Name: "echo", Arguments: json.RawMessage(`{"content":[]}`)}
			}
			if _, err := p.CallTool(context.Background(), params); (err == nil) != (i%2 == 0) {
				t.Errorf("%s: %v", params.Name, err)
			}
		}
	}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	calls(100)
	before, goroutines := heap(), runtime.NumGoroutine()
	calls(500)
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() { calls(8) })
	}
	all.Wait()
	if after := heap(); after > before+8<<20 {
		t.Errorf("%d bytes before, and %d after", before, after)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines before, and %d after", goroutines, n)
	}
}
