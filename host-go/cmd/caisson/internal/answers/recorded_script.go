package answers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/record"
)

// The crossings of a recorded script that a Book reads; see docs/recording.md.
const (
	runScript    = "caisson:mcp/scripts@0.1.0#run"
	scriptsCall  = "caisson:mcp/script-host@0.1.0#call-tool"
	tellScript   = "caisson:mcp/scripts@0.1.0#deliver"
	scriptsWait  = "caisson:mcp/waiting@0.1.0#wait"
	isToolAnswer = "tool-answer"
)

// A scriptCall is a call of a tool that a recorded script has made.
type scriptCall struct {
	server, tool string
	answer       *answer
}

// script reads the calls of tools of a recorded script, as recording does those of a session.
func (b *Book) script(reader *record.Reader) error {
	underway := map[uint32]scriptCall{}
	for {
		entry, err := reader.Next()
		if errors.Is(err, io.EOF) || err == nil && entry.Kind == record.End {
			return nil
		}
		if err != nil {
			return err
		}
		values := entry.Values
		switch entry.Name {
		case runScript, scriptsCall, tellScript:
		case scriptsWait:
			values = entry.Results
		default:
			continue
		}
		of, err := record.DecodeAll(values)
		switch {
		case err != nil:
		case entry.Name == runScript:
			b.granted(of)
		case entry.Name == scriptsCall:
			err = called(underway, of)
		default:
			err = b.told(underway, of)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", reader.Line(), err)
		}
	}
}

// granted takes over the definitions of the tools that the script had.
func (b *Book) granted(values []any) {
	if len(values) < 3 {
		return
	}
	text, _ := values[2].(string)
	var tools []struct {
		Server string    `json:"server"`
		Tool   *mcp.Tool `json:"tool"`
	}
	if b.bytes+len(text) > MaxBytes || json.Unmarshal([]byte(text), &tools) != nil {
		return // Then the tools have the answers alone.
	}
	b.bytes += len(text)
	for _, t := range tools {
		if t.Server != "" && t.Tool != nil && t.Tool.Name != "" {
			b.tool(t.Server, t.Tool.Name).listed = t.Tool
		}
	}
}

// called notes a call that the script makes.
func called(underway map[uint32]scriptCall, values []any) error {
	if len(values) != 4 || len(underway) >= mostCalls {
		return errors.New("it is no call of a tool, or one too many")
	}
	id, isID := values[0].(uint32)
	server, isServer := values[1].(string)
	tool, isTool := values[2].(string)
	text, isText := values[3].(string)
	if !isID || !isServer || !isTool || !isText {
		return errors.New("it is no call of a tool")
	}
	arguments, err := members(json.RawMessage(text))
	if err != nil {
		return err
	}
	underway[id] = scriptCall{server, tool, &answer{arguments: arguments, exact: true}}
	return nil
}

// told adds the answers among what the script was told.
func (b *Book) told(underway map[uint32]scriptCall, values []any) error {
	if len(values) != 1 {
		return nil
	}
	events, _ := values[0].([]any)
	for _, event := range events {
		told, _ := event.(component.Variant)
		of, _ := told.Value.(component.Record)
		if told.Case != isToolAnswer || len(of) != 2 {
			continue
		}
		id, _ := of[0].(uint32)
		outcome, _ := of[1].(component.Result)
		c, known := underway[id]
		if !known {
			continue
		}
		delete(underway, id)
		switch of := outcome.Value.(type) {
		case string:
			c.answer.results = []result{{of: json.RawMessage(of)}}
		case component.Record:
			if len(of) != 2 || of[0] == "not found" {
				continue // Nothing of that name was granted.
			}
			message, _ := of[1].(string)
			c.answer.results = []result{{failed: "the call failed when it was recorded: " + cut(message)}}
		default:
			return errors.New("it is no answer of a tool")
		}
		if c.server == "" || c.tool == "" {
			continue
		}
		if err := b.add(c.server, c.tool, c.answer); err != nil {
			return err
		}
	}
	return nil
}
