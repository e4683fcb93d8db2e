package component

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/component/internal/text"
)

// A Remote is an instance of a prepared component in another process, where [Serve] runs it. That process has the
// component's code and the guest, and nothing of the host's: what the guest imports is called here, WASI included.
// The linker's functions must be HostFuncs.
//
// A Remote trusts nothing that the other process says. What it sends is checked against the component's types, and
// bounded by the memory of the instance; for what is no valid message the Remote is lost. A process that does
// not answer in time is ended.
//
// It does one thing at a time, as an [Instance] does.
type Remote struct {
	conn *wire
	end  func()
	// grace is how long after the last moment of a call the process is ended, if it has not stopped the guest itself;
	// saveTime is the deadline for a Save.
	grace, saveTime time.Duration

	prepared *Prepared
	host     *Instance // what the linker gives; it has no code
	busy     sync.Mutex
	dead     bool
	usage    usage
	held     map[heldResource]int
	lent     map[heldResource]bool // for the call that runs
	putOff   time.Duration         // by the host function that runs
	failed   error                 // the last error of a host function
	watch    watch
}

// heldResource is a resource of the host that the guest has a handle of.
type heldResource struct {
	resource int
	rep      uint32
}

// usage is what an instance has used, as the other process says.
type usage struct {
	Fuel     uint64        `json:"fuel"`
	Memory   uint64        `json:"memory"`
	Computed time.Duration `json:"computed"` // in the call
	Refused  bool          `json:"refused"`
}

// A LostError is the end of the process of a [Remote], or of what it has to say: it has ended, was ended since it
// did not answer, or has sent what is no message. The instance is dead.
type LostError struct {
	// Err is what was seen of it, such as [io.EOF].
	Err error
}

// Error says so.
func (e *LostError) Error() string {
	return "component: the process of the instance is lost: " + e.Err.Error()
}

// Unwrap returns what was seen.
func (e *LostError) Unwrap() error { return e.Err }

// RemoteConfig says how the process of a [Remote] makes code.
type RemoteConfig struct {
	// CacheDir, Interpreter and CompilationWorkers are those of [Config].
	CacheDir           string
	Interpreter        bool
	CompilationWorkers int
}

// loading is the head of a frameLoad.
type loading struct {
	RemoteConfig
	Version  int    // of the frames
	Chunks   int    // of the component
	Identity string // of the component
}

// remoteVersion is the version of the frames: both sides must have it, though they may be two programs.
const remoteVersion = 2

// making is a frameNew or a frameRestore.
type making struct {
	Limits    Limits
	Left      time.Duration // 0 for no deadline
	Computing time.Duration // 0 for no bound
}

// NewRemote returns a Remote for a process at the other end of a connection, where Serve runs. end ends the process
// without waiting, so that reading from the connection fails; it may be called more than once, and at any time.
func NewRemote(conn io.ReadWriter, end func()) *Remote {
	return &Remote{conn: newWire(conn, slackFrame), end: end, grace: remoteGrace, saveTime: saveTime, held: map[heldResource]int{}, lent: map[heldResource]bool{}}
}

// remoteGrace is how long after the deadline of a call a process is waited for.
const remoteGrace = 5 * time.Second

// slackFrame is what a frame may have at least, as is what the values of a call may take.
const slackFrame = 16 << 20

// Load gives the process a component, which it compiles, or finds in the cache. The end of the context ends the process.
// The error is the context's, a *LostError, or says why the component cannot be compiled.
func (r *Remote) Load(ctx context.Context, p *Prepared, config RemoteConfig) error {
	c, err := p.planned()
	if err != nil {
		return err
	}
	index, err := p.Index()
	if err != nil {
		return err
	}
	identity, err := p.Hash()
	if err != nil {
		return err
	}
	head, err := json.Marshal(loading{RemoteConfig: config, Version: remoteVersion, Chunks: p.Chunks, Identity: identity})
	if err != nil {
		return err
	}
	r.prepared, r.host = p, &Instance{c: c}
	head = append(binary.AppendUvarint(nil, uint64(len(head))), head...)
	_, err = r.do(ctx, "load", func() error { return r.conn.send(frameLoad, head, index) })
	return err
}

// CompileChunks has the process compile the code that a start does not need; see [Compiled.CompileChunks].
func (r *Remote) CompileChunks(ctx context.Context) error {
	_, err := r.do(ctx, "compile", func() error { return r.conn.send(frameCompile, nil, nil) })
	return err
}

