// Package core holds the MCP client core: the component that is built from src/ and wit/ at the
// root of the repository, made ready to start quickly and compressed, beside a record of what it
// was built from.
package core

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

//go:embed core.pack
var packed []byte

//go:embed inputs.json
var inputs []byte

// Record says what the component was built from. A component is built anew when this changes;
// its bytes differ from build to build all the same.
type Record struct {
	// Bundle is the SHA-256 of the bundled JavaScript.
	Bundle string `json:"bundle"`
	// WIT is the SHA-256 over the files of wit/.
	WIT string `json:"wit"`
	// Tools are the versions of what the build used.
	Tools map[string]string `json:"tools"`
	// SDK is the official SDK's package inside.
	SDK struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"sdk"`
	// Revisions are the protocol revisions that it speaks, the newest first.
	Revisions []string `json:"revisions"`
}

// Inputs gives the record of the embedded component.
var Inputs = sync.OnceValue(func() Record {
	var r Record
	if err := json.Unmarshal(inputs, &r); err != nil {
		panic("core: inputs.json is not valid: " + err.Error()) // Caught by this package's test.
	}
	return r
})

// Open returns the embedded component.
func Open() (*Pack, error) { return Read(packed) }

// maxPart bounds a decompressed part: the largest is 21 MB today, and a damaged file must not take
// the machine's memory.
const maxPart = 64 << 20

// A Pack is a prepared component (see component.Prepared) in a file. Each part is compressed on
// its own, so that only what is needed is decompressed: the index, what memories start with, and
// each chunk of code. The index is the chunks' dictionary: there is code in both.
type Pack struct {
	parts [][]byte
	index func() ([]byte, error)
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
		return nil, fmt.Errorf("core.pack: not a pack of format %d", packFormat)
	}
	p := &Pack{}
	for _, size := range head.Parts {
		if size < 0 || size > len(rest) {
			return nil, fmt.Errorf("core.pack: cut short")
		}
		p.parts = append(p.parts, rest[:size])
		rest = rest[size:]
	}
	p.index = sync.OnceValues(func() ([]byte, error) { return p.part(0) })
	return p, nil
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

func (p *Pack) part(i int, options ...zstd.DOption) ([]byte, error) {
	r, err := decompress(p.parts[i], options...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxPart+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("core.pack: part %d: %w", i, err)
	case len(b) > maxPart:
		return nil, fmt.Errorf("core.pack: part %d is larger than %d bytes", i, maxPart)
	}
	return b, nil
}

func decompress(b []byte, options ...zstd.DOption) (io.ReadCloser, error) {
	options = append(options, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPart))
	r, err := zstd.NewReader(bytes.NewReader(b), options...)
	if err != nil {
		return nil, fmt.Errorf("core.pack: %w", err)
	}
	return r.IOReadCloser(), nil
}

// Write makes a pack of a component's parts.
func Write(index, memory []byte, chunks [][]byte) ([]byte, error) {
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
		return nil, err
	}
	for _, chunk := range chunks {
		if err := add(chunk, zstd.WithEncoderDictRaw(dictionary, index)); err != nil {
			return nil, err
		}
	}
	line, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	return append(append(line, '\n'), parts...), nil
}
