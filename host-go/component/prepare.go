package component

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/caisson-dev/caisson/host-go/component/internal/codecache"
	"github.com/caisson-dev/caisson/host-go/component/internal/memory"
	"github.com/caisson-dev/caisson/host-go/component/internal/split"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// Prepared is a component that [Prepare] took apart so that it starts quickly. Its code is metered already,
// the first contents of its memories are apart from the code, and the code that a start does not need is in
// chunks that are loaded when one is first called. [Runtime.CompilePrepared] runs it. It is trusted like the
// program itself: its code is not metered again. Its functions must be safe for concurrent use.
type Prepared struct {
	// Index returns the component without its code, the code that stays together, and a description of the
	// other parts: always the same bytes. It is called when they are needed: a start with code that the cache has
	// needs only their beginning.
	Index func() ([]byte, error)
	// Beginning returns a reader of Index, of which only the first bytes are read. nil reads them from Index.
	Beginning func() (io.ReadCloser, error)
	// Memory returns a reader of the first contents of the memories.
	Memory func() (io.ReadCloser, error)
	// Chunk returns chunk i. Chunks is how many there are.
	Chunk  func(i int) ([]byte, error)
	Chunks int
	// Identity returns a text that no other component has, and no other form of this one, such as a hash of the
	// file that the parts are read from. nil computes a hash of the parts.
	Identity func() string

	once  sync.Once
	whole *split.Index
	err   error

	// first is what is known without Index. start is the index that is in the cache, where it was there.
	mu    sync.Mutex
	first *split.Beginning
	start *split.Index

	hashing sync.Mutex
	hash    string

	planning sync.Once
	plan     *Compiled
	planErr  error
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
	index, err := p.Index()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(index) // The index has a hash of the memory.
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
		Index:  func() ([]byte, error) { return parts.Index, nil },
		Memory: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(parts.Memory)), nil },
		Chunk:  func(i int) ([]byte, error) { return parts.Chunks[i], nil },
		Chunks: len(parts.Chunks),
	}, nil
}

// parts reads the index, once.
func (p *Prepared) parts() (*split.Index, error) {
	p.once.Do(func() {
		var b []byte
		if b, p.err = p.Index(); p.err == nil {
			p.whole, p.err = split.ReadIndex(b, p.Chunks)
			p.err = decodeError(p.err)
		}
	})
	return p.whole, p.err
}

// beginning reads the beginning of the index, once.
func (p *Prepared) beginning() (*split.Beginning, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first != nil {
		return p.first, nil
	}
	open := p.Beginning
	if open == nil {
		open = func() (io.ReadCloser, error) {
			b, err := p.Index()
			return io.NopCloser(bytes.NewReader(b)), err
		}
	}
	r, err := open()
	if err != nil {
		return nil, err
	}
	p.first, err = split.ReadBeginning(r)
	return p.first, errors.Join(err, r.Close())
}

// starting returns the index, or what the cache has of it for a start.
func (p *Prepared) starting(c *codecache.Cache) (*split.Index, error) {
	if c == nil {
		return p.parts()
	}
	first, err := p.beginning()
	if err != nil {
		return p.parts() // Its error says more.
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.start == nil {
		c.Start(first.Sum, func(b []byte) (err error) {
			p.start, err = split.ReadIndex(b, p.Chunks)
			return err
		})
	}
	if p.start == nil {
		return p.parts()
	}
	return p.start, nil
}

// code returns the code of module i of an index.
func (p *Prepared) code(index *split.Index, i int) ([]byte, error) {
	if code := index.Modules[i].Code; code != nil {
		return code, nil
	}
	whole, err := p.parts()
	if err != nil {
		return nil, err
	}
	return whole.Modules[i].Code, nil
}

// keepStart keeps in the cache what a start needs, unless it came from there.
func (p *Prepared) keepStart(c *codecache.Cache) {
	p.mu.Lock()
	first, start := p.first, p.start
	p.mu.Unlock()
	if c == nil || first == nil || start != nil {
		return
	}
	c.KeepStart(first.Sum, func() ([]byte, error) {
		whole, err := p.parts()
		if err != nil {
			return nil, err
		}
		return whole.Start()
	})
}

// planned returns the component without its code: its types, for those that have it elsewhere.
func (p *Prepared) planned() (*Compiled, error) {
	index, err := p.parts()
	if err != nil {
		return nil, err
	}
	program, err := index.Program()
	if err != nil {
		return nil, decodeError(err)
	}
	p.planning.Do(func() {
		p.plan = &Compiled{program: program, prepared: p}
		p.planErr = decodeError(types.Caught(p.plan.plan))
	})
	return p.plan, p.planErr
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
