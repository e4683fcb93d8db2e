package component

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/component/internal/text"
)

// Serve runs one instance for the [Remote] at the other end of a connection, until the connection ends: it returns nil
// then. Everything that the instance imports is the Remote's. The context ends the guest.
func Serve(ctx context.Context, conn io.ReadWriter) error {
	s := &server{conn: newWire(conn, 1<<32)}
	defer s.close()
	for {
		kind, body, err := s.conn.receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		result, err := s.do(ctx, kind, body)
		if s.broken != nil {
			return s.broken
		}
		if err := s.reply(result, err); err != nil {
			return err
		}
	}
}

// server is the other side of a Remote.
type server struct {
	conn     *wire
	asking   sync.Mutex // one question at a time
	broken   error      // the connection has ended in the middle of something
	prepared *Prepared
	runtime  *Runtime
	compiled *Compiled
	in       *Instance
}

// errHost stands for the error of a function of the host, which the host has.
var errHost = errors.New("it has failed")

// do does what a frame asks for.
func (s *server) do(ctx context.Context, kind frameKind, body []byte) (result []byte, err error) {
	switch {
	case kind == frameLoad && s.runtime == nil:
		return nil, s.load(ctx, body)
	case kind == frameCompile && s.compiled != nil:
		return nil, s.compiled.CompileChunks(ctx)
	case (kind == frameNew || kind == frameRestore) && s.compiled != nil && s.in == nil:
		return nil, s.make(ctx, kind, body)
	case kind == frameCall && s.in != nil:
		return s.call(ctx, body)
	case kind == frameSave && s.in != nil:
		return nil, s.in.Save(streamWriter{s.conn})
	}
	s.broken = unexpected(kind)
	return nil, s.broken
}

func (s *server) load(ctx context.Context, body []byte) error {
	in := valueReader{b: body, left: 1 << 32}
	head, err := in.bytes()
	if err != nil {
		return err
	}
	var l loading
	if err := json.Unmarshal(head, &l); err != nil {
		return err
	}
	if l.Version != remoteVersion {
		return fmt.Errorf("the program of the process is of another version (%d, and not %d): build both of the same sources", remoteVersion, l.Version)
	}
	index := bytes.Clone(in.b)
	s.prepared = &Prepared{
		Index:    func() ([]byte, error) { return index, nil },
		Memory:   func() (io.ReadCloser, error) { return s.ask(frameMemory, nil) },
		Chunk:    s.chunk,
		Chunks:   l.Chunks,
		Identity: func() string { return l.Identity },
	}
	config := &Config{CacheDir: l.CacheDir, Interpreter: l.Interpreter, CompilationWorkers: l.CompilationWorkers}
	if s.runtime, err = NewRuntime(ctx, config); err != nil {
		return err
	}
	s.compiled, err = s.runtime.CompilePrepared(ctx, s.prepared)
	debug.FreeOSMemory() // Nothing takes as much again.
	return err
}

// ask asks for a part of the component.
func (s *server) ask(kind frameKind, body []byte) (io.ReadCloser, error) {
	s.asking.Lock()
	if err := s.conn.send(kind, body, nil); err != nil {
		s.asking.Unlock()
		return nil, err
	}
	return &asked{streamReader{wire: s.conn}, s}, nil
}

// asked is a part of the component that comes in.
type asked struct {
	streamReader
	server *server
}

// Close reads what is left.
func (a *asked) Close() error {
	_, err := io.Copy(io.Discard, &a.streamReader)
	a.server.asking.Unlock()
	return err
}

