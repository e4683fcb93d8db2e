package split

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/codecache"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// Options say how a component is taken apart.
type Options struct {
	// Metering is the metering for the code of the core modules.
	Metering wasm.Metering
	// Load is the export of the host module that loads a chunk.
	Load string
	// Hot reports whether function f of a module stays with the module. f does not count imported functions.
	// When Hot is nil every function stays. A function with a body of up to Small bytes stays too.
	Hot   func(module, f int) bool
	Small int
	// Chunk is about how many bytes of code a chunk has.
	Chunk int
}

// Parts are the parts of a component that was taken apart.
type Parts struct {
	Index  []byte // for ReadIndex
	Memory []byte // the images of memories, one after another
	Chunks [][]byte
}

// ModuleError is a core module that cannot be taken apart.
type ModuleError struct {
	Offset int // of the module in the file
	Err    error
}

// Error returns the fault.
func (e *ModuleError) Error() string { return e.Err.Error() }

// Unwrap returns the fault.
func (e *ModuleError) Unwrap() error { return e.Err }

// Split takes a component apart. The error is that of link.Load, that of writing the modules' types, or a
// *ModuleError.
func Split(component []byte, o Options) (*Parts, error) {
	program, err := link.Load(context.Background(), component)
	if err != nil {
		return nil, err
	}
	skeleton, err := binary.MapModules(component, wasm.Skeleton)
	if err != nil {
		return nil, err
	}
	parts := &Parts{}
	index := head{Format: format, Skeleton: len(skeleton)}
	code := skeleton
	for i := range program.Modules {
		m, err := splitModule(i, program.Modules[i].Bytes, o)
		if err != nil {
			return nil, &ModuleError{program.Modules[i].Offset, err}
		}
		code = append(code, m.Code...)
		parts.Memory = append(parts.Memory, m.image...)
		parts.Chunks = append(parts.Chunks, m.chunks...)
		index.Modules = append(index.Modules, m.Module)
	}
	sum := sha256.Sum256(parts.Memory)
	index.Memory = hex.EncodeToString(sum[:])
	parts.Index, err = index.encode(code)
	return parts, err
}

// splitting is the state of taking a core module apart.
type splitting struct {
	Module
	image  []byte
	chunks [][]byte
}

func splitModule(i int, b []byte, o Options) (*splitting, error) {
	code, names, err := wasm.Instrument(b, o.Metering)
	if err != nil {
		return nil, err
	}
	code, image, err := wasm.TakeData(code)
	if err != nil {
		return nil, err
	}
	hot := func(f int) bool { return o.Hot == nil || o.Hot(i, f) }
	parts, err := wasm.Split(code, o.Load, hot, o.Small, o.Chunk)
	if err != nil {
		return nil, err
	}
	m := &splitting{image: image, Module: Module{
		Code: parts.Primary, Size: len(parts.Primary), Hash: codecache.Hash(parts.Primary),
		Counter: names.Counter, Start: names.Start, Image: len(image),
		Still: parts.Still, Globals: parts.Globals,
	}}
	for _, c := range parts.Chunks {
		m.chunks = append(m.chunks, c.Code)
		m.Slots = append(m.Slots, c.First)
	}
	return m, nil
}
