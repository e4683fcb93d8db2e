package component

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// files is the host's side of resources.wat.
type files struct {
	open    map[uint32]string
	dropped []uint32
	logged  []string
}

func newFiles() (*files, *Linker) {
	f := &files{open: map[uint32]string{}}
	l := NewLinker()
	l.Interface("t:io/files@1.2.0").
		Resource("file", func(_ context.Context, rep uint32) {
			f.dropped = append(f.dropped, rep)
			delete(f.open, rep)
		}).
		Func("open", func(_ context.Context, args []any) ([]any, error) {
			rep := uint32(1000 + len(f.open))
			f.open[rep] = args[0].(string)
			return []any{Rep(rep)}, nil
		}).
		Func("[method]file.size", func(_ context.Context, args []any) ([]any, error) {
			return []any{uint32(len(f.open[uint32(args[0].(Rep))]))}, nil
		}).
		Func("close", func(_ context.Context, args []any) ([]any, error) {
			delete(f.open, uint32(args[0].(Rep)))
			return nil, nil
		})
	l.Root().Func("log", func(_ context.Context, args []any) ([]any, error) {
		f.logged = append(f.logged, args[0].(string))
		return nil, nil
	})
	return f, l
}

func TestGuestResource(t *testing.T) {
	f, l := newFiles()
	in := testInstance(t, nil, "resources.wasm", l)
	ctx := context.Background()
	c := call(t, in, "[constructor]counter", uint32(7)).(*Resource)
	for range 2 { // a borrow does not change the resource
		if got := call(t, in, "[method]counter.get", c); got != uint32(7) {
			t.Fatal(got)
		}
	}
	if got := call(t, in, "take", c); got != uint32(7) {
		t.Fatal(got)
	}
	var value *ValueError
	if _, err := in.ExportedFunction("take").Call(ctx, c); !errors.As(err, &value) {
		t.Errorf("given away twice: %v", err)
	}
	c2 := call(t, in, "[constructor]counter", uint32(8)).(*Resource)
	c3 := call(t, in, "give-back", c2).(*Resource)
	for range 2 {
		if err := c3.Drop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := in.ExportedFunction("[method]counter.get").Call(ctx, c3); !errors.As(err, &value) {
		t.Errorf("used after drop: %v", err)
	}
	if got := call(t, in, "destroyed"); got != uint32(2) {
		t.Errorf("%v destructors ran", got)
	}
	if len(f.logged) != 2 {
		t.Errorf("a destructor may call out: %q", f.logged)
	}
	// A resource belongs to its instance. A Rep is not such a resource.
	_, l = newFiles()
	other := testInstance(t, nil, "resources.wasm", l)
	c = call(t, other, "[constructor]counter", uint32(1)).(*Resource)
	for _, v := range []any{c, Rep(1), (*Resource)(nil)} {
		if _, err := in.ExportedFunction("take").Call(ctx, v); !errors.As(err, &value) {
			t.Errorf("%v: %v", v, err)
		}
	}
}

func TestHostResource(t *testing.T) {
	f, l := newFiles()
	in := testInstance(t, nil, "resources.wasm", l)
	call(t, in, "open", "four")
	if got := call(t, in, "size"); got != uint32(4) {
		t.Fatal(got)
	}
	call(t, in, "drop-file")
	if !slices.Equal(f.dropped, []uint32{1000}) || len(f.open) != 0 {
		t.Fatal(f.dropped, f.open)
	}
	call(t, in, "open", "given away")
	call(t, in, "close-file")
	if len(f.dropped) != 1 || len(f.open) != 0 {
		t.Fatal("passing an own handle on is no drop", f.dropped)
	}
	f.open[5] = "borrowed"
	if got := call(t, in, "look", Rep(5)); got != uint32(8) {
		t.Fatal(got)
	}
	if f.open[5] == "" {
		t.Fatal("dropping a borrow dropped the resource")
	}
	call(t, in, "open", "left open")
	if err := in.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(f.dropped) != 2 {
		t.Fatal("Close drops what the guest still holds", f.dropped)
	}
}

func TestResourceTraps(t *testing.T) {
	for name, want := range map[string]string{
		"take-twice":     "unknown handle index",
		"look-and-keep":  "borrow handles still remain at the end of the call",
		"look-and-close": "cannot lift own resource from a borrow",
		"size":           "unknown handle index",
	} {
		f, l := newFiles()
		f.open[5] = "x"
		in := testInstance(t, nil, "resources.wasm", l)
		var args []any
		switch {
		case name == "take-twice":
			args = []any{call(t, in, "[constructor]counter", uint32(1))}
		case strings.HasPrefix(name, "look"):
			args = []any{Rep(5)}
		}
		_, err := in.ExportedFunction(name).Call(context.Background(), args...)
		var trap *TrapError
		if !errors.As(err, &trap) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two names that a component declares to be one resource must be one resource in the linker too.
func TestSameResource(t *testing.T) {
	ctx := context.Background()
	c, err := testRuntime(t, nil).Compile(ctx, testFile(t, "same.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		define func(streams, files *Interface)
		want   string
	}{
		"used":      {func(streams, files *Interface) { files.Use("stream", streams, "stream") }, ""},
		"not named": {func(streams, files *Interface) {}, ""},
		"another":   {func(streams, files *Interface) { files.Resource("stream", nil) }, "t:io/streams#stream"},
		"none":      {func(streams, files *Interface) { delete(streams.resources, "stream") }, "no such resource"},
		"another by its use": {func(streams, files *Interface) {
			streams.Resource("other", nil)
			files.Use("stream", streams, "other")
		}, "t:io/streams#stream"},
	} {
		l := NewLinker()
		streams, files := l.Interface("t:io/streams").Resource("stream", nil), l.Interface("t:io/files")
		files.Func("open", func() Rep { return 7 })
		x.define(streams, files)
		in, err := c.Instantiate(ctx, l)
		if x.want != "" {
			if link := (*LinkError)(nil); !errors.As(err, &link) || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := call(t, in, "f"); got != Rep(7) {
			t.Errorf("%s: %v", name, got)
		}
		if err := in.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}