// Instantiate makes the instance; see [Compiled.InstantiateWith]. Call it once, after Load.
func (r *Remote) Instantiate(ctx context.Context, l *Linker, limits Limits) error {
	return r.make(ctx, "instantiate", l, limits, nil)
}

// Restore makes the instance as it was saved; see [Compiled.Restore]. Call it once, after Load, in place of Instantiate.
func (r *Remote) Restore(ctx context.Context, l *Linker, limits Limits, from io.Reader) error {
	return r.make(ctx, "restore", l, limits, from)
}

func (r *Remote) make(ctx context.Context, name string, l *Linker, limits Limits, from io.Reader) error {
	if l == nil {
		l = NewLinker()
	}
	if err := r.host.bind(l); err != nil {
		return err
	}
	for k, f := range r.host.hosts {
		if f.Passing != &r.host.c.imports[k].Dynamic {
			return linkError(f.host, f.host.Type.String(), "an instance in another process takes a HostFunc")
		}
	}
	limits = limits.or(Limits{Memory: defaultMemory, CallDepth: defaultCallDepth})
	r.host.limits = limits
	r.conn.limit = max(limits.Memory, slackFrame) + slackFrame
	m := making{Limits: limits}
	m.Left, m.Computing = timesOf(ctx)
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = r.do(ctx, name, func() error {
		if from == nil {
			return r.conn.send(frameNew, body, nil)
		}
		if err := r.conn.send(frameRestore, body, nil); err != nil {
			return err
		}
		return r.conn.sendStream(from)
	})
	return err
}

// timesOf returns the time until the deadline of a context, and its bound on computing; 0 for none. withTimes is the
// other process's part.
func timesOf(ctx context.Context) (left, computing time.Duration) {
	computing, _ = computingOf(ctx)
	if at, ok := ctx.Deadline(); ok {
		left = max(1, time.Until(at))
	}
	return left, computing
}

// Exports reports whether the component exports a function; see [Instance.ExportedFunction] for the name.
func (r *Remote) Exports(name string) bool {
	_, ok := r.host.c.exports.find(name)
	return ok
}

// Call calls an exported function; see [Function.Call]. The error is a *TrapError with a *LostError when the process
// ends.
func (r *Remote) Call(ctx context.Context, name string, args ...any) ([]any, error) {
	f, ok := r.host.c.exports.find(name)
	if !ok {
		return nil, fmt.Errorf("component: there is no function %s", text.Short(name))
	}
	if len(args) != len(f.sig.Type.Params) {
		return nil, &ValueError{Type: f.sig.Type.String(), Value: args, Msg: "wrong number of arguments"}
	}
	left, computing := timesOf(ctx)
	head := binary.AppendUvarint(r.conn.buffer(), uint64(len(f.name)))
	head = append(head, f.name...)
	head = binary.AppendUvarint(head, uint64(left))
	fuel, _ := ctx.Value(fuelKey{}).(uint64)
	head = binary.AppendUvarint(head, fuel)
	head = binary.AppendUvarint(head, uint64(computing))
	body, err := appendFields(head, f.sig.Type.Params, args, r)
	if err != nil {
		return nil, err
	}
	r.conn.keep(body)
	body, err = r.do(ctx, f.name, func() error { return r.conn.send(frameCall, body, nil) })
	if err != nil || f.sig.Result == nil {
		return nil, err
	}
	in := r.reader(body)
	v, err := in.value(f.sig.Result)
	if err == nil && len(in.b) > 0 {
		err = errors.New("there is something behind the result")
	}
	if err != nil {
		return nil, r.lost(ctx, f.name, err)
	}
	return []any{v}, nil
}

func (r *Remote) reader(body []byte) *valueReader {
	return &valueReader{b: body, left: max(r.host.limits.Memory, slackFrame), handles: r}
}

// saveTime bounds a Save: the other process only writes what the instance is.
const saveTime = time.Minute

// Save writes what the instance is; see [Instance.Save]. A process that takes longer than a minute is ended.
func (r *Remote) Save(to io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), r.saveTime)
	defer cancel()
	_, err := r.exchange(ctx, "save", func() error { return r.conn.send(frameSave, nil, nil) }, to)
	return err
}

// do has the process do something that a frame asks for.
func (r *Remote) do(ctx context.Context, name string, ask func() error) ([]byte, error) {
	return r.exchange(ctx, name, ask, nil)
}

