package engine

import (
	"context"
	"io"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/isolation"
)

// A Sandbox is an instance of a component: in this process, or in a worker. [component.Instance] says what the methods
// do, and what may be called when.
type Sandbox interface {
	// ExportedFunction returns nil when there is no such function.
	ExportedFunction(name string) Function
	// Memories returns nil for an instance in a worker.
	Memories() [][]byte
	MemorySize() uint64
	MemoryRefused() bool
	FuelUsed() uint64
	Computed() time.Duration
	AddComputing(d time.Duration)
	PutOff(d time.Duration)
	Save(to io.Writer) error
	Close(ctx context.Context) error
}

// A Function is an exported function of a Sandbox.
type Function interface {
	Name() string
	Call(ctx context.Context, args ...any) ([]any, error)
}

// local is an instance in this process.
type local struct{ *component.Instance }

// ExportedFunction implements [Sandbox].
func (l local) ExportedFunction(name string) Function {
	if f := l.Instance.ExportedFunction(name); f != nil {
		return f
	}
	return nil
}

// remote is an instance in a worker.
type remote struct{ *isolation.Worker }

// ExportedFunction implements [Sandbox].
func (r remote) ExportedFunction(name string) Function {
	if !r.Exports(name) {
		return nil
	}
	return remoteFunction{r.Worker, name}
}

// Memories implements [Sandbox].
func (remote) Memories() [][]byte { return nil }

// AddComputing implements [Sandbox]. It does nothing: a worker has no interpreter, for whose guests it is.
func (remote) AddComputing(time.Duration) {}

type remoteFunction struct {
	in   *isolation.Worker
	name string
}

// Name implements [Function].
func (f remoteFunction) Name() string { return f.name }

// Call implements [Function].
func (f remoteFunction) Call(ctx context.Context, args ...any) ([]any, error) {
	return f.in.Call(ctx, f.name, args...)
}
