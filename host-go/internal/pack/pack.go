// Package pack reads and writes prepared components as files, so that programs can embed them: compressed, and
// in parts that are decompressed when they are needed.
package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/caisson-dev/caisson/host-go/component"
)

// maxPart bounds a decompressed part: the largest is 21 MB today, and a damaged file must not take
// the machine's memory.
const maxPart = 64 << 20

// A Pack is a prepared component in a file. Each part is compressed on
// its own, so that only what is needed is decompressed: the index, what memories start with, and
// each chunk of code. The index is the chunks' dictionary: there is code in both.
type Pack struct {
	parts [][]byte
	index func() ([]byte, error)
	hash  func() string
}

// packHead is the beginning of the file, in one line of JSON.
type packHead struct {
	Format int   `json:"format"`
	Parts  []int `json:"parts"` // their sizes: the index, the memory, the chunks
}

const packFormat = 1

// Read reads a pack. It keeps b.
func Read(b []byte) (*Pack, error) {
	line, rest, ok := bytes.Cut(b, []byte{'\n'})
	var head packHead
	if !ok || json.Unmarshal(line, &head) != nil || head.Format != packFormat || len(head.Parts) < 2 {
		return nil, fmt.Errorf("pack: not a pack of format %d", packFormat)
	}
	p := &Pack{hash: sync.OnceValue(func() string {
		sum := sha256.Sum256(b)
		return hex.EncodeToString(sum[:])
	})}
	for _, size := range head.Parts {
		if size < 0 || size > len(rest) {
			return nil, fmt.Errorf("pack: cut short")
		}
		p.parts = append(p.parts, rest[:size])
		rest = rest[size:]
	}
	p.index = sync.OnceValues(func() ([]byte, error) { return p.part(0) })
	return p, nil
}

// beginning reads the index from its beginning.
func (p *Pack) beginning() (io.ReadCloser, error) {
	return decompress(p.parts[0], zstd.WithDecoderLowmem(true))
}

// Index returns the index, always the same bytes.
func (p *Pack) Index() ([]byte, error) { return p.index() }

// Memory reads what memories start with. It is decompressed anew each time, as chunks are: they
// are needed once a process.
func (p *Pack) Memory() (io.ReadCloser, error) { return decompress(p.parts[1]) }

// Chunks is how many chunks there are.
func (p *Pack) Chunks() int { return len(p.parts) - 2 }

// Chunk returns a chunk, counted from 0.
func (p *Pack) Chunk(i int) ([]byte, error) {
	index, err := p.index()
	if err != nil {
		return nil, err
	}
	return p.part(i+2, zstd.WithDecoderDictRaw(dictionary, index))
}

// dictionary is the number of the chunks' dictionary.
const dictionary = 1

// part decompresses a part at once: its length is in its head, so that nothing grows and is copied.
func (p *Pack) part(i int, options ...zstd.DOption) ([]byte, error) {
	d, err := zstd.NewReader(nil, append(options, bounds...)...)
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	defer d.Close()
	b, err := d.DecodeAll(p.parts[i], nil)
	if err != nil {
		return nil, fmt.Errorf("pack: part %d: %w", i, err)
	}
	return b, nil
}

// bounds are what decompressing may take.
var bounds = []zstd.DOption{zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPart)}

func decompress(b []byte, options ...zstd.DOption) (io.ReadCloser, error) {
	r, err := zstd.NewReader(bytes.NewReader(b), append(options, bounds...)...)
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return r.IOReadCloser(), nil
}

// Prepared returns the component. Its parts are read when they are needed.
func (p *Pack) Prepared() *component.Prepared {
	return &component.Prepared{Index: p.Index, Beginning: p.beginning, Memory: p.Memory, Chunk: p.Chunk, Chunks: p.Chunks(), Identity: p.hash}
}

// Write makes a pack of a component, and says for people how large its parts are.
func Write(p *component.Prepared) (packed []byte, summary string, err error) {
	r, err := p.Memory()
	if err != nil {
		return nil, "", err
	}
	defer r.Close()
	memory, err := io.ReadAll(r)
	if err != nil {
		return nil, "", err
	}
	index, err := p.Index()
	if err != nil {
		return nil, "", err
	}
	head := packHead{Format: packFormat}
	var parts []byte
	add := func(part []byte, options ...zstd.EOption) error {
		// One goroutine, so that the same component always gives the same bytes.
		options = append(options, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(32<<20))
		w, err := zstd.NewWriter(nil, options...)
		if err != nil {
			return err
		}
		before := len(parts)
		parts = w.EncodeAll(part, parts)
		head.Parts = append(head.Parts, len(parts)-before)
		return w.Close()
	}
	if err := errors.Join(add(index), add(memory)); err != nil {
		return nil, "", err
	}
	rest := 0
	for i := range p.Chunks {
		chunk, err := p.Chunk(i)
		if err != nil {
			return nil, "", err
		}
		rest += len(chunk)
		if err := add(chunk, zstd.WithEncoderDictRaw(dictionary, index)); err != nil {
			return nil, "", err
		}
	}
	line, err := json.Marshal(head)
	if err != nil {
		return nil, "", err
	}
	packed = append(append(line, '\n'), parts...)
	summary = fmt.Sprintf("%d compressed; %d at the start, %d of memory, %d in %d chunks", len(packed), len(index), len(memory), rest, p.Chunks)
	return packed, summary, nil
}
