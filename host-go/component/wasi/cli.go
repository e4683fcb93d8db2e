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
		Func("initial-cwd", answer(component.None()))

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

	stdin, stdout, stderr := h.cfg.Stdin, h.cfg.Stdout, h.cfg.Stderr
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	stdio := func(name string, s any) {
		l.Interface("wasi:cli/"+name+version).
			Func("get-"+name, func(context.Context, []any) ([]any, error) { return h.open(s) })
		l.Interface("wasi:cli/terminal-"+name+version).
			Func("get-terminal-"+name, answer(component.None()))
	}
	stdio("stdin", readOnly{stdin})
	stdio("stdout", writeOnly{orDiscard(stdout)})
	stdio("stderr", writeOnly{orDiscard(stderr)})
	l.Interface("wasi:cli/terminal-input"+version).Resource("terminal-input", nil)
	l.Interface("wasi:cli/terminal-output"+version).Resource("terminal-output", nil)
}

// readOnly and writeOnly keep a stream from being used the other way about.
type (
	readOnly  struct{ io.Reader }
	writeOnly struct{ io.Writer }
)

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
