package component

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	bin "github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/codecache"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
	"github.com/caisson-dev/caisson/host-go/component/internal/memory"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
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

	once sync.Once
	read preparedParts
}

// preparedParts is the index, taken apart.
type preparedParts struct {
	index   preparedIndex
	program *link.Program
	code    [][]byte // of the modules
	err     error
}

// preparedIndex is in Prepared.Index after the SHA-256 of all that follows and
// its length in four bytes, as JSON. Then come the skeleton and the modules'
// code.
type preparedIndex struct {
	Format   int              `json:"format"`
	Skeleton int              `json:"skeleton"` // bytes
	Modules  []preparedModule `json:"modules"`
	// Memory is the SHA-256 of what Prepared.Memory reads.
	Memory string `json:"memory"`
}

// preparedModule is a core module, by its place in the linked program.
type preparedModule struct {
	Code    int    `json:"code"` // bytes
	Hash    string `json:"hash"` // of the code
	Counter string `json:"counter,omitempty"`
	Start   string `json:"start,omitempty"` // as in wasm.Names, both
	// Image is the size of its part of Prepared.Memory; the parts are in order.
	Image int `json:"image,omitempty"`
	// Slots are the first slots of its chunks; the chunks are in order.
	Slots []int `json:"slots,omitempty"`
	// Still says that nothing but memory and Globals changes in an instance.
	Still   bool     `json:"still,omitempty"`
	Globals []string `json:"globals,omitempty"`
}

const (
	preparedFormat = 2
	// chunkSize is about how many bytes of code a chunk has: it compiles in a
	// fraction of a second. Up to smallBody a function costs less than the way to
	// one in a chunk.
	chunkSize = 192 << 10
	smallBody = 32
)

// Prepare takes a component apart. The functions of hot stay together, the rest
// goes into chunks; with nil everything stays together. The error is a *DecodeError when the component is at fault.
func Prepare(component []byte, hot *Profile) (*Prepared, error) {
	return prepare(component, hot, smallBody, chunkSize)
}

// PrepareUnmetered is Prepare for code that is trusted: see Config.Unmetered,
// which has no effect on prepared components. Everything stays together.
func PrepareUnmetered(component []byte) (*Prepared, error) {
	off := metering
	off.Off = true
	return prepareMetered(component, off, nil, 0, 0)
}

func prepare(component []byte, hot *Profile, small, size int) (*Prepared, error) {
	on := metering
	on.Load = loadName
	return prepareMetered(component, on, hot, small, size)
}

func prepareMetered(component []byte, metering wasm.Metering, hot *Profile, small, size int) (*Prepared, error) {
	program, err := decode(context.Background(), component)
	if err != nil {
		return nil, err
	}
	index := preparedIndex{Format: preparedFormat}
	skeleton, err := skeleton(component)
	if err != nil {
		return nil, decodeError(err)
	}
	index.Skeleton = len(skeleton)
	code, memory, chunks := skeleton, []byte(nil), [][]byte(nil)
	for i := range program.Modules {
		m, err := prepareModule(program.Modules[i].Bytes, metering, func(f int) bool { return hot.has(i, f) }, small, size)
		if err != nil {
			return nil, moduleError(program.Modules[i].Offset, err)
		}
		code = append(code, m.code...)
		memory = append(memory, m.image...)
		chunks = append(chunks, m.chunks...)
		index.Modules = append(index.Modules, m.preparedModule)
	}
	sum := sha256.Sum256(memory)
	index.Memory = hex.EncodeToString(sum[:])
	head, err := json.Marshal(index)
	if err != nil {
		return nil, err
	}
	contents := append(append(binary.LittleEndian.AppendUint32(nil, uint32(len(head))), head...), code...)
	sum = sha256.Sum256(contents)
	return &Prepared{
		Index:  append(sum[:], contents...),
		Memory: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(memory)), nil },
		Chunk:  func(i int) ([]byte, error) { return chunks[i], nil },
		Chunks: len(chunks),
	}, nil
}