func (s *server) chunk(i int) (b []byte, err error) {
	r, err := s.ask(frameChunk, binary.AppendUvarint(nil, uint64(i)))
	if err != nil {
		return nil, err
	}
	b, err = io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

func (s *server) make(ctx context.Context, kind frameKind, body []byte) error {
	var m making
	if err := json.Unmarshal(body, &m); err != nil {
		return err
	}
	ctx, cancel := withTimes(ctx, m.Left, m.Computing)
	defer cancel()
	var err error
	if kind == frameNew {
		s.in, err = s.compiled.InstantiateWith(ctx, s.linker(), m.Limits)
		return err
	}
	state := &streamReader{wire: s.conn}
	s.in, err = s.compiled.Restore(ctx, s.linker(), m.Limits, state)
	_, rest := io.Copy(io.Discard, state)
	return errors.Join(err, rest)
}

// withTimes returns a context with the times of timesOf. Cancel it.
func withTimes(ctx context.Context, left, computing time.Duration) (context.Context, context.CancelFunc) {
	if computing > 0 {
		ctx = WithComputing(ctx, computing)
	}
	if left > 0 {
		return context.WithTimeout(ctx, left)
	}
	return ctx, func() {}
}

// linker has everything that the component imports.
func (s *server) linker() *Linker {
	l := NewLinker()
	of := func(name string) *Interface {
		if name == "" {
			return l.Root()
		}
		return l.Interface(name)
	}
	p := s.compiled.program
	for k := range p.Resources {
		if r := &p.Resources[k]; r.Host {
			of(r.Interface).Resource(r.Name, s.drops(k))
		}
	}
	for k := range p.Imports {
		of(p.Imports[k].Interface).Func(p.Imports[k].Name, s.imported(k))
	}
	return l
}

func (s *server) drops(k int) func(context.Context, uint32) {
	return func(_ context.Context, rep uint32) {
		s.asking.Lock()
		defer s.asking.Unlock()
		body := binary.LittleEndian.AppendUint32(binary.AppendUvarint(nil, uint64(k)), rep)
		if err := s.conn.send(frameDrop, body, nil); err != nil {
			s.broken = err
		}
	}
}

// imported is import k: a function of the host.
func (s *server) imported(k int) HostFunc {
	f := &s.compiled.program.Imports[k]
	return func(_ context.Context, args []any) ([]any, error) {
		s.asking.Lock()
		defer s.asking.Unlock()
		refused := s.in != nil && s.in.MemoryRefused()
		body, err := appendFields(binary.AppendUvarint(append(s.conn.buffer(), bit(refused)), uint64(k)), f.Type.Params, args, trusting{})
		if err != nil {
			return nil, err
		}
		s.conn.keep(body)
		results, err := s.answer(body, f.Type.Result != nil, k)
		if err != nil && !errors.Is(err, errHost) {
			s.broken = err
		}
		return results, err
	}
}

func (s *server) answer(body []byte, wanted bool, k int) ([]any, error) {
	if err := s.conn.send(frameImport, body, nil); err != nil {
		return nil, err
	}
	kind, body, err := s.conn.receive()
	if err != nil {
		return nil, cutShort(err)
	}
	if kind != frameAnswer {
		return nil, unexpected(kind)
	}
	in := valueReader{b: body, left: 1 << 32, handles: trusting{}}
	waited, err := in.number(8)
	if err != nil {
		return nil, err
	}
	if waited > 0 && s.in != nil {
		s.in.PutOff(time.Duration(waited))
	}
	ok, err := in.flag()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errHost
	}
	if !wanted {
		return nil, nil
	}
	v, err := in.value(s.compiled.program.Imports[k].Type.Result)
	return []any{v}, err
}

// trusting takes every handle: it comes from the instance's own tables, or from the host.
type trusting struct{}

func (trusting) give(int, uint32, bool)       {}
func (trusting) take(int, uint32, bool) error { return nil }

func (s *server) call(ctx context.Context, body []byte) ([]byte, error) {
	in := valueReader{b: body, left: 1 << 32, handles: trusting{}}
	name, err := in.bytes()
	if err != nil {
		return nil, err
	}
	left, err := in.uvarint()
	if err != nil {
		return nil, err
	}
	fuel, err := in.uvarint()
	if err != nil {
		return nil, err
	}
	computing, err := in.uvarint()
	if err != nil {
		return nil, err
	}
	f := s.in.ExportedFunction(string(name))
	if f == nil {
		return nil, fmt.Errorf("there is no function %s", text.Short(string(name)))
	}
	args, err := in.all(f.sig.Type.Params)
	if err != nil {
		return nil, err
	}
	ctx, cancel := withTimes(ctx, time.Duration(left), time.Duration(computing))
	defer cancel()
	if fuel > 0 {
		ctx = WithFuel(ctx, fuel)
	}
	results, err := f.Call(ctx, args...)
	if err != nil || len(results) == 0 {
		return nil, err
	}
	return appendValue(nil, f.sig.Result, results[0], trusting{})
}

// reply says how it has ended.
func (s *server) reply(result []byte, err error) error {
	var u usage
	if s.in != nil {
		u = usage{Fuel: s.in.FuelUsed(), Memory: s.in.MemorySize(), Computed: s.in.Computed(), Refused: s.in.MemoryRefused()}
	}
	head := u.append(s.conn.buffer())
	if err == nil {
		return s.conn.send(frameDone, head, result)
	}
	body, err := json.Marshal(failureOf(err))
	if err != nil {
		return err
	}
	return s.conn.send(frameFailed, head, body)
}

// failureOf says of an error what the other side cannot know.
func failureOf(err error) *remoteFailure {
	f := &remoteFailure{Message: text.Short(err.Error()), Host: errors.Is(err, errHost), Deadline: errors.Is(err, context.DeadlineExceeded), Unsaved: errors.Is(err, ErrNotSavable)}
	var trapped *TrapError
	if errors.As(err, &trapped) {
		f.Trap, f.Func, f.Stack = true, trapped.Func, trapped.Stack
		f.Message = text.Short(trapped.Err.Error())
	}
	errors.As(err, &f.Limit)
	var value *ValueError
	if errors.As(err, &value) && !f.Trap {
		f.Value = &valueFault{value.Type, value.Msg}
	}
	var state *StateError
	if errors.As(err, &state) {
		f.State = state.Msg
	}
	return f
}

func (s *server) close() {
	ctx := context.Background()
	if s.compiled != nil {
		_ = s.compiled.Close(ctx)
	}
	if s.runtime != nil {
		_ = s.runtime.Close(ctx)
	}
}
