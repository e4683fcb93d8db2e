package answers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/record"
)

// The crossings of a recording that a Book reads; see docs/recording.md.
const (
	callTool  = "caisson:mcp/client@0.1.0#call-tool"
	listTools = "caisson:mcp/client@0.1.0#list-tools"
	request   = "caisson:mcp/client@0.1.0#request" // any method, by its name
	settle    = "caisson:mcp/host@0.1.0#settle"
)

// mostCalls bounds the calls of a recording that are underway.
const mostCalls = 100_000

// recording reads the calls of tools of a recorded session, or script. Each answers a call with the same arguments, in order.
func (b *Book) recording(from io.Reader) error {
	reader, err := record.NewReader(from)
	if err != nil {
		return err
	}
	if reader.Header().Script != nil {
		return b.script(reader)
	}
	name := reader.Header().Server
	if name == "" {
		return errors.New("the recording does not say the name of its server")
	}
	type call struct {
		tool *answer // nil for a list of tools
		name string
	}
	underway := map[uint32]call{}
	for {
		entry, err := reader.Next()
		if errors.Is(err, io.EOF) || err == nil && entry.Kind == record.End {
			return nil
		}
		if err != nil {
			return err
		}
		var id uint32
		if len(entry.Values) < 2 || json.Unmarshal(entry.Values[0], &id) != nil {
			continue
		}
		wrong := func(what string) error { return fmt.Errorf("line %d: %s", reader.Line(), what) }
		switch {
		case entry.Kind == record.Call && len(underway) < mostCalls:
			switch method, params := recordedRequest(entry); method {
			case listTools:
				underway[id] = call{}
			case callTool:
				tool, arguments, err := recordedCall(params)
				if err != nil {
					return wrong("the call of a tool: " + err.Error())
				}
				underway[id] = call{&answer{arguments: arguments, exact: true}, tool}
			}
		case entry.Kind == record.Import && entry.Name == settle:
			c, known := underway[id]
			if !known {
				continue
			}
			delete(underway, id)
			var outcome struct {
				OK  *string         `json:"ok"`
				Err json.RawMessage `json:"err"`
			}
			if err := json.Unmarshal(entry.Values[1], &outcome); err != nil {
				return wrong("the outcome of a call: " + err.Error())
			}
			switch {
			case c.tool == nil && outcome.OK != nil:
				b.listed(name, *outcome.OK)
			case c.tool == nil:
			case outcome.OK != nil:
				c.tool.results = []result{{of: json.RawMessage(*outcome.OK)}}
			default:
				c.tool.results = []result{{failed: "the call failed when it was recorded: " + cut(string(outcome.Err))}}
			}
			if c.tool != nil {
				if err := b.add(name, c.name, c.tool); err != nil {
					return wrong(err.Error())
				}
			}
		}
	}
}

// recordedRequest returns callTool, listTools or "", and the params.
func recordedRequest(entry *record.Entry) (method, params string) {
	values := entry.Values[2:]
	switch method = entry.Name; method {
	case callTool, listTools:
	case request:
		var name string
		if len(values) == 0 || json.Unmarshal(values[0], &name) != nil {
			return "", ""
		}
		method, values = map[string]string{"tools/call": callTool, "tools/list": listTools}[name], values[1:]
	default:
		return "", ""
	}
	if len(values) == 0 || json.Unmarshal(values[0], &params) != nil {
		return "", ""
	}
	return method, params
}

// recordedCall returns what a recorded call called.
func recordedCall(text string) (tool string, arguments map[string]json.RawMessage, err error) {
	var params struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	}
	if err := json.Unmarshal([]byte(text), &params); err != nil {
		return "", nil, err
	}
	if params.Arguments != nil {
		arguments, err = members(params.Arguments)
	}
	return params.Name, arguments, err
}

// listed takes the definitions of tools over from a recorded list, so that a script finds them as they are.
func (b *Book) listed(server, text string) {
	var page mcp.ListToolsResult
	if b.bytes+len(text) > MaxBytes || json.Unmarshal([]byte(text), &page) != nil {
		return // Then the tools have the answers alone.
	}
	b.bytes += len(text)
	for _, t := range page.Tools {
		if t != nil && t.Name != "" {
			b.tool(server, t.Name).listed = t
		}
	}
}

func cut(text string) string {
	if len(text) > maxHint {
		return text[:maxHint] + "…"
	}
	return text
}
