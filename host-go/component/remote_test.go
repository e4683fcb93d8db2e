package component

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// pipes are a connection within this process: what one end writes, the other one reads.
type pipes struct {
	io.Reader
	io.Writer
}

// connect returns both ends of a connection, and what breaks it.
func connect() (here, there pipes, breakOff func()) {
	toThere, out := io.Pipe()
	in, toHere := io.Pipe()
	return pipes{in, out}, pipes{toThere, toHere}, func() {
		_, _ = out.Close(), toHere.Close()
	}
}

// takenApart takes a component of testdata apart.
func takenApart(t testing.TB, name string) *Prepared {
	t.Helper()
	p, err := prepare(testFile(t, name), &Profile{}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// served is a Remote of a component, without an instance, that Serve runs in this process.
func served(t testing.TB, p *Prepared) *Remote {
	t.Helper()
	here, there, breakOff := connect()
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := Serve(ctx, there); err != nil && ctx.Err() == nil {
			t.Errorf("Serve ends with %v", err)
		}
		breakOff()
	})
	r := NewRemote(here, func() {
		stop() // As for a process, which ends whatever it does.
		breakOff()
	})
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
	if err := r.Load(context.Background(), p, RemoteConfig{}); err != nil {
		t.Fatal(err)
	}
	return r
}

func testRemote(t testing.TB, name string, l *Linker) *Remote {
	t.Helper()
	r := served(t, takenApart(t, name))
	if err := r.Instantiate(context.Background(), l, Limits{}); err != nil {
		t.Fatal(err)
	}
	return r
}