// exchange sends, and serves what the guest imports until the process has done what it was asked for. A stream goes to to.
func (r *Remote) exchange(ctx context.Context, name string, ask func() error, to io.Writer) ([]byte, error) {
	if !r.busy.TryLock() {
		return nil, ErrReentered
	}
	defer r.busy.Unlock()
	if r.dead {
		return nil, ErrInstanceDead
	}
	r.failed, r.usage.Computed = nil, 0
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if _, err := computingOf(ctx); err != nil {
		return nil, err
	}
	defer clear(r.lent)
	defer r.watch.begin(ctx, r)()
	if err := ask(); err != nil {
		return nil, r.lost(ctx, name, err)
	}
	var writing error
	for {
		kind, body, err := r.conn.receive()
		if err == nil {
			switch kind {
			case frameDone:
				if body, err = r.used(body); err == nil {
					return body, writing
				}
			case frameFailed:
				if body, err = r.used(body); err == nil {
					return nil, r.failure(ctx, name, body)
				}
			case frameImport:
				err = r.serve(ctx, body)
			case frameDrop:
				err = r.drop(ctx, body)
			case frameMemory, frameChunk:
				err = r.part(kind, body)
			case frameData:
				if to == nil {
					err = unexpected(kind)
				} else if writing == nil {
					_, writing = to.Write(body)
				}
			default:
				err = unexpected(kind)
			}
		}
		if err != nil {
			return nil, r.lost(ctx, name, err)
		}
	}
}

// lost ends the process, and says why the call has come to nothing.
func (r *Remote) lost(ctx context.Context, name string, err error) error {
	r.dead = true
	r.end()
	cause := error(&LostError{err})
	if end := r.watch.cause(ctx); end != nil {
		cause = end
	}
	r.usage.Computed = r.watch.spent()
	return &TrapError{Func: text.Short(name), Err: cause}
}

// used takes the usage at the beginning of a body.
func (r *Remote) used(body []byte) ([]byte, error) {
	in := valueReader{b: body}
	head, err := in.take(8 + 8 + 8 + 1)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	r.usage = usage{Fuel: le.Uint64(head), Memory: le.Uint64(head[8:]), Computed: r.watch.atMost(time.Duration(le.Uint64(head[16:]))), Refused: head[24] != 0}
	return in.b, nil
}

func (u *usage) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, u.Fuel)
	b = le.AppendUint64(b, u.Memory)
	b = le.AppendUint64(b, uint64(u.Computed))
	return append(b, bit(u.Refused))
}

// serve calls a function of the host.
func (r *Remote) serve(ctx context.Context, body []byte) error {
	in := r.reader(body)
	refused, err := in.flag()
	if err != nil {
		return err
	}
	r.usage.Refused = refused
	k, err := in.count(len(r.host.hosts))
	if err != nil {
		return err
	}
	f := r.host.hosts[k]
	args, err := in.all(f.host.Type.Params)
	if err != nil {
		return fmt.Errorf("the arguments of %s: %w", text.Short(f.host.String()), err)
	}
	r.watch.serving(true)
	r.putOff = 0
	r.host.callCtx.Context = ctx
	*(*[]any)(f.args) = args
	err = f.call(r.host)
	result := *(*any)(f.result)
	f.clear()
	r.host.callCtx.Context = nil
	r.watch.serving(false)
	answer := binary.LittleEndian.AppendUint64(r.conn.buffer(), uint64(r.putOff))
	if err == nil && f.Result != nil {
		var whole []byte
		if whole, err = appendValue(append(answer, 1), f.Result, result, r); err == nil {
			r.conn.keep(whole)
			return r.conn.send(frameAnswer, whole, nil)
		}
		err = fmt.Errorf("result: %w", err)
	}
	if err != nil {
		r.failed = fmt.Errorf("host function %s: %w", text.Short(f.host.String()), err)
	}
	return r.conn.send(frameAnswer, append(answer, bit(err == nil)), nil)
}

// drop ends a resource of the host that the guest has dropped.
func (r *Remote) drop(ctx context.Context, body []byte) error {
	in := r.reader(body)
	k, err := in.count(len(r.host.drops))
	if err != nil {
		return err
	}
	rep, err := in.number(4)
	if err == nil {
		err = r.take(k, uint32(rep), true)
	}
	if err != nil {
		return err
	}
	r.host.drops[k](ctx, uint32(rep))
	return nil
}

// give and take are the handles of the guest.

func (r *Remote) give(resource int, rep uint32, own bool) {
	if own {
		r.held[heldResource{resource, rep}]++
	} else {
		r.lent[heldResource{resource, rep}] = true
	}
}

