package component

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/caisson-dev/caisson/host-go/component/internal/memory"
	"github.com/caisson-dev/caisson/host-go/component/internal/split"
)

// Prepared is a component that was taken apart, by [Prepare], to start quickly:
// metered already, what its memories start with beside it, and the code that a
// start does not need in chunks that are loaded when one is first called. It is
// run by [Runtime.CompilePrepared], and is trusted like the program itself: its
// code is not metered again. Its functions may be called at once.
type Prepared struct {
	// Index holds the component without its code, the code that stays together,
	// and what is to be known about the other parts.
	Index []byte
	// Memory reads what memories start with.
	Memory func() (io.ReadCloser, error)
	// Chunk gives chunk i of Chunks.
	Chunk  func(i int) ([]byte, error)
	Chunks int

	once  sync.Once
	index *split.Index
	err   error
}

const (
	// chunkSize is about how many bytes of code a chunk has: it compiles in a
	// fraction of a second. Up to smallBody a function costs less than the way to
	// one in a chunk.
	chunkSize = 192 << 10
	smallBody = 32
)

// Prepare takes a component apart. The functions of hot stay together, the rest
// goes into chunks; with nil everything stays together. The error is a *DecodeError
// when the component is at fault.
func Prepare(component []byte, hot *Profile) (*Prepared, error) {
	return prepare(component, hot, smallBody, chunkSize)
}

// PrepareUnmetered is Prepare for code that is trusted: see Config.Unmetered,
// which has no effect on prepared components. Everything stays together.
func PrepareUnmetered(component []byte) (*Prepared, error) {
	off := metering
	off.Off = true
	return prepareWith(component, split.Options{Metering: off, Load: loadName})
}

func prepare(component []byte, hot *Profile, small, chunk int) (*Prepared, error) {
	o := split.Options{Metering: metering, Load: loadName, Small: small, Chunk: chunk}
	o.Metering.Load = loadName
	if hot != nil {
		o.Hot = hot.calls.Has
	}
	return prepareWith(component, o)
}

func prepareWith(component []byte, o split.Options) (*Prepared, error) {
	parts, err := split.Split(component, o)
	if err != nil {
		return nil, decodeError(err)
	}
	return &Prepared{
		Index:  parts.Index,
		Memory: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(parts.Memory)), nil },
		Chunk:  func(i int) ([]byte, error) { return parts.Chunks[i], nil },
		Chunks: len(parts.Chunks),
	}, nil
}

// parts reads the index, once.
func (p *Prepared) parts() (*split.Index, error) {
	p.once.Do(func() {
		p.index, p.err = split.ReadIndex(p.Index, p.Chunks)
		p.err = decodeError(p.err)
	})
	return p.index, p.err
}

// memories reads what the memories of the modules start with, from the cache
// when there is one.
func (r *Runtime) memories(p *Prepared, index *split.Index) ([]*memory.Image, error) {
	images := make([]*memory.Image, len(index.Modules))
	at := 0
	for i := range images {
		size := index.Modules[i].Image
		if size == 0 {
			continue
		}
		read := func(store memory.Store) error {
			return r.cache.Load(index.Memory, p.Memory, func(whole io.Reader) (err error) {
				if _, err = io.CopyN(io.Discard, whole, int64(at)); err == nil {
					images[i], err = memory.ReadImage(whole, size, store)
				}
				return err
			})
		}
		err := read(memory.InFile)
		if isExhausted(err) {
			err = read(memory.InBytes)
		}
		if err != nil {
			return nil, fmt.Errorf("component: what memory starts with: %w", err)
		}
		at += size
	}
	return images, nil
}
