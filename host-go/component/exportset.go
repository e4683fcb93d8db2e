package component

import (
	"strings"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
	bin "github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
)

// exportSet holds the functions that an exported instance, or the root, exports.
type exportSet struct {
	name  string
	funcs map[string]exportedFunc
	sets  map[string]*exportSet // by their names, cut by compatible
}

// exportedFunc is an exported function with its full name.
type exportedFunc struct {
	name string
	ref  link.FuncRef
	sig  *abi.Signature
}

func (c *Compiled) exportSet(name string, exports []link.Export) *exportSet {
	s := &exportSet{name: name}
	for _, e := range exports {
		switch e.Sort {
		case bin.SortFunc:
			sigs := c.lifts
			if e.Func.Host {
				sigs = c.imports
			}
			if s.funcs == nil {
				s.funcs = make(map[string]exportedFunc, len(exports))
			}
			s.funcs[e.Name.Text] = exportedFunc{e.Name.Text, *e.Func, sigs[e.Func.Index]}
		case bin.SortInstance:
			if s.sets == nil {
				s.sets = map[string]*exportSet{}
			}
			s.sets[compatible(e.Name.Text)] = c.exportSet(e.Name.Text, e.Instance)
		}
	}
	return s
}

// find finds a function by its name, which is "interface#function" for a function of an interface.
func (s *exportSet) find(name string) (f exportedFunc, ok bool) {
	full := ""
	for s != nil {
		set, rest, nested := strings.Cut(name, "#")
		if !nested {
			f, ok = s.funcs[name]
			f.name = full + f.name
			return f, ok
		}
		if s, name = s.sets[compatible(set)], rest; s != nil {
			full += s.name + "#"
		}
	}
	return f, false
}