func (r *Remote) take(resource int, rep uint32, own bool) error {
	h := heldResource{resource, rep}
	if r.held[h] == 0 && (own || !r.lent[h]) || resource < 0 || resource >= len(r.host.drops) || r.host.drops[resource] == nil {
		return errors.New("it uses a resource that it does not have")
	}
	if own {
		if r.held[h]--; r.held[h] == 0 {
			delete(r.held, h)
		}
	}
	return nil
}

// part sends a part of the component.
func (r *Remote) part(kind frameKind, body []byte) error {
	if kind == frameMemory {
		memory, err := r.prepared.Memory()
		if err != nil {
			return err
		}
		defer memory.Close()
		return r.conn.sendStream(memory)
	}
	in := valueReader{b: body}
	i, err := in.count(r.prepared.Chunks)
	if err != nil {
		return err
	}
	chunk, err := r.prepared.Chunk(i)
	if err != nil {
		return err
	}
	if _, err := (streamWriter{r.conn}).Write(chunk); err != nil {
		return err
	}
	return r.conn.send(frameEnd, nil, nil)
}

// PutOff says that a host function has waited; see [Instance.PutOff].
func (r *Remote) PutOff(d time.Duration) {
	r.putOff += d
	r.watch.putOff(d)
}

// Computed, FuelUsed, MemorySize and MemoryRefused are those of an [Instance], as of the end of its last call, and
// MemoryRefused also as of the last call of the host. A process that somebody has taken over may say anything.

// Computed returns how long the guest computed in the last call. It is no more than the call has taken. Of a process that
// has ended it is as much as that may have been.
func (r *Remote) Computed() time.Duration { return r.usage.Computed }

// FuelUsed returns how much fuel the instance has used.
func (r *Remote) FuelUsed() uint64 { return r.usage.Fuel }

// MemorySize returns the size of all linear memories together, in bytes.
func (r *Remote) MemorySize() uint64 { return r.usage.Memory }

// MemoryRefused reports whether Limits.Memory has kept a memory or a table from growing.
func (r *Remote) MemoryRefused() bool { return r.usage.Refused }

// Close ends the process, and the resources of the host that the guest still has. It may be called more than once. Do
// not call it during a call.
func (r *Remote) Close(ctx context.Context) error {
	if !r.busy.TryLock() {
		return ErrReentered
	}
	defer r.busy.Unlock()
	r.dead = true
	r.end()
	for h, n := range r.held {
		for range n {
			r.host.drops[h.resource](ctx, h.rep)
		}
	}
	clear(r.held)
	return nil
}

// remoteFailure is why the other process could not do what it was asked for.
type remoteFailure struct {
	Message  string      `json:"message"`
	Trap     bool        `json:"trap,omitempty"`
	Func     string      `json:"func,omitempty"`
	Stack    string      `json:"stack,omitempty"`
	Host     bool        `json:"host,omitempty"` // a function of the host has failed
	Deadline bool        `json:"deadline,omitempty"`
	Limit    *LimitError `json:"limit,omitempty"`
	Value    *valueFault `json:"value,omitempty"`
	State    string      `json:"state,omitempty"`
	Unsaved  bool        `json:"unsaved,omitempty"` // ErrNotSavable
}

type valueFault struct {
	Type string `json:"type"`
	Msg  string `json:"msg"`
}

// failure makes an error of a remoteFailure.
func (r *Remote) failure(ctx context.Context, name string, body []byte) error {
	var f remoteFailure
	if err := json.Unmarshal(body, &f); err != nil {
		return r.lost(ctx, name, err)
	}
	cause := errors.New(text.Short(f.Message))
	switch {
	case f.Value != nil:
		return &ValueError{Type: text.Short(f.Value.Type), Msg: orWrong(text.Short(f.Value.Msg))}
	case f.Unsaved:
		return ErrNotSavable
	case f.State != "":
		r.dead = true
		return &StateError{Msg: text.Short(f.State)}
	case !f.Trap:
		r.dead = true
		return cause
	case f.Host && r.failed != nil:
		cause = r.failed
	case f.Deadline:
		cause = context.DeadlineExceeded
	case f.Limit != nil:
		cause = &LimitError{Resource: text.Short(f.Limit.Resource), Limit: f.Limit.Limit}
	}
	r.dead = true
	r.end()
	return &TrapError{Func: text.Short(name), Stack: text.Short(f.Stack), Err: cause}
}

func orWrong(msg string) string {
	if msg == "" {
		return "the value does not fit"
	}
	return msg
}