// preparing is a core module that was taken apart.
type preparing struct {
	preparedModule
	code, image []byte
	chunks      [][]byte
}

func prepareModule(b []byte, metering wasm.Metering, hot func(i int) bool, small, size int) (m *preparing, err error) {
	m = &preparing{}
	var names wasm.Names
	if m.code, names, err = wasm.Instrument(b, metering); err != nil {
		return nil, err
	}
	if m.code, m.image, err = wasm.TakeData(m.code); err != nil {
		return nil, err
	}
	parts, err := wasm.Split(m.code, loadName, hot, small, size)
	if err != nil {
		return nil, err
	}
	m.code, m.Counter, m.Start = parts.Primary, names.Counter, names.Start
	for _, c := range parts.Chunks {
		m.chunks = append(m.chunks, c.Code)
		m.Slots = append(m.Slots, c.First)
	}
	m.Still, m.Globals = parts.Still, parts.Globals
	m.Code, m.Image, m.Hash = len(m.code), len(m.image), codecache.Hash(m.code)
	return m, nil
}

// skeleton is the component with its core modules cut down to their types.
func skeleton(component []byte) ([]byte, error) {
	return bin.MapModules(component, wasm.Skeleton)
}

func decode(ctx context.Context, component []byte) (*link.Program, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	tree, err := bin.Decode(component, ctx.Err)
	if err != nil {
		return nil, decodeError(err)
	}
	program, err := link.Link(tree, ctx.Err)
	if err != nil {
		return nil, decodeError(err)
	}
	return program, nil
}

// parts takes the index apart, once.
func (p *Prepared) parts() *preparedParts {
	p.once.Do(func() { p.read.err = p.read.from(p) })
	return &p.read
}

func (r *preparedParts) from(p *Prepared) error {
	damaged := func(what string) error {
		return &DecodeError{Msg: "prepared component: " + what}
	}
	// Nothing of it is looked at before it is known to be whole: the code in it
	// was validated when it was prepared.
	if len(p.Index) < sha256.Size || sha256.Sum256(p.Index[sha256.Size:]) != [sha256.Size]byte(p.Index[:sha256.Size]) {
		return damaged("the index is damaged, or cut short")
	}
	rest := p.Index[sha256.Size:]
	cut := func(n int) (part []byte, ok bool) {
		if n < 0 || n > len(rest) {
			return nil, false
		}
		part, rest = rest[:n:n], rest[n:]
		return part, true
	}
	size, ok := cut(4)
	if !ok {
		return damaged("no index")
	}
	head, ok := cut(int(binary.LittleEndian.Uint32(size)))
	if !ok || json.Unmarshal(head, &r.index) != nil {
		return damaged("the index is not valid")
	}
	if r.index.Format != preparedFormat {
		return damaged(fmt.Sprintf("format %d, this version reads %d", r.index.Format, preparedFormat))
	}
	skeleton, ok := cut(r.index.Skeleton)
	if !ok {
		return damaged("cut short")
	}
	var err error
	if r.program, err = decode(context.Background(), skeleton); err != nil {
		return err
	}
	if len(r.program.Modules) != len(r.index.Modules) {
		return damaged("modules are missing")
	}
	chunks := 0
	for _, m := range r.index.Modules {
		c, ok := cut(m.Code)
		if !ok || m.Image < 0 {
			return damaged("cut short")
		}
		r.code = append(r.code, c)
		chunks += len(m.Slots)
	}
	if chunks != p.Chunks {
		return damaged(fmt.Sprintf("%d chunks, not %d", p.Chunks, chunks))
	}
	return nil
}

// memories reads what the memories of the modules start with, from the cache
// when there is one.
func (r *Runtime) memories(p *Prepared) ([]*memory.Image, error) {
	index := &p.parts().index
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
		if isLack(err) {
			err = read(memory.InBytes)
		}
		if err != nil {
			return nil, fmt.Errorf("component: what memory starts with: %w", err)
		}
		at += size
	}
	return images, nil
}
