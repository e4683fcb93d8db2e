package wasi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A Host is what AddToLinker has defined in a linker: what components hold of it can be saved, and restored in another
// process, for an instance that is ([component.Instance.Save]).
type Host struct{ host *host }

// A HeldError is something that a component holds, and that only this process has: an open file, a stream, a
// request, or something to wait for.
type HeldError struct {
	// Resource is its type in WASI, such as "descriptor".
	Resource string
}

// Error names the resource.
func (e *HeldError) Error() string {
	return fmt.Sprintf("wasi: the component holds a %s, which only this process has", e.Resource)
}

// ErrState says that a state is none that Save has written for a Host with such a Config.
var ErrState = errors.New("wasi: the state is not one that Save has written for such a Config")

// saved is the form of a state.
type saved struct {
	Next uint32 `json:"next"`
	Held []held `json:"held"`
}

// held is one resource that a component holds.
type held struct {
	Rep    uint32 `json:"rep"`
	Is     string `json:"is"`              // stdin, stdout, stderr or mount
	Mount  int    `json:"mount,omitempty"` // which
	Closed bool   `json:"closed,omitempty"`
}

// Save returns what components hold: the standard streams and the mounts' own folders can be saved. A standard input
// that was given can not. The error is a *HeldError for everything else. Do not call it while a component runs.
func (h *Host) Save() ([]byte, error) {
	t := h.host.table
	t.mu.Lock()
	defer t.mu.Unlock()
	out := saved{Next: t.next, Held: []held{}}
	for _, rep := range slices.Sorted(maps.Keys(t.of)) {
		one, ok := h.host.describe(t.of[rep].value)
		if !ok {
			return nil, &HeldError{nameOf(t.of[rep].kind)}
		}
		one.Rep = rep
		out.Held = append(out.Held, one)
	}
	return json.Marshal(out)
}

// nameOf returns the name of a kind of resource.
func nameOf(kind any) string {
	if named, ok := kind.(interface{ title() string }); ok {
		return named.title()
	}
	return "resource"
}

func (r *resource[T]) title() string { return r.name }

// describe says what a resource is, if another process has it too.
func (h *host) describe(value any) (_ held, ok bool) {
	switch v := value.(type) {
	case *outputStream:
		if s, ok := v.output.(standard); ok {
			return held{Is: s.name, Closed: v.closed}, true
		}
	case *inputStream:
		if h.cfg.Stdin == nil && v.input == input(h.stdin) {
			return held{Is: "stdin", Closed: v.closed}, true
		}
	case *descriptor:
		for i := range h.cfg.Mounts {
			if v.mount == &h.cfg.Mounts[i] && v.path == "." && v.dir != nil {
				return held{Is: "mount", Mount: i}, true
			}
		}
	}
	return held{}, false
}

// Restore has components hold again what they held when Save was called on a Host with such a Config. Call it once,
// before an instance is made. The state may be anything.
func (h *Host) Restore(state []byte) error {
	var in saved
	if err := json.Unmarshal(state, &in); err != nil {
		return ErrState
	}
	t := h.host.table
	if len(t.of) > 0 || len(in.Held) > maxEntries {
		return ErrState
	}
	for _, one := range in.Held {
		kind, value, ok := h.host.make(one)
		if _, taken := t.of[one.Rep]; taken || !ok {
			return ErrState
		}
		t.of[one.Rep] = entry{kind, value}
		t.count[kind]++
	}
	t.next = in.Next
	return nil
}

// make makes a resource.
func (h *host) make(one held) (kind, value any, ok bool) {
	switch one.Is {
	case "stdin":
		return h.inputs, &inputStream{input: h.stdin, closed: one.Closed}, h.cfg.Stdin == nil
	case "stdout", "stderr":
		return h.outputs, &outputStream{output: h.standard[one.Is], closed: one.Closed}, true
	case "mount":
		if one.Mount < 0 || one.Mount >= len(h.cfg.Mounts) {
			return nil, nil, false
		}
		return h.descriptors, h.preopen(one.Mount), true
	}
	return nil, nil, false
}
