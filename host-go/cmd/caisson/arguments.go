package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/jsontext"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/schema"
)

// maxArguments bounds the arguments that are read from a file or from standard input.
const maxArguments = 32 << 20

// readArguments reads the value of --args: JSON text, @FILE, or "-" for standard input. It returns nil
// without --args.
func (a *app) readArguments(c *cobra.Command, flag string) (json.RawMessage, error) {
	var text []byte
	var err error
	source := "--args"
	switch file, isFile := strings.CutPrefix(flag, "@"); {
	case flag == "":
		if c.Flags().Changed("args") {
			return nil, usage(c, "--args is empty: give a JSON object")
		}
		return nil, nil
	case flag == "-":
		source = "standard input"
		text, err = readInput(c.Context(), a.in)
	case isFile:
		source = file
		text, err = readFile(c.Context(), file)
	default:
		text = []byte(flag)
	}
	if err != nil {
		return nil, usage(c, "--args: %w", err)
	}
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\uFEFF")))
	var object map[string]json.RawMessage
	switch err := json.Unmarshal(text, &object); {
	case !utf8.Valid(text):
		return nil, usage(c, "%s is not UTF-8", source)
	case err != nil || object == nil:
		if err == nil || json.Valid(text) {
			return nil, usage(c, "%s is not a JSON object: the arguments of a tool have names", source)
		}
		return nil, usage(c, "%s is not JSON: %w", source, err)
	}
	return text, nil
}

// readFile reads a file until its end or the end of the context. A pipe with a name may have nobody who writes.
func readFile(ctx context.Context, path string) ([]byte, error) {
	return interruptibly(ctx, func() ([]byte, error) {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return readBounded(file)
	})
}

// readInput reads a stream until its end or the end of the context. The stream may never end.
func readInput(ctx context.Context, r io.Reader) ([]byte, error) {
	return interruptibly(ctx, func() ([]byte, error) { return readBounded(r) })
}

// interruptibly does what cannot be cancelled, and leaves it alone when the context ends before: nobody may use then what it
// works on.
func interruptibly[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := do()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func readBounded(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxArguments+1))
	if err == nil && len(text) > maxArguments {
		err = fmt.Errorf("more than %d bytes", maxArguments)
	}
	return text, err
}

// A pair is an argument in the form of the command line.
type pair struct{ name, value string }

// splitPairs reads the NAME=VALUE words.
func splitPairs(c *cobra.Command, words []string) ([]pair, error) {
	var pairs []pair
	seen := map[string]bool{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, "{") && c.Flag("args") != nil:
			return nil, usage(c, "%q is not an argument of the form name=value: JSON is given by --args", shown(word))
		case !ok || name == "":
			return nil, usage(c, "%q is not an argument of the form name=value", shown(word))
		case seen[name]:
			return nil, usage(c, "the argument %q is given twice", shown(name))
		}
		seen[name] = true
		pairs = append(pairs, pair{name, value})
	}
	return pairs, nil
}

// addPairs converts the pairs to the types in the tool's schema, and adds them to the arguments. A pair
// replaces an argument of the same name.
func addPairs(c *cobra.Command, arguments json.RawMessage, tool *tool, pairs []pair) (json.RawMessage, error) {
	object := map[string]json.RawMessage{}
	if arguments != nil {
		if err := json.Unmarshal(arguments, &object); err != nil {
			return nil, err
		}
	}
	s := schema.Parse(tool.InputSchema)
	for _, p := range pairs {
		sub, known := s.Property(p.name)
		if !known {
			return nil, usage(c, "the tool %q has no argument %q: it has %s", tool.Name, shown(p.name), s.Signature())
		}
		value, ok := s.ParseWord(sub, p.value)
		if !ok {
			return nil, usage(c, "the argument %q must be of the type %s", p.name, s.Describe(sub))
		}
		object[p.name] = value
	}
	return jsontext.Marshal(object)
}
