package wasi

import (
	"context"
	"io"
	"strings"

	"github.com/caisson-dev/caisson/host-go/component"
)

func (h *host) addCLI(l *component.Linker) {
	args := make([]any, len(h.cfg.Args))
	for i, a := range h.cfg.Args {
		args[i] = a
	}
	env := make([]any, len(h.cfg.Env))
	for i, kv := range h.cfg.Env {
		env[i] = component.Tuple{kv[0], kv[1]}
	}
	l.Interface("wasi:cli/environment"+version).
		Func("get-arguments", answer(args)).
		Func("get-environment", answer(env)).
		Func("initial-cwd", answer(some(h.cfg.Cwd)))

	l.Interface("wasi:cli/exit"+version).
		Func("exit", func(_ context.Context, args []any) ([]any, error) {
			if args[0].(component.Result).OK {
				return nil, &ExitError{}
			}
			return nil, &ExitError{Code: 1}
		}).
		Func("exit-with-code", func(_ context.Context, args []any) ([]any, error) {
			return nil, &ExitError{Code: int(args[0].(uint8))}
		})
	h.addStdio(l)
}

// addStdio defines the standard streams. All handles of one of them are the same stream.
func (h *host) addStdio(l *component.Linker) {
	h.stdin = &reader{from: h.cfg.Stdin}
	if h.cfg.Stdin == nil {
		h.stdin.from = strings.NewReader("")
	}
	h.standard = map[string]standard{}
	l.Interface("wasi:cli/stdin"+version).
		Func("get-stdin", func(context.Context, []any) ([]any, error) { return one(h.input(h.stdin)) })
	for name, w := range map[string]io.Writer{"stdout": h.cfg.Stdout, "stderr": h.cfg.Stderr} {
		if w == nil {
			w = io.Discard
		}
		h.standard[name] = standard{writer{w}, name}
		l.Interface("wasi:cli/"+name+version).
			Func("get-"+name, func(context.Context, []any) ([]any, error) { return one(h.output(h.standard[name])) })
	}

	in := addResource[struct{}](h, l.Interface("wasi:cli/terminal-input"+version), "terminal-input", nil)
	out := addResource[struct{}](h, l.Interface("wasi:cli/terminal-output"+version), "terminal-output", nil)
	terminal := func(name string, is bool, r *resource[struct{}]) {
		l.Interface("wasi:cli/terminal-"+name+version).
			Func("get-terminal-"+name, func(context.Context, []any) ([]any, error) {
				if !is {
					return []any{component.None()}, nil
				}
				rep, err := r.own(struct{}{})
				return []any{component.Some(rep)}, err
			})
	}
	terminal("stdin", h.cfg.Terminal.Stdin, in)
	terminal("stdout", h.cfg.Terminal.Stdout, out)
	terminal("stderr", h.cfg.Terminal.Stderr, out)
}

// standard is a standard stream that the component writes to.
type standard struct {
	writer
	name string
}
