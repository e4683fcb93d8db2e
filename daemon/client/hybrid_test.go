package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"

	"github.com/caisson-dev/caisson/daemon/client"
)

// A place answers calls with its name, or fails.
type place struct {
	name  string
	err   error
	calls int
}

func (p *place) ListTools(context.Context, *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	p.calls++
	return &mcp.ListToolsResult{Tools: []*mcp.Tool{{Name: p.name}}}, p.err
}

func (p *place) CallTool(context.Context, *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	p.calls++
	if p.err != nil {
		return nil, p.err
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: p.name}}}, nil
}

// TestHybridPlaces shows where calls are made, and that one that may have had an effect is not made again.
func TestHybridPlaces(t *testing.T) {
	away := &caisson.Error{Code: caisson.CodeConnect, Message: "away"}
	broken := &caisson.Error{Code: caisson.CodeTransport, Message: "broken"}
	for _, test := range []struct {
		name          string
		place         client.Place
		local, remote error
		want          string // the place that answers; "" for none
		counts        client.Counts
	}{
		{"remote first", client.RemoteFirst, nil, nil, "remote", client.Counts{Remote: 1}},
		{"remote away", client.RemoteFirst, nil, away, "local", client.Counts{Local: 1, Remote: 1, FellBack: 1}},
		{"remote broken", client.RemoteFirst, nil, broken, "", client.Counts{Remote: 1}},
		{"both away", client.RemoteFirst, away, away, "", client.Counts{Local: 1, Remote: 1, FellBack: 1}},
		{"local first", client.LocalFirst, nil, nil, "local", client.Counts{Local: 1}},
		{"local away", client.LocalFirst, away, nil, "remote", client.Counts{Local: 1, Remote: 1, FellBack: 1}},
		{"local broken", client.LocalFirst, broken, nil, "", client.Counts{Local: 1}},
		{"only remote", client.Remote, nil, away, "", client.Counts{Remote: 1}},
		{"only local", client.Local, away, nil, "", client.Counts{Local: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			local, remote := &place{name: "local", err: test.local}, &place{name: "remote", err: test.remote}
			h := client.NewHybrid("s", client.Open(local), client.Open(remote), &client.HybridOptions{Place: func(call client.Call) client.Place {
				if call != (client.Call{Server: "s", Method: "tools/call", Tool: "t"}) {
					t.Errorf("the call is %+v", call)
				}
				return test.place
			}})
			r, err := h.CallTool(testContext(t), &mcp.CallToolParams{Name: "t"})
			if (err == nil) != (test.want != "") || err == nil && textOf(t, r, nil) != test.want {
				t.Errorf("%v, %v", r, err)
			}
			if h.Counts() != test.counts || local.calls != int(test.counts.Local) || remote.calls != int(test.counts.Remote) {
				t.Errorf("%+v, %d local and %d remote calls", h.Counts(), local.calls, remote.calls)
			}
		})
	}
	if _, err := client.NewHybrid("s", nil, nil, nil).ListTools(testContext(t), nil); !errors.Is(err, caisson.CodeConnect) {
		t.Errorf("without places: %v", err)
	}
}

// TestHybrid ends the daemon behind a Hybrid: its calls are made in this process.
func TestHybrid(t *testing.T) {
	url := serve(t, upstream(t))
	d := startDaemon(t, t.TempDir(), one(url))
	h := client.NewHybrid("up", client.Open(inProcess(t, url, caisson.Handlers{})), client.Open(dial(t, d.address, &client.Options{Token: d.token}).Session("up")), nil)
	for i, want := range []client.Counts{{Remote: 1}, {Remote: 2, Local: 1, FellBack: 1}} {
		r, err := h.CallTool(testContext(t), &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"text": "x"}})
		if text := textOf(t, r, err); text != "x" {
			t.Errorf("it says %s", text)
		}
		if h.Counts() != want {
			t.Errorf("%d: the counts are %+v", i, h.Counts())
		}
		d.stop()
	}
}

// TestSeveralDaemons ends one of two daemons: calls go on, and each is made once.
func TestSeveralDaemons(t *testing.T) {
	calls := map[string]int{}
	server := upstream(t)
	type count struct {
		N int `json:"n"`
	}
	done := make(chan string, 100)
	mcp.AddTool(server, &mcp.Tool{Name: "count"}, func(_ context.Context, _ *mcp.CallToolRequest, in count) (*mcp.CallToolResult, any, error) {
		done <- fmt.Sprint(in.N)
		return &mcp.CallToolResult{}, nil, nil
	})
	url := serve(t, server)
	first := startDaemon(t, t.TempDir(), one(url))
	second := startDaemonWith(t, t.TempDir(), first.tokens, one(url))
	s := dial(t, first.address+","+second.address, &client.Options{Token: first.token}).Session("up")
	for i := range 40 {
		if i == 20 {
			first.stop()
		}
		_, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "count", Arguments: count{i}})
		if err != nil && caisson.CodeOf(err) == caisson.CodeConnect { // Nothing was sent: it may be made again.
			_, err = s.CallTool(testContext(t), &mcp.CallToolParams{Name: "count", Arguments: count{i}})
		}
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	close(done)
	for n := range done {
		calls[n]++
	}
	for i := range 40 {
		if calls[fmt.Sprint(i)] != 1 {
			t.Errorf("call %d was made %d times", i, calls[fmt.Sprint(i)])
		}
	}
}

// TestNoCaller shows that an Opener that gives nothing is a place that is not there.
func TestNoCaller(t *testing.T) {
	for name, opener := range map[string]client.Opener{"none": nil, "nothing": client.Open(nil)} {
		h := client.NewHybrid("s", client.Open(&place{name: "local"}), opener, nil)
		if r, err := h.CallTool(testContext(t), &mcp.CallToolParams{Name: "t"}); err != nil || textOf(t, r, err) != "local" {
			t.Errorf("%s: %v, %v", name, r, err)
		}
		if _, err := client.NewHybrid("s", opener, opener, nil).ListTools(testContext(t), nil); caisson.CodeOf(err) != caisson.CodeConnect {
			t.Errorf("%s: %v", name, err)
		}
	}
}
