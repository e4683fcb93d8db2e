package component

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// TestWast runs the specification's own tests. It reads the files that `wasm-tools json-from-wast` made of
// them, in the folder that CAISSON_WAST_DIR names. The folder may have the files of wasmtime's suite too; the
// test gives the imports that they need. The test prints a line for each file and the sum. It counts commands
// on components that use what docs/component.md says is not supported apart, as neither passed nor failed,
// and does not count those on the text format.
func TestWast(t *testing.T) {
	dir := os.Getenv("CAISSON_WAST_DIR")
	if dir == "" {
		t.Skip("CAISSON_WAST_DIR names no folder of converted .wast files")
	}
	var passed, total, skipped int
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		name, err := filepath.Rel(dir, strings.TrimSuffix(path, ".json"))
		if err != nil {
			return err
		}
		w := newWast(t, path)
		failures := w.run(t)
		n := len(w.Commands)
		n -= w.skipped + w.text
		line := fmt.Sprintf("%s %d/%d", filepath.ToSlash(name), n-len(failures), n)
		if w.skipped > 0 {
			line += fmt.Sprintf(" (%d more need what is not supported)", w.skipped)
		}
		fmt.Println(line)
		passed, total, skipped = passed+n-len(failures), total+n, skipped+w.skipped
		for _, f := range failures {
			t.Errorf("%s:%d: %s", name, f.line, f.msg)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("total %d/%d (%d more need what is refused)\n", passed, total, skipped)
}

// isUnsupported reports whether a component was refused for an unsupported feature, and not for a fault.
func isUnsupported(err error) bool {
	var decode *DecodeError
	var link *LinkError
	return errors.As(err, &decode) && decode.Unsupported || errors.As(err, &link) && strings.Contains(link.Msg, "which a host cannot give")
}

// errSkipped is the outcome of a command that depends on a refused component.
var errSkipped = errors.New("skipped")

// errText is the outcome of an assertion about the text format, which this runtime does not read.
var errText = errors.New("text format")

type wast struct {
	Commands  []wastCommand
	dir       string
	r         *Runtime
	host      *Linker
	compiled  map[string]*Compiled
	instances map[string]*Instance
	current   *Instance
	last      *Compiled
	skipped   int
	text      int
	refused   bool // the current component needs what is not supported
}

type wastCommand struct {
	Type, Filename, Name, Text, Module, Instance string
	ModuleType                                   string `json:"module_type"`
	Line                                         int
	Action                                       struct {
		Type, Module, Field string
		Args                []wastValue
	}
	Expected []wastValue
}

type wastValue struct {
	Type  string
	Value json.RawMessage
}

type wastFailure struct {
	line int
	msg  string
}

func newWast(t *testing.T, path string) *wast {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w := &wast{
		dir: strings.TrimSuffix(path, ".json"), host: wastHost(), compiled: map[string]*Compiled{}, instances: map[string]*Instance{},
		// Each test is short, and much code is compiled, so the interpreter is quicker. Some memories have
		// the maximal size.
		r: testRuntime(t, &Config{Interpreter: true, Limits: Limits{Memory: 9 << 30}}),
	}
	if _, err := os.Stat(w.dir); err != nil {
		w.dir = filepath.Dir(path)
	}
	if err := json.Unmarshal(b, w); err != nil {
		t.Fatal(path, err)
	}
	return w
}

func (w *wast) run(t *testing.T) (failures []wastFailure) {
	for i := range w.Commands {
		c := &w.Commands[i]
		err := w.command(c)
		if errors.Is(err, errText) {
			w.text++
			continue
		}
		if errors.Is(err, errSkipped) || isUnsupported(err) {
			w.skipped++
			continue
		}
		if err != nil {
			failures = append(failures, wastFailure{c.Line, c.Type + ": " + err.Error()})
		}
	}
	for _, in := range w.instances {
		if err := in.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	return failures
}

func (w *wast) command(c *wastCommand) error {
	ctx := context.Background()
	switch c.Type {
	case "module", "module_definition":
		comp, err := w.compile(c.Filename)
		w.last, w.current = comp, nil
		w.refused = isUnsupported(err)
		if err != nil {
			return err
		}
		w.compiled[c.Name] = comp
		if c.Type == "module" {
			return w.instantiate(comp, c.Name)
		}
		return nil
	case "module_instance":
		comp := w.compiled[c.Module]
		if c.Module == "" {
			comp = w.last
		}
		if comp == nil {
			w.current = nil
			return w.missing()
		}
		return w.instantiate(comp, c.Instance)
	case "assert_malformed", "assert_invalid":
		if c.ModuleType != "binary" {
			return errText
		}
		_, err := w.compile(c.Filename)
		if decode := (*DecodeError)(nil); !errors.As(err, &decode) {
			return fmt.Errorf("loaded (%v), wanted: %s", err, c.Text)
		}
		if isUnsupported(err) {
			return errSkipped // The component was refused, but perhaps for an unsupported feature.
		}
		return nil
	case "assert_unlinkable", "assert_uninstantiable":
		comp, err := w.compile(c.Filename)
		if err != nil {
			return err
		}
		in, err := comp.Instantiate(ctx, w.host)
		if err == nil {
			w.keep(in, c.Name)
			return fmt.Errorf("instantiated, wanted: %s", c.Text)
		}
		var link *LinkError
		var trap *TrapError
		if c.Type == "assert_unlinkable" && !errors.As(err, &link) || c.Type == "assert_uninstantiable" && !errors.As(err, &trap) {
			return fmt.Errorf("%w, wanted: %s", err, c.Text)
		}
		if isUnsupported(err) {
			return errSkipped
		}
		return nil
	case "assert_trap":
		_, _, err := w.invoke(ctx, c)
		if errors.Is(err, errSkipped) {
			return err
		}
		if trap := (*TrapError)(nil); !errors.As(err, &trap) {
			return fmt.Errorf("%s: %v, wanted a trap: %s", c.Action.Field, err, c.Text)
		}
		return nil
	case "assert_return", "action":
		out, result, err := w.invoke(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Action.Field, err)
		}
		if len(out) != len(c.Expected) {
			return fmt.Errorf("%s: %d results, wanted %d", c.Action.Field, len(out), len(c.Expected))
		}
		for i, e := range c.Expected {
			want, err := e.value(result)
			if err != nil {
				return err
			}
			if !reflect.DeepEqual(out[i], want) && !bothNaN(out[i], want) {
				return fmt.Errorf("%s: %#v, wanted %#v", c.Action.Field, out[i], want)
			}
		}
		return nil
	}
	return fmt.Errorf("unknown command")
}

func bothNaN(a, b any) bool {
	switch a := a.(type) {
	case float32:
		b, ok := b.(float32)
		return ok && a != a && b != b
	case float64:
		b, ok := b.(float64)
		return ok && a != a && b != b
	}
	return false
}

func (w *wast) compile(name string) (*Compiled, error) {
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(b, []byte("\x00asm\x01\x00\x00\x00")) {
		return nil, errors.New("a core module")
	}
	return w.r.Compile(context.Background(), b)
}

func (w *wast) instantiate(c *Compiled, name string) error {
	in, err := c.Instantiate(context.Background(), w.host)
	w.current, w.refused = in, isUnsupported(err)
	if err == nil {
		w.keep(in, name)
	}
	return err
}

func (w *wast) keep(in *Instance, name string) {
	w.instances[name+"#"+strconv.Itoa(len(w.instances))] = in
}

// missing returns the error of a command on a component that was not loaded.
func (w *wast) missing() error {
	if w.refused {
		return errSkipped
	}
	return errors.New("no instance")
}

func (w *wast) invoke(ctx context.Context, c *wastCommand) ([]any, *types.Value, error) {
	if w.current == nil {
		return nil, nil, w.missing()
	}
	f := w.current.ExportedFunction(c.Action.Field)
	if f == nil {
		return nil, nil, errors.New("no such export")
	}
	var args []any
	for i, a := range c.Action.Args {
		v, err := a.value(f.sig.Type.Params[i].Type)
		if err != nil {
			return nil, nil, err
		}
		args = append(args, v)
	}
	out, err := f.Call(ctx, args...)
	return out, f.sig.Type.Result, err
}
