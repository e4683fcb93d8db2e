package caisson_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// The servers here are written by hand, message by message, because they do what no library does.

type message struct {
	ID     json.RawMessage `json:"id,omitempty"`
	Method string          `json:"method"`
	Params struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
		RequestID json.RawMessage `json:"requestId"`
		Meta      struct {
			ProgressToken json.RawMessage `json:"progressToken"`
		} `json:"_meta"`
	} `json:"params"`
}

// child is a stdio server of revision 2025-11-25 that answers a handshake as it should, and a
// tools/call as its mode says.
func child(mode string) {
	out := &lines{}
	var waiting []message
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var m message
		if err := json.Unmarshal(line, &m); err != nil {
			fmt.Fprintln(os.Stderr, "not JSON:", err)
			os.Exit(9)
		}
		switch m.Method {
		case "server/discover":
			if mode == "dies-of-discover" {
				os.Exit(7)
			}
			if mode == "silent-to-discover" {
				continue
			}
			out.print(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no such method"}}`, m.ID)
		case "initialize":
			if mode == "dies-of-initialize" {
				os.Exit(8)
			}
			if mode == "early" {
				earlyChild(out, in, m)
				continue
			}
			revision := "2025-11-25"
			if mode == "2024-11-05" {
				revision = mode
			}
			out.print(`{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"`+revision+`","capabilities":{"tools":{}},"serverInfo":{"name":"child","version":"1"},"instructions":"Be kind."}}`, m.ID)
		case "ping":
			out.print(`{"jsonrpc":"2.0","id":%s,"result":{}}`, m.ID)
		case "notifications/cancelled":
			out.print(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"cancelled":%s}}}`, m.Params.RequestID)
		case "tools/list":
			out.print(`{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"any","inputSchema":{"type":"object"}}]}}`, m.ID)
		case "tools/call":
			waiting = append(waiting, m)
			waiting = toolCall(mode, out, m, waiting)
		}
	}
}

const text = `{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":%q}]}}`

// toolCall answers a call, or lets it wait for more of them.
func toolCall(mode string, out *lines, m message, waiting []message) []message {
	if m.Params.Name == "fine" {
		out.print(text, m.ID, "fine")
		return nil
	}
	switch mode {
	case "reverse":
		// All of them together, the last one first.
		if len(waiting) < inFlight {
			return waiting
		}
		for i := len(waiting) - 1; i >= 0; i-- {
			out.print(text, waiting[i].ID, waiting[i].Params.Arguments)
		}
	case "echo":
		out.print(`{"jsonrpc":"2.0","id":%s,"result":{"content":[],"structuredContent":%s}}`, m.ID, m.Params.Arguments)
	case "verbatim":
		// The arguments hold the result, as text.
		var a struct{ Result string }
		_ = json.Unmarshal(m.Params.Arguments, &a)
		out.print(`{"jsonrpc":"2.0","id":%s,"result":%s}`, m.ID, a.Result)
	case "exits":
		fmt.Fprintln(os.Stderr, "the disk is full")
		os.Exit(3)
	case "malformed":
		out.print(`{"jsonrpc":"2.0","id":%s,"result":{"content":[`, m.ID)
	case "junk-first":
		out.print("Starting up... done")
		out.print(`{"level":"info","msg":"JSON is not enough"}`)
		out.print(text, m.ID, "after the junk")
	case "wrong-id":
		out.print(text, json.RawMessage("987654321"), "whose is it?")
	case "twice":
		out.print(text, m.ID, "first")
		out.print(text, m.ID, "second")
	case "huge":
		out.print(text, m.ID, strings.Repeat("x", 100<<20))
	case "closes-stdout":
		out.print(`{"jsonrpc":"2.0","id":%s,"resu`, m.ID)
		_ = os.Stdout.Close()
		time.Sleep(time.Hour) // Until it is ended.
	case "invalid-result":
		out.print(`{"jsonrpc":"2.0","id":%s,"result":{"content":"not a list"}}`, m.ID)
	case "rpc-error":
		out.print(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32050,"message":"try <later>","data":{"after":[1,2.5],"é":"\ud83d"}}}`, m.ID)
	case "silent":
		out.print(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"called"}}`)
		return waiting
	case "notifies":
		for i := range 100 {
			out.print(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":%d,"new":{"field":true}}}`, i)
		}
		out.print(text, m.ID, "done")
	}
	return nil
}

// lines writes whole lines to standard output.
type lines struct{ mu sync.Mutex }

func (l *lines) print(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Printf(format+"\n", args...)
}
