package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// An anatomy describes the parts of a component's file.
type anatomy struct {
	Modules []module `json:"modules"`
	// Components counts the nested components, at all depths.
	Components int `json:"components"`
	// Features are the features of the Canonical ABI that the component uses, and those of WebAssembly that
	// the modules' compilers say that their code uses.
	Features []string `json:"features"`
	// Producers are the languages and tools that the file names, with their versions.
	Producers []string `json:"producers"`
}

// A module is a core module in a component.
type module struct {
	Size      int `json:"size"`
	Functions int `json:"functions"`
	Code      int `json:"code"` // bytes
	Data      int `json:"data"` // bytes
	Imports   int `json:"imports"`
	Exports   int `json:"exports"`
	// Memories are the memories that the module defines.
	Memories []memoryLimits `json:"memories,omitempty"`
}

// memoryLimits are in pages of 64 KiB; Max is nil for none.
type memoryLimits struct {
	Min uint64  `json:"min"`
	Max *uint64 `json:"max,omitempty"`
}

func (m *module) memory() string {
	s := ""
	for _, l := range m.Memories {
		s += fmt.Sprintf(", memory of %s", size(int(l.Min)<<16))
	}
	return s
}

// These are the sections of components and of core modules (Binary.md; the core specification, 5.5).
const (
	sectionCustom          = 0
	sectionCoreModule      = 1
	sectionNestedComponent = 4
	sectionCanon           = 8

	coreImport = 2
	coreMemory = 5
	coreExport = 7
	coreCode   = 10
	coreData   = 11
)

// dissect describes the parts of a component that has been validated.
func dissect(b []byte) (*anatomy, error) {
	a := &anatomy{Modules: []module{}, Features: []string{}, Producers: []string{}}
	if err := a.component(b); err != nil {
		return nil, fmt.Errorf("taking the component apart: %w", err)
	}
	slices.Sort(a.Features)
	a.Features = slices.Compact(a.Features)
	slices.Sort(a.Producers)
	a.Producers = slices.Compact(a.Producers)
	return a, nil
}

func (a *anatomy) component(b []byte) error {
	return sections(b, func(id byte, content cursor) error {
		switch id {
		case sectionCoreModule:
			return a.module(content)
		case sectionNestedComponent:
			a.Components++
			return a.component(content)
		case sectionCanon:
			return content.list(func() error { return a.canon(&content) })
		case sectionCustom:
			return a.custom(content)
		}
		return nil
	})
}

// canonOptions and canonBuiltins are the canonical options and definitions, by their opcodes
// (Binary.md, "Canonical Definitions").
var (
	canonOptions  = []string{"utf8", "utf16", "latin1+utf16", "memory", "realloc", "post-return"}
	canonBuiltins = []string{"lift", "lower", "resource.new", "resource.drop", "resource.rep"}
)

// canon reads one canonical definition.
func (a *anatomy) canon(c *cursor) error {
	op, err := c.bytes(1)
	if err != nil {
		return err
	}
	if int(op[0]) >= len(canonBuiltins) {
		return fmt.Errorf("unknown canonical definition %#x", op[0])
	}
	a.Features = append(a.Features, canonBuiltins[op[0]])
	if op[0] >= 2 {
		_, err := c.number() // the resource
		return err
	}
	if _, err := c.bytes(1); err != nil {
		return err
	}
	if _, err := c.number(); err != nil { // the function
		return err
	}
	if err := c.list(func() error { return a.canonOption(c) }); err != nil {
		return err
	}
	if op[0] == 0 {
		_, err = c.number() // its type
	}
	return err
}

func (a *anatomy) canonOption(c *cursor) error {
	op, err := c.bytes(1)
	if err != nil {
		return err
	}
	if int(op[0]) >= len(canonOptions) {
		return fmt.Errorf("unknown canonical option %#x", op[0])
	}
	a.Features = append(a.Features, canonOptions[op[0]])
	if op[0] >= 3 {
		_, err = c.number() // the memory or the function
	}
	return err
}

func (a *anatomy) module(b cursor) error {
	m := module{Size: len(b)}
	err := sections(b, func(id byte, content cursor) error {
		size := len(content)
		if id == sectionCustom {
			return a.custom(content)
		}
		n, err := content.number()
		if err != nil {
			return err
		}
		switch id {
		case coreImport:
			m.Imports = int(n)
		case coreExport:
			m.Exports = int(n)
		case coreCode:
			m.Functions, m.Code = int(n), size
		case coreData:
			m.Data = size
		case coreMemory:
			m.Memories, err = content.memories(n)
		}
		return err
	})
	a.Modules = append(a.Modules, m)
	return err
}

// custom reads the two custom sections that say how the code was made (tool-conventions, ProducersSection.md
// and Linking.md).
func (a *anatomy) custom(c cursor) error {
	name, err := c.name()
	if err != nil {
		return err
	}
	switch name {
	case "target_features":
		return c.list(func() error {
			prefix, err := c.bytes(1)
			if err != nil {
				return err
			}
			feature, err := c.name()
			if prefix[0] == '+' {
				a.Features = append(a.Features, feature)
			}
			return err
		})
	case "producers":
		return c.list(func() error {
			if _, err := c.name(); err != nil {
				return err
			}
			return c.list(func() error {
				tool, err := c.name()
				if err != nil {
					return err
				}
				version, err := c.name()
				if version != "" {
					tool += " " + version
				}
				a.Producers = append(a.Producers, tool)
				return err
			})
		})
	}
	return nil
}

// A cursor is the bytes that are left to read.
type cursor []byte

var errCutShort = errors.New("a section is cut short")

// sections calls f for every section after the preamble.
func sections(c cursor, f func(id byte, content cursor) error) error {
	if _, err := c.bytes(8); err != nil {
		return err
	}
	for len(c) > 0 {
		id, err := c.bytes(1)
		if err != nil {
			return err
		}
		n, err := c.number()
		if err != nil {
			return err
		}
		content, err := c.bytes(n)
		if err != nil {
			return err
		}
		if err := f(id[0], content); err != nil {
			return err
		}
	}
	return nil
}

func (c *cursor) bytes(n uint64) (cursor, error) {
	if n > uint64(len(*c)) {
		return nil, errCutShort
	}
	b := (*c)[:n]
	*c = (*c)[n:]
	return b, nil
}

// number reads an unsigned LEB128.
func (c *cursor) number() (uint64, error) {
	v, n := binary.Uvarint(*c)
	if n <= 0 {
		return 0, errCutShort
	}
	*c = (*c)[n:]
	return v, nil
}

func (c *cursor) name() (string, error) {
	n, err := c.number()
	if err != nil {
		return "", err
	}
	b, err := c.bytes(n)
	return string(b), err
}

// list calls f for each element of a vector.
func (c *cursor) list(f func() error) error {
	n, err := c.number()
	for ; err == nil && n > 0; n-- {
		err = f()
	}
	return err
}

func (c *cursor) memories(n uint64) ([]memoryLimits, error) {
	var out []memoryLimits
	for ; n > 0; n-- {
		flags, err := c.bytes(1)
		if err != nil {
			return nil, err
		}
		var l memoryLimits
		if l.Min, err = c.number(); err != nil {
			return nil, err
		}
		if flags[0]&1 != 0 {
			most, err := c.number()
			if err != nil {
				return nil, err
			}
			l.Max = &most
		}
		out = append(out, l)
	}
	return out, nil
}