// callRemote calls an export that has to succeed, and returns its result.
func callRemote(t testing.TB, r *Remote, name string, args ...any) any {
	t.Helper()
	out, err := r.Call(context.Background(), name, args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(out) == 0 {
		return nil
	}
	return out[0]
}

// TestRemoteEcho has values of every type cross to the other process, to a host function of this one, and back.
func TestRemoteEcho(t *testing.T) {
	given := map[string]any{}
	r := testRemote(t, "echo.wasm", echoLinker(given))
	for name, values := range echoes {
		for _, v := range values {
			callRemote(t, r, "reset")
			if got := callRemote(t, r, "echo-"+name, v); !reflect.DeepEqual(got, v) || !reflect.DeepEqual(given[name], v) {
				t.Errorf("%s: got %.200v, and the host function %.200v, not %.200v", name, got, given[name], v)
			}
		}
	}
	for name, values := range misfits {
		for _, v := range values {
			var wrong *ValueError
			if _, err := r.Call(context.Background(), "echo-"+name, v); !errors.As(err, &wrong) {
				t.Errorf("%s(%v): %v", name, v, err)
			}
		}
	}
	if got := callRemote(t, r, "echo-u8", uint8(3)); got != uint8(3) {
		t.Errorf("after values that do not fit: %v", got)
	}
	if r.Exports("none") || !r.Exports("echo-u8") || r.FuelUsed() == 0 || r.MemorySize() == 0 {
		t.Errorf("%d units and %d bytes", r.FuelUsed(), r.MemorySize())
	}
}

// TestRemoteMoves has an instance go from process to process, and use the same fuel as one that stayed here.
func TestRemoteMoves(t *testing.T) {
	ctx := context.Background()
	p := takenApart(t, "echo.wasm")
	compiled, err := testRuntime(t, nil).CompilePrepared(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	stayed := instantiate(t, compiled, echoLinker(map[string]any{}))
	first := served(t, p)
	if err := first.Instantiate(ctx, echoLinker(map[string]any{}), Limits{}); err != nil {
		t.Fatal(err)
	}
	text := string(make([]byte, 200_000)) // The memory grows.
	call(t, stayed, "echo-string", text)
	callRemote(t, first, "echo-string", text)
	var state bytes.Buffer
	if err := first.Save(&state); err != nil {
		t.Fatal(err)
	}
	second := served(t, p)
	if err := second.Restore(ctx, echoLinker(map[string]any{}), Limits{}, &state); err != nil {
		t.Fatal(err)
	}
	call(t, stayed, "echo-string", text)
	callRemote(t, second, "echo-string", text)
	if a, b := stayed.FuelUsed(), second.FuelUsed(); a != b || stayed.MemorySize() != second.MemorySize() {
		t.Errorf("%d units here, and %d there", a, b)
	}
	var wrong *StateError
	if err := served(t, p).Restore(ctx, echoLinker(map[string]any{}), Limits{}, bytes.NewReader([]byte("no state"))); !errors.As(err, &wrong) {
		t.Errorf("no state: %v", err)
	}
	if err := first.Save(&failing{}); err == nil {
		t.Error("a writer that fails")
	}
	callRemote(t, first, "echo-u8", uint8(1)) // It stays as it is.
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("full") }

// TestRemoteResources has a guest in another process use resources of this one.
func TestRemoteResources(t *testing.T) {
	f, l := newFiles()
	r := testRemote(t, "resources.wasm", l)
	callRemote(t, r, "open", "four")
	if got := callRemote(t, r, "size"); got != uint32(4) {
		t.Fatal(got)
	}
	callRemote(t, r, "drop-file")
	if !slices.Equal(f.dropped, []uint32{1000}) {
		t.Fatal(f.dropped)
	}
	callRemote(t, r, "open", "given away")
	callRemote(t, r, "close-file")
	f.open[5] = "borrowed"
	if got := callRemote(t, r, "look", Rep(5)); got != uint32(8) || len(f.dropped) != 1 {
		t.Fatal(got, f.dropped)
	}
	var wrong *ValueError
	if _, err := r.Call(context.Background(), "[constructor]counter", uint32(7)); !errors.As(err, &wrong) {
		t.Errorf("a resource of the guest: %v", err)
	}
	callRemote(t, r, "open", "left open")
	if err := r.Close(context.Background()); err != nil || len(f.dropped) != 2 {
		t.Fatal("Close drops what the guest still holds", f.dropped, err)
	}
	if _, err := r.Call(context.Background(), "size"); !errors.Is(err, ErrInstanceDead) {
		t.Errorf("after the end: %v", err)
	}
}

// TestRemoteEnds has calls end by their contexts, by fuel, and by errors of the host's functions.
func TestRemoteEnds(t *testing.T) {
	p := takenApart(t, "runaway.wasm")
	remote := func() *Remote {
		r := served(t, p)
		if err := r.Instantiate(context.Background(), runawayLinker(), Limits{Memory: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		return r
	}
	for name, end := range map[string]func() (context.Context, context.CancelFunc){
		"deadline": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), 50*time.Millisecond)
		},
		"cancelled": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(20*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		r := remote()
		ctx, cancel := end()
		defer cancel()
		_, err := r.Call(ctx, "loop")
		<-ctx.Done() // The worker's clock may be a moment ahead of the context's timer.
		var trap *TrapError
		if !errors.As(err, &trap) || !errors.Is(err, ctx.Err()) || trap.Func != "loop" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.Call(context.Background(), "count", uint32(1)); !errors.Is(err, ErrInstanceDead) {
			t.Errorf("%s: after it: %v", name, err)
		}
	}
	var limit *LimitError
	if _, err := remote().Call(WithFuel(context.Background(), 1000), "loop"); !errors.As(err, &limit) || limit.Resource != "fuel" || limit.Limit != 1000 {
		t.Errorf("fuel: %v", err)
	}
	over, stop := context.WithCancel(context.Background())
	stop()
	r := remote()
	if _, err := r.Call(over, "loop"); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
	if got := callRemote(t, r, "count", uint32(4)); got != uint32(10) {
		t.Error(got)
	}
	no := errors.New("no")
	l := echoLinker(map[string]any{})
	l.Root().Func("echo-u8", func(context.Context, []any) ([]any, error) { return nil, no })
	echo := testRemote(t, "echo.wasm", l)
	if _, err := echo.Call(context.Background(), "echo-u8", uint8(1)); !errors.Is(err, no) {
		t.Errorf("an error of a host function: %v", err)
	}
	l.Root().Func("echo-u16", func(context.Context, []any) ([]any, error) { return []any{"no number"}, nil })
	var wrong *ValueError
	if _, err := testRemote(t, "echo.wasm", l).Call(context.Background(), "echo-u16", uint16(1)); !errors.As(err, &wrong) {
		t.Errorf("a result that does not fit: %v", err)
	}
	l.Root().Func("echo-u32", func(n uint32) uint32 { return n })
	var link *LinkError
	if err := served(t, takenApart(t, "echo.wasm")).Instantiate(context.Background(), l, Limits{}); !errors.As(err, &link) {
		t.Errorf("a function that is no HostFunc: %v", err)
	}
}

// hostile is a Remote whose other end does what is told, once it has said that the instance is made.
func hostile(t testing.TB, p *Prepared, does func(w *wire, conn io.ReadWriter)) *Remote {
	t.Helper()
	here, there, breakOff := connect()
	r := NewRemote(here, breakOff)
	var acting sync.WaitGroup
	acting.Go(func() {
		defer breakOff()
		w := newWire(there, 1<<32)
		for range 3 { // load, new, call or save
			kind, _, err := w.receive()
			if err != nil {
				return
			}
			if kind == frameCall || kind == frameSave {
				does(w, there)
				return
			}
			if err := w.send(frameDone, (&usage{}).append(nil), nil); err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		_ = r.Close(context.Background())
		acting.Wait()
	})
	ctx := context.Background()
	if err := errors.Join(r.Load(ctx, p, RemoteConfig{}), r.Instantiate(ctx, echoLinker(map[string]any{}), Limits{Memory: 1 << 20})); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRemoteHostile has the other process send what no instance sends.
func TestRemoteHostile(t *testing.T) {
	p := takenApart(t, "echo.wasm")
	c, err := p.planned()
	if err != nil {
		t.Fatal(err)
	}
	// imported is a call of an import, up to its arguments.
	imported := func(name string) []byte {
		for k, f := range c.program.Imports {
			if f.Name == name {
				return binary.AppendUvarint([]byte{0}, uint64(k))
			}
		}
		t.Fatalf("there is no %s", name)
		return nil
	}
	frame := func(kind frameKind, parts ...[]byte) func(*wire, io.ReadWriter) {
		return func(w *wire, _ io.ReadWriter) { _ = w.send(kind, nil, slices.Concat(parts...)) }
	}
	used := (&usage{}).append(nil)
	many := binary.AppendUvarint(nil, 1<<20)
	for name, does := range map[string]func(*wire, io.ReadWriter){
		"the end":                func(*wire, io.ReadWriter) {},
		"half a head":            func(_ *wire, c io.ReadWriter) { _, _ = c.Write([]byte{1, 0}) },
		"half a frame":           func(_ *wire, c io.ReadWriter) { _, _ = c.Write([]byte{100, 0, 0, 0, 'I', 1}) },
		"half of a long frame":   func(_ *wire, c io.ReadWriter) { _, _ = c.Write([]byte{0, 0, 0, 1, 'I', 1}) },
		"a frame without end":    func(_ *wire, c io.ReadWriter) { _, _ = c.Write([]byte{255, 255, 255, 255, 'I'}) },
		"no such frame":          frame('?'),
		"a frame of this side":   frame(frameCall),
		"a stream unasked":       frame(frameData, []byte("x")),
		"no usage":               frame(frameDone, []byte{1}),
		"no result":              frame(frameDone, used),
		"too much of a result":   frame(frameDone, used, []byte{1, 2}),
		"a failure that is none": frame(frameFailed, used, []byte("{")),
		"an import of none":      frame(frameImport, []byte{0}, binary.AppendUvarint(nil, 1<<20)),
		"no import":              frame(frameImport),
		"a flag that is none":    frame(frameImport, []byte{2}, imported("echo-u8")[1:], []byte{1}),
		"no arguments":           frame(frameImport, imported("echo-u8")),
		"too many arguments":     frame(frameImport, imported("echo-u8"), []byte{1, 2}),
		"a bool of two":          frame(frameImport, imported("echo-bool"), []byte{2}),
		"a char of none":         frame(frameImport, imported("echo-char"), []byte{0, 0xd8, 0, 0}),
		"a text of no UTF-8":     frame(frameImport, imported("echo-string"), []byte{1, 0xff}),
		"a text cut short":       frame(frameImport, imported("echo-string"), []byte{9, 'a'}),
		"a length without end":   frame(frameImport, imported("echo-string"), bytes.Repeat([]byte{0xff}, 11)),
		"a list of very many":    frame(frameImport, imported("echo-strings"), binary.AppendUvarint(nil, 1<<62)),
		"an enum of none":        frame(frameImport, imported("echo-color"), []byte{3}),
		"a case of none":         frame(frameImport, imported("echo-shape"), []byte{99}),
		"an option of two":       frame(frameImport, imported("echo-opt-string"), []byte{2}),
		"flags of none":          frame(frameImport, imported("echo-flags3"), []byte{8, 0, 0, 0}),
		"much made of little":    frame(frameImport, imported("echo-strings"), many, make([]byte, 1<<20)),
		"options made of little": frame(frameImport, imported("echo-opt-u8s"), many, make([]byte, 1<<20)),
		"no resource to drop":    frame(frameDrop, []byte{0, 0, 0, 0, 0}),
		"a chunk of none":        frame(frameChunk, binary.AppendUvarint(nil, 1<<40)),
	} {
		r := hostile(t, p, does)
		r.host.limits.Memory = 1 << 10 // so that little is much
		r.conn.limit = 17 << 20
		_, err := r.Call(context.Background(), "echo-u8", uint8(1))
		var trap *TrapError
		var lost *LostError
		if !errors.As(err, &trap) || !errors.As(err, &lost) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.HasSuffix(name, "made of little") && !errors.Is(err, errLong) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.Call(context.Background(), "echo-u8", uint8(1)); !errors.Is(err, ErrInstanceDead) {
			t.Errorf("%s: after it: %v", name, err)
		}
	}
}

// TestRemoteSilent has the other process never answer: it is ended when the call is over, though a host function may
// wait.
func TestRemoteSilent(t *testing.T) {
	p := takenApart(t, "echo.wasm")
	r := hostile(t, p, func(_ *wire, c io.ReadWriter) { _, _ = io.Copy(io.Discard, c) })
	r.grace = 10 * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := r.Call(ctx, "echo-u8", uint8(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the deadline: %v", err)
	}
	for name, does := range map[string]func(*wire, io.ReadWriter){
		"nothing is saved":     func(_ *wire, c io.ReadWriter) { _, _ = io.Copy(io.Discard, c) },
		"it saves without end": func(w *wire, _ io.ReadWriter) { _ = w.sendStream(zeros{}) },
	} {
		saves := hostile(t, p, does)
		saves.grace, saves.saveTime = 10*time.Millisecond, 10*time.Millisecond
		if err := saves.Save(io.Discard); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
	waits := testRemoteWaits(t, p)
	waits.grace = time.Millisecond
	short, stop := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer stop()
	if _, err := waits.Call(short, "echo-u8", uint8(1)); err != nil {
		t.Errorf("a wait that does not count: %v", err)
	}
}

// zeros has no end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// testRemoteWaits is a Remote with a host function whose waiting does not count as the guest's time.
func testRemoteWaits(t *testing.T, p *Prepared) *Remote {
	l := echoLinker(map[string]any{})
	r := served(t, p)
	l.Root().Func("echo-u8", func(_ context.Context, args []any) ([]any, error) {
		begun := time.Now()
		<-time.After(100 * time.Millisecond)
		r.PutOff(time.Since(begun) + time.Minute) // The machine may be slow.
		return args, nil
	})
	if err := r.Instantiate(context.Background(), l, Limits{}); err != nil {
		t.Fatal(err)
	}
	return r
}

// FuzzRemoteValues reads values of every type from bytes that may be anything: they are refused, or are the same when
// they are written and read again.
func FuzzRemoteValues(f *testing.F) {
	p := takenApart(f, "echo.wasm")
	c, err := p.planned()
	if err != nil {
		f.Fatal(err)
	}
	for k, imp := range c.program.Imports {
		for _, v := range echoes[imp.Name[len("echo-"):]] {
			b, err := appendFields(nil, imp.Type.Params, []any{v}, trusting{})
			if err != nil {
				f.Fatal(err)
			}
			if len(b) < 1<<10 {
				f.Add(uint(k), b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, k uint, b []byte) {
		fields := c.program.Imports[k%uint(len(c.program.Imports))].Type.Params
		in := &valueReader{b: b, left: 1 << 20, handles: trusting{}}
		values, err := in.all(fields)
		if err != nil {
			return
		}
		again, err := appendFields(nil, fields, values, trusting{})
		if err != nil {
			t.Fatal(err)
		}
		second, err := (&valueReader{b: again, left: 1 << 20, handles: trusting{}}).all(fields)
		if err != nil || fmt.Sprint(second) != fmt.Sprint(values) {
			t.Fatalf("%v, %v, not %v", second, err, values)
		}
	})
}
