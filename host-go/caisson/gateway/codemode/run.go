package codemode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// maxCallsShown bounds the calls that a model is told of when its script has failed.
const maxCallsShown = 50

// run answers run_script.
func (s *session) run(ctx context.Context, arguments json.RawMessage) (*mcp.CallToolResult, error) {
	var p struct {
		Source   string          `json:"source"`
		Input    json.RawMessage `json:"input"`
		From     *string         `json:"from"`
		Language string          `json:"language"`
	}
	if err := decode(arguments, &p); err != nil {
		return nil, err
	}
	language, _, err := s.in(p.Language)
	if err != nil {
		return nil, err
	}
	script := caisson.Script{Name: runScript, Source: p.Source, Language: language, Limits: s.options.Limits}
	switch {
	case p.From != nil && p.Input != nil:
		return nil, errors.New("there are an input and a from: a script has one input")
	case p.From != nil:
		value, ok := s.kept.get(*p.From)
		if !ok {
			return nil, fmt.Errorf("there is no result %q any more: run the script anew that made it", cut(*p.From, 100))
		}
		script.Input = value
	case p.Input != nil:
		script.Input = p.Input
	}
	if script.Tools, err = s.toolSet(ctx); err != nil {
		return nil, err
	}
	ctx = caisson.WithCaller(withProgress(ctx), policy.CallerScript)
	result, err := s.client.RunScript(ctx, script)
	if result == nil || ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		return &mcp.CallToolResult{Content: texts(explained(err), s.log(result), calls(result)), IsError: true}, nil
	}
	return &mcp.CallToolResult{Content: texts(string(s.value(result.Value)), s.note(result.Value), s.log(result))}, nil
}

// withProgress counts what the tools of a script tell as one progress: that of one call only grows.
func withProgress(ctx context.Context) context.Context {
	options, ok := caisson.CallOptionsOf(ctx)
	if !ok || options.OnProgress == nil {
		return ctx
	}
	tell := options.OnProgress
	var steps atomic.Int64
	options.OnProgress = func(p *mcp.ProgressNotificationParams) {
		tell(&mcp.ProgressNotificationParams{Progress: float64(steps.Add(1)), Message: p.Message})
	}
	return caisson.WithCallOptions(ctx, options)
}

// value is what a model gets of a script's value.
func (s *session) value(value json.RawMessage) json.RawMessage {
	return json.RawMessage(cut(string(value), s.options.ResultBytes))
}

// note says how to get the rest of a value that was cut; "" for one that was not.
func (s *session) note(value json.RawMessage) string {
	if len(value) <= s.options.ResultBytes {
		return ""
	}
	shown := fmt.Sprintf("These are the first %d bytes of %d.", s.options.ResultBytes, len(value))
	name, ok := s.kept.add(value)
	if !ok {
		return shown + " It is too large to be kept: run the script again, and return less of it."
	}
	return shown + fmt.Sprintf(` Run a script with from: %q to have all of it as its input, and return the part that you need.`, name)
}

// log is the end of a script's log.
func (s *session) log(result *caisson.ScriptResult) string {
	if len(result.Logs) == 0 {
		return ""
	}
	lines := make([]string, 0, len(result.Logs))
	room, left := s.options.LogBytes, 0
	for i := len(result.Logs) - 1; i >= 0; i-- {
		line := result.Logs[i].Level + ": " + result.Logs[i].Text
		if len(line) > room {
			left = i + 1
			break
		}
		room -= len(line) + 1
		lines = append(lines, line)
	}
	var b strings.Builder
	b.WriteString("log:\n")
	if left > 0 {
		fmt.Fprintf(&b, "(%d lines before these are left out)\n", left)
	}
	for i := len(lines) - 1; i >= 0; i-- {
		b.WriteString(lines[i] + "\n")
	}
	return b.String()
}

// explained is why a script has failed.
func explained(err error) string {
	var e *caisson.ScriptError
	if !errors.As(err, &e) || e.Stack == "" {
		return err.Error()
	}
	return err.Error() + "\n" + e.Stack
}

// calls says what a script that failed had called: it may have had effects.
func calls(result *caisson.ScriptResult) string {
	if len(result.Calls) == 0 {
		return "It had called no tool."
	}
	var b strings.Builder
	b.WriteString("It had called:\n")
	for i, c := range result.Calls {
		if i == maxCallsShown {
			fmt.Fprintf(&b, "and %d more\n", len(result.Calls)-i)
			break
		}
		fmt.Fprintf(&b, "%s.%s: %s\n", spelled(c.Server), spelled(c.Tool), strings.TrimSpace(string(c.Outcome)+" "+c.Code))
	}
	return b.String()
}
