package main

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing/fstest"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// scripts are of the kinds that people run. What they do is in the code that a start compiles.
//
//go:embed scripts/*.py
var scripts embed.FS

// packages are what the scripts have of a user's.
var packages = fstest.MapFS{
	"shapes/__init__.py": {Data: []byte("from .square import Square\n")},
	"shapes/square.py":   {Data: []byte("class Square:\n    def __init__(self, side):\n        self.side = side\n    def area(self):\n        return self.side ** 2\n")},
}

const tools = `[{"server":"shop","tool":{"name":"get_items","description":"Lists items","inputSchema":{"type":"object"},"outputSchema":{"type":"object"}}},
{"server":"shop","tool":{"name":"say","inputSchema":{"type":"object","properties":{"text":{"type":"string"}}}}}]`

// profile finds out which functions of the component run in ordinary scripts. What is not among them works too: it
// is loaded when it is called.
func profile(wasm []byte) (*component.Profile, error) {
	whole, err := component.Prepare(wasm, nil)
	if err != nil {
		return nil, err
	}
	called := &component.Profile{}
	ctx, cancel := context.WithTimeout(component.WithProfile(context.Background(), called), 10*time.Minute)
	defer cancel()
	e, err := engine.New(ctx, engine.Config{Core: func() (*component.Prepared, error) { return whole, nil }, Interpreter: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	names, err := fs.Glob(scripts, "scripts/*.py")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := scripts.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := run(ctx, e, name, string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return called, nil
}

// run runs a script. One that fails on purpose says so in its first line.
func run(ctx context.Context, e *engine.Engine, name, text string) error {
	in, failure := script.New(ctx, script.Config{
		Engine: e,
		Limits: script.Limits{
			Computing: 5 * time.Minute, Time: 10 * time.Minute, MemoryBytes: 1 << 30, SourceBytes: 1 << 20,
			OutputBytes: 1 << 20, LogLines: 10_000, LogLineBytes: 1 << 20, ResultDepth: 100, ToolCalls: 1000,
			ParallelCalls: 10, ArgumentBytes: 1 << 20, AnswerBytes: 1 << 20, Timers: 100, FailureBytes: 1 << 20,
		},
		Mounts: []wasi.Mount{{Path: "/packages", FS: packages}},
		Tools:  tools, Call: answer, Search: search, Random: rand.Reader,
	})
	if failure != nil {
		return failure
	}
	defer in.Close()
	source := script.Source{Name: filepath.Base(name), Text: text}
	_, _, failure = in.Run(ctx, source, json.RawMessage(`{"name":"Grüße","numbers":[1,2.5,-3e10,null,true]}`), []string{"one", "2"})
	if fails := strings.HasPrefix(text, "# fails:"); fails != (failure != nil) {
		return fmt.Errorf("fails: %t, and its failure is %w", fails, error(failure))
	}
	return nil
}

// search is what the core would find.
func search(context.Context, time.Duration, string, uint32) (string, time.Duration, error) {
	return `[{"server":"shop","tool":"get_items","score":1,"text":""}]`, 0, nil
}

// answer is what the tools of the scripts answer.
func answer(_ context.Context, _, tool string, _ json.RawMessage) (json.RawMessage, *script.ToolFailure) {
	switch tool {
	case "get_items":
		return json.RawMessage(`{"content":[],"structuredContent":{"items":[{"name":"a","price":1.5},{"name":"b","price":2}]}}`), nil
	case "say":
		return json.RawMessage(`{"content":[{"type":"text","text":"{\"said\":1}"}]}`), nil
	case "fail":
		return json.RawMessage(`{"isError":true,"content":[{"type":"text","text":"it failed"}]}`), nil
	}
	return nil, &script.ToolFailure{Code: "refused", Message: "there is no such tool"}
}
