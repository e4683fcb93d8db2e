package split

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/link"
)

// format is the version of the index's format.
const format = 2

// Index is the index of a component that was taken apart. It never changes.
type Index struct {
	Program *link.Program // without the code of its modules
	Modules []Module      // in the order of the program
	// Memory is the SHA-256 of all images together, in hexadecimal.
	Memory string
}

// Module is a core module in the index.
type Module struct {
	Code []byte `json:"-"`
	Size int    `json:"code"` // of Code, in bytes
	Hash string `json:"hash"` // of Code
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

// ReadIndex reads the index of a component with so many chunks. It keeps b. The error is an *Error, or that
// of link.Load.
func ReadIndex(b []byte, chunks int) (*Index, error) {
	// The hash is checked before anything else is read: Split has validated the code in the index.
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
	program, err := link.Load(context.Background(), skeleton)
	if err != nil {
		return nil, err
	}
	if len(program.Modules) != len(h.Modules) {
		return nil, &Error{"modules are missing"}
	}
	found := 0
	for i := range h.Modules {
		m := &h.Modules[i]
		if m.Code, ok = cut(m.Size); !ok || m.Image < 0 {
			return nil, &Error{"cut short"}
		}
		found += len(m.Slots)
	}
	if found != chunks {
		return nil, &Error{fmt.Sprintf("%d chunks, not %d", chunks, found)}
	}
	return &Index{Program: program, Modules: h.Modules, Memory: h.Memory}, nil
}
