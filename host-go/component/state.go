package component

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/tetratelabs/wazero/api"

	"github.com/caisson-dev/caisson/host-go/component/internal/memory"
	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
)

// ErrNotSavable is the error of [Instance.Save] for an instance that cannot be saved.
var ErrNotSavable = errors.New("component: the instance cannot be saved: its component was not prepared, or keeps state in tables")

// A StateError is a state that [Compiled.Restore] cannot make an instance of.
type StateError struct{ Msg string }

// Error returns the fault.
func (e *StateError) Error() string { return "component: the state of the instance: " + e.Msg }

// stateVersion is the version of a state's form.
const stateVersion = 1

// Save writes what an instance of a prepared component is between two calls: how its memories differ from their
// first contents, its globals, its handles and the fuel that it has used. [Compiled.Restore] makes an instance of
// it, also in another process. The instance stays as it is. What it holds of the host's is written as
// representations, which must mean the same to the linker of the other instance. The state is not compressed.
//
// Do not call it during a call. The error is ErrNotSavable, ErrReentered, ErrInstanceDead, or that of the writer.
func (in *Instance) Save(to io.Writer) error {
	if !in.c.movable {
		return ErrNotSavable
	}
	if !in.state.CompareAndSwap(idle, running) {
		if in.state.Load() == dead {
			return ErrInstanceDead
		}
		return ErrReentered
	}
	defer in.state.Store(idle)
	w := bufio.NewWriterSize(to, 64<<10)
	if err := in.save(w); err != nil {
		return err
	}
	return w.Flush()
}

func (in *Instance) save(w *bufio.Writer) error {
	head := []byte{stateVersion, 0}
	if in.budget.refused {
		head[1] = 1
	}
	head = binary.AppendUvarint(head, in.fuel.granted)
	for i, m := range in.modules {
		for _, name := range in.ownGlobals(i) {
			head = binary.AppendUvarint(head, m.ExportedGlobal(name).Get())
		}
	}
	for _, c := range in.comps {
		var ok bool
		if head, ok = c.handles.Append(head); !ok {
			return ErrNotSavable // A borrow outlives its call in no component that is well.
		}
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for i, owner := range in.owners {
		b := in.allocator.Bytes(i)
		if _, err := w.Write(binary.AppendUvarint(nil, uint64(len(b)/wasmPage))); err != nil {
			return err
		}
		if err := memory.WriteChanges(w, b, in.c.images[in.c.program.Instances[owner].Module]); err != nil {
			return err
		}
	}
	return nil
}

const wasmPage = 64 << 10

// Restore makes an instance that goes on where [Instance.Save] was called, in this or in another process: of the same
// component, and with a linker of the same functions. It runs no code of the guest. The limits are as for
// [Compiled.InstantiateWith]. It reads from to the end of the state.
//
// The error is a *StateError for a state that is not of this component, or not whole; else that of InstantiateWith, or
// of the reader. A state that somebody has changed makes a guest that does anything, within its walls and limits.
func (c *Compiled) Restore(ctx context.Context, l *Linker, limits Limits, from io.Reader) (*Instance, error) {
	if !c.movable {
		return nil, ErrNotSavable
	}
	r := bufio.NewReaderSize(from, 64<<10)
	var wrong error
	in, err := c.newInstance(ctx, l, limits, "restore", func(in *Instance) {
		for i := range c.program.Instances {
			in.instantiate(i)
		}
		wrong = in.restore(r)
	})
	if err != nil {
		return nil, err
	}
	if wrong != nil {
		return nil, errors.Join(wrong, in.Close(ctx))
	}
	return in, nil
}

func (in *Instance) restore(r *bufio.Reader) error {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return stateError(err)
	}
	if head[0] != stateVersion {
		return &StateError{fmt.Sprintf("its form has version %d: this program reads %d", head[0], stateVersion)}
	}
	in.budget.refused = head[1] != 0
	var err error
	if in.fuel.granted, err = binary.ReadUvarint(r); err != nil {
		return stateError(err)
	}
	for i, m := range in.modules {
		for _, name := range in.ownGlobals(i) {
			value, err := binary.ReadUvarint(r)
			if err != nil {
				return stateError(err)
			}
			m.ExportedGlobal(name).(api.MutableGlobal).Set(value)
		}
	}
	for _, c := range in.comps {
		if err := c.handles.Read(r, len(in.c.program.Resources)); err != nil {
			return stateError(err)
		}
	}
	for i, owner := range in.owners {
		if err := in.restoreMemory(r, i, owner); err != nil {
			return err
		}
	}
	return nil
}

// restoreMemory grows memory i, which a core instance owns, to its size, and gives it its contents.
func (in *Instance) restoreMemory(r *bufio.Reader, i, owner int) error {
	in.fuel.CheckTime()
	pages, err := binary.ReadUvarint(r)
	if err != nil {
		return stateError(err)
	}
	now := uint64(len(in.allocator.Bytes(i)) / wasmPage)
	if pages < now || pages > 1<<16 {
		return &StateError{"a memory has another size than it can have"}
	}
	if grow := pages - now; grow > 0 {
		if _, ok := in.modules[owner].Memory().Grow(uint32(grow)); !ok {
			if in.budget.Left() < grow*wasmPage {
				trap.Throw(&LimitError{Resource: "memory", Limit: in.budget.limit})
			}
			return &StateError{"a memory has another size than it can have"}
		}
	}
	if err := memory.ReadChanges(r, in.allocator.Bytes(i)); err != nil {
		return stateError(err)
	}
	return nil
}

func stateError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &StateError{"it is cut short"}
	}
	return &StateError{err.Error()}
}
