package split

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/caisson-dev/caisson/host-go/component/internal/codecache"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
)

// format is the version of the index's format.
const format = 2

// Index is the index of a component that was taken apart. It never changes.
type Index struct {
	Modules []Module // in the order of the program
	// Memory is the SHA-256 of all images together, in hexadecimal.
	Memory string
	// Program links the component, once, without the code of its modules. The error is that of link.LoadKnown, or an
	// *Error. It is safe for concurrent use.
	Program func() (*link.Program, error)

	skeleton []byte
}

// Module is a core module in the index.
type Module struct {
	// One of Code and Shell is set: Shell in the index that Index.Start makes.
	Code  []byte `json:"-"`
	Shell []byte `json:"-"`
	Size  int    `json:"code"` // of Code or Shell, in bytes
	Hash  string `json:"hash"` // of Code
	// Counter and Start are those of wasm.Names.
	Counter string `json:"counter,omitempty"`
	Start   string `json:"start,omitempty"`
	// Image is the size of the module's image, in bytes. The images are in order.
	Image int `json:"image,omitempty"`
	// Slots are the first slots of the module's chunks. The chunks are in order.
	Slots []int `json:"slots,omitempty"`
	// Still says that only memory and Globals change in an instance.
	Still   bool     `json:"still,omitempty"`
	Globals []string `json:"globals,omitempty"`
}

// head is the JSON at the beginning of the index. Before it come the SHA-256 of everything that follows the
// hash, and the length of the JSON in four bytes. After it come the skeleton, which is the component with its
// modules cut down to their types, and the modules' code.
type head struct {
	Format   int      `json:"format"`
	Skeleton int      `json:"skeleton"` // bytes
	Modules  []Module `json:"modules"`
	Memory   string   `json:"memory"`
	// Shells says that the index has the modules' shells, in place of their code.
	Shells bool `json:"shells,omitempty"`
}

// encode returns the index. code is the skeleton and the modules' code.
func (h *head) encode(code []byte) ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	contents := append(append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...), code...)
	sum := sha256.Sum256(contents)
	return append(sum[:], contents...), nil
}

// Error is an index that cannot be read.
type Error struct{ Msg string }

// Error returns the fault.
func (e *Error) Error() string { return "prepared component: " + e.Msg }

// Beginning is what is known from the beginning of an index, which is not checked.
type Beginning struct {
	Sum     string   // the SHA-256 of the index, in hexadecimal
	Modules []string // the hashes of the modules' code
}

// ReadBeginning reads the beginning of an index. The error is an *Error, or that of r.
func ReadBeginning(r io.Reader) (*Beginning, error) {
	var first [sha256.Size + 4]byte
	if _, err := io.ReadFull(r, first[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(first[sha256.Size:])
	if size > maxHead {
		return nil, &Error{"the index is not valid"}
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, err
	}
	var h head
	if json.Unmarshal(text, &h) != nil {
		return nil, &Error{"the index is not valid"}
	}
	b := &Beginning{Sum: hex.EncodeToString(first[:sha256.Size])}
	for i := range h.Modules {
		b.Modules = append(b.Modules, h.Modules[i].Hash)
	}
	return b, nil
}

// maxHead bounds the JSON of an index whose hash is not checked, in bytes.
const maxHead = 16 << 20

// ReadIndex reads the index of a component with so many chunks. It keeps b. The error is an *Error.
func ReadIndex(b []byte, chunks int) (*Index, error) {
	// The hash is checked before anything else is read: Split has validated what is in the index.
	if len(b) < sha256.Size || sha256.Sum256(b[sha256.Size:]) != [sha256.Size]byte(b[:sha256.Size]) {
		return nil, &Error{"the index is damaged, or cut short"}
	}
	rest := b[sha256.Size:]
	cut := func(n int) (part []byte, ok bool) {
		if n < 0 || n > len(rest) {
			return nil, false
		}
		part, rest = rest[:n:n], rest[n:]
		return part, true
	}
	size, ok := cut(4)
	if !ok {
		return nil, &Error{"no index"}
	}
	var h head
	text, ok := cut(int(binary.LittleEndian.Uint32(size)))
	if !ok || json.Unmarshal(text, &h) != nil {
		return nil, &Error{"the index is not valid"}
	}
	if h.Format != format {
		return nil, &Error{fmt.Sprintf("format %d, this version reads %d", h.Format, format)}
	}
	skeleton, ok := cut(h.Skeleton)
	if !ok {
		return nil, &Error{"cut short"}
	}
	found := 0
	for i := range h.Modules {
		m := &h.Modules[i]
		part, ok := cut(m.Size)
		if !ok || m.Image < 0 {
			return nil, &Error{"cut short"}
		}
		if h.Shells {
			m.Shell = part
		} else {
			m.Code = part
		}
		found += len(m.Slots)
	}
	if found != chunks {
		return nil, &Error{fmt.Sprintf("%d chunks, not %d", chunks, found)}
	}
	program := sync.OnceValues(func() (*link.Program, error) {
		p, err := link.LoadKnown(skeleton)
		if err == nil && len(p.Modules) != len(h.Modules) {
			return nil, &Error{"modules are missing"}
		}
		return p, err
	})
	return &Index{Modules: h.Modules, Memory: h.Memory, Program: program, skeleton: skeleton}, nil
}

// Start returns an index of the same component, for ReadIndex, with the shells of the modules in place of their code. It
// is much smaller, and is all that a start needs when the code is compiled already. The error is that of
// codecache.Shell. x must have the code.
func (x *Index) Start() ([]byte, error) {
	h := head{Format: format, Skeleton: len(x.skeleton), Modules: slices.Clone(x.Modules), Memory: x.Memory, Shells: true}
	parts := slices.Clone(x.skeleton)
	for i := range h.Modules {
		m := &h.Modules[i]
		shell, err := codecache.Shell(m.Code, m.Hash)
		if err != nil {
			return nil, err
		}
		m.Size = len(shell)
		parts = append(parts, shell...)
	}
	return h.encode(parts)
}
