package component

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"

	"github.com/caisson-dev/caisson/host-go/component/internal/memory"
	"github.com/caisson-dev/caisson/host-go/component/internal/split"
)

// Prepared is a component that [Prepare] took apart so that it starts quickly. Its code is metered already,
// the first contents of its memories are apart from the code, and the code that a start does not need is in
// chunks that are loaded when one is first called. [Runtime.CompilePrepared] runs it. It is trusted like the
// program itself: its code is not metered again. Its functions must be safe for concurrent use.
type Prepared struct {
	// Index holds the component without its code, the code that stays together, and a description of the
	// other parts.
	Index []byte
	// Memory returns a reader of the first contents of the memories.
	Memory func() (io.ReadCloser, error)
	// Chunk returns chunk i. Chunks is how many there are.
	Chunk  func(i int) ([]byte, error)
	Chunks int
	// Identity returns a text that no other component has, and no other form of this one, such as a hash of the
	// file that the parts are read from. nil computes a hash of the parts.
	Identity func() string

	once  sync.Once
	index *split.Index
	err   error

	hashing sync.Mutex
	hash    string

	planning sync.Once
	plan     *Compiled
}

// Hash returns the Identity. What [Instance.Save] writes can be restored where the Hash is the same.
func (p *Prepared) Hash() (string, error) {
	p.hashing.Lock()
	defer p.hashing.Unlock()
	if p.hash != "" {
		return p.hash, nil
	}
	if p.Identity != nil {
		p.hash = p.Identity()
		return p.hash, nil
	}
	sum := sha256.Sum256(p.Index) // The index has a hash of the memory.
	for i := range p.Chunks {
		b, err := p.Chunk(i)
		if err != nil {
			return "", err
		}
		chunk := sha256.Sum256(b)
		sum = sha256.Sum256(append(sum[:], chunk[:]...))
	}
	p.hash = hex.EncodeToString(sum[:])
	return p.hash, nil
}

const (
	// chunkSize is about how many bytes of code a chunk has: a chunk compiles in a fraction of a second. A
	// function of up to smallBody bytes stays with the code that a start needs: the way to a chunk costs more
	// than the function.
	chunkSize = 192 << 10
	smallBody = 32
)

// Prepare takes a component apart. The functions of hot stay together, and the rest goes into chunks. When
// hot is nil everything stays together. The error is a *DecodeError when the component is at fault.
func Prepare(component []byte, hot *Profile) (*Prepared, error) {
	return prepare(component, hot, smallBody, chunkSize)
}

// PrepareUnmetered is Prepare for trusted code, without metering; Config.Unmetered has no effect on prepared
// components. Everything stays together.
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

// planned returns the component without its code: its types, for those that have it elsewhere.
func (p *Prepared) planned() (*Compiled, error) {
	index, err := p.parts()
	if err != nil {
		return nil, err
	}
	p.planning.Do(func() {
		p.plan = &Compiled{program: index.Program, prepared: p}
		p.plan.plan()
	})
	return p.plan, nil
}

// memories reads the first contents of the memories of the modules, from the cache if there is one.
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
			return nil, fmt.Errorf("component: reading the first contents of memories: %w", err)
		}
		at += size
	}
	return images, nil
}
