package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"testing/fstest"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
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
	r, err := component.NewRuntime(ctx, &component.Config{Interpreter: true})
	if err != nil {
		return nil, err
	}
	defer r.Close(ctx)
	c, err := r.CompilePrepared(ctx, whole)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(scripts, "scripts/*.py")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := scripts.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := profiled(ctx, c, name, string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return called, nil
}

func profiled(ctx context.Context, c *component.Compiled, name, text string) error {
	h, err := newHost(ctx, c, &script{
		name: name, text: text, tools: tools, input: `{"name":"Grüße","numbers":[1,2.5,-3e10,null,true]}`,
		args: []string{"one", "2"}, packages: packages, tool: answer,
	}, component.Limits{})
	if err != nil {
		return err
	}
	defer h.close()
	o, err := h.run(ctx)
	if err != nil {
		return err
	}
	// Scripts that fail on purpose say so in their first line.
	if fails := len(text) > 8 && text[:8] == "# fails:"; fails != (o.failure != nil) {
		return fmt.Errorf("the outcome is %+v, %+v", o, o.failure)
	}
	return nil
}

// answer is what the tools of the scripts answer.
func answer(_, tool string, arguments json.RawMessage) (string, error) {
	switch tool {
	case "get_items":
		return `{"content":[],"structuredContent":{"items":[{"name":"a","price":1.5},{"name":"b","price":2}]}}`, nil
	case "say":
		return `{"content":[{"type":"text","text":"{\"said\":1}"}]}`, nil
	case "fail":
		return `{"isError":true,"content":[{"type":"text","text":"it failed"}]}`, nil
	}
	return "", errors.New("there is no such tool")
}
