package wit

import (
	"fmt"
	"strings"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// scope is an interface or world, with the names that types have in it.
type scope struct {
	p      *printer
	iface  string // "" when others cannot use its types
	names  map[any]string
	texts  map[*types.Value]string // of types without a name
	indent string
	// functions are the functions of each resource. The first use makes them.
	functions map[string][]*types.Named
	// uses are types of interfaces that are used here without another name. Only a world has such types.
	uses []place
}

// newScope returns a scope with the names of its types. It collects all names first, because a resource's
// methods come before the types that they use.
func (p *printer) newScope(iface, indent string, items []types.Named) *scope {
	s := &scope{p: p, iface: iface, names: map[any]string{}, texts: map[*types.Value]string{}, indent: indent}
	for i := range items {
		if items[i].Sort != binary.SortType {
			continue
		}
		id := identity(items[i].Type)
		if _, ok := s.names[id]; !ok && id != nil {
			s.names[id] = items[i].Name.Text
		}
	}
	return s
}

// define prints the definition of a named type: a use of another interface's type, an alias, or the type
// itself.
func (s *scope) define(b *text, it *types.Named, siblings []types.Named) {
	name := it.Name.Text
	id := identity(it.Type)
	if id != nil {
		if local := s.names[id]; local != name {
			b.WriteString(s.indent + "type " + ident(name) + " = " + ident(local) + ";\n")
			return
		}
		if home, ok := s.p.home[id]; ok && home.iface != s.iface {
			as := ident(home.name)
			if home.name != name {
				as += " as " + ident(name)
			}
			b.WriteString(s.indent + "use " + s.path(home.iface) + ".{" + as + "};\n")
			return
		}
		if s.iface != "" {
			s.p.home[id] = place{s.iface, name}
		}
	}
	switch t := it.Type.(type) {
	case *types.Resource:
		s.resource(b, name, siblings)
	case *types.Value:
		s.value(b, name, t)
	default:
		b.WriteString(s.indent + "// type " + name + "\n")
	}
}

// path returns the name of another interface, as it is used from here.
func (s *scope) path(iface string) string {
	pkg, _ := packageOf(s.iface)
	if other, name := packageOf(iface); other == pkg {
		return ident(name)
	}
	return iface
}

// resource prints a resource with those of its siblings that are its functions.
func (s *scope) resource(b *text, name string, siblings []types.Named) {
	body := s.p.text()
	if s.functions == nil {
		s.functions = functions(siblings)
	}
	for _, f := range s.functions[name] {
		kind, rest, _ := strings.Cut(f.Name.Text[1:], "]")
		_, method, _ := strings.Cut(rest, ".")
		body.WriteString(s.indent + "  ")
		switch kind {
		case "constructor":
			fn := *f.Func
			if fn.Result != nil && fn.Result.Kind == types.Own {
				fn.Result = nil
			}
			body.WriteString("constructor" + strings.TrimPrefix(s.function(&fn, false), "func"))
		case "method":
			body.WriteString(ident(method) + ": " + s.function(f.Func, true))
		case "static":
			body.WriteString(ident(method) + ": static " + s.function(f.Func, false))
		}
		body.WriteString(";\n")
	}
	if body.Len() == 0 {
		b.WriteString(s.indent + "resource " + ident(name) + ";\n")
		return
	}
	b.WriteString(s.indent + "resource " + ident(name) + " {\n" + body.String() + s.indent + "}\n")
}

// functions groups the functions of resources by resource.
func functions(items []types.Named) map[string][]*types.Named {
	out := map[string][]*types.Named{}
	for i := range items {
		f := &items[i]
		if f.Sort != binary.SortFunc || !strings.HasPrefix(f.Name.Text, "[") {
			continue
		}
		if _, rest, ok := strings.Cut(f.Name.Text[1:], "]"); ok {
			owner, _, _ := strings.Cut(rest, ".")
			out[owner] = append(out[owner], f)
		}
	}
	return out
}

func (s *scope) value(b *text, name string, v *types.Value) {
	block := func(keyword string, n int, line func(i int) string) {
		b.WriteString(s.indent + keyword + " " + ident(name) + " {\n")
		for i := range n {
			if s.p.full() {
				return
			}
			b.WriteString(s.indent + "  " + line(i) + ",\n")
		}
		b.WriteString(s.indent + "}\n")
	}
	switch v.Kind {
	case types.Record:
		block("record", len(v.Fields), func(i int) string { return ident(v.Fields[i].Name) + ": " + s.text(v.Fields[i].Type) })
	case types.Variant:
		block("variant", len(v.Fields), func(i int) string {
			if v.Fields[i].Type == nil {
				return ident(v.Fields[i].Name)
			}
			return ident(v.Fields[i].Name) + "(" + s.text(v.Fields[i].Type) + ")"
		})
	case types.Enum, types.Flags:
		block(v.Kind.String(), len(v.Labels), func(i int) string { return ident(v.Labels[i]) })
	default:
		b.WriteString(s.indent + "type " + ident(name) + " = " + s.text(v) + ";\n")
	}
}

// function returns a function type as text. It leaves out a method's self.
func (s *scope) function(f *types.Func, method bool) string {
	var params []string
	for i, p := range f.Params {
		if method && i == 0 {
			continue
		}
		params = append(params, ident(p.Name)+": "+s.text(p.Type))
	}
	out := "func(" + strings.Join(params, ", ") + ")"
	if f.Result != nil {
		out += " -> " + s.text(f.Result)
	}
	return out
}

// text returns the use of a type: its name, if it has one here.
func (s *scope) text(v *types.Value) string {
	if v == nil {
		return "_"
	}
	if name, ok := s.name(identity(v)); ok {
		return ident(name)
	}
	if text, ok := s.texts[v]; ok {
		return text
	}
	text := s.spell(v)
	if len(text) > maxUse {
		text = "..."
	}
	s.texts[v] = text
	return text
}

// spell returns a type in full.
func (s *scope) spell(v *types.Value) string {
	switch v.Kind {
	case types.Own, types.Borrow:
		name, ok := s.name(v.Resource.Root())
		if !ok {
			name = v.Resource.Name
		}
		if v.Kind == types.Borrow {
			return "borrow<" + ident(name) + ">"
		}
		return ident(name)
	case types.List, types.Option:
		return v.Kind.String() + "<" + s.text(v.Elem) + ">"
	case types.FixedList:
		return fmt.Sprintf("list<%s, %d>", s.text(v.Elem), v.Length)
	case types.Map:
		return "map<" + s.text(v.Key) + ", " + s.text(v.Elem) + ">"
	case types.Tuple:
		elems := make([]string, len(v.Fields))
		for i, f := range v.Fields {
			elems[i] = s.text(f.Type)
		}
		return "tuple<" + strings.Join(elems, ", ") + ">"
	case types.Result:
		switch {
		case v.OK == nil && v.Err == nil:
			return "result"
		case v.Err == nil:
			return "result<" + s.text(v.OK) + ">"
		}
		return "result<" + s.text(v.OK) + ", " + s.text(v.Err) + ">"
	}
	return v.String()
}

// name returns the name of a type here. A type that has none yet is used from its interface.
func (s *scope) name(id any) (string, bool) {
	if id == nil {
		return "", false
	}
	if name, ok := s.names[id]; ok {
		return name, true
	}
	home, ok := s.p.home[id]
	if !ok {
		return "", false
	}
	s.names[id] = home.name
	s.uses = append(s.uses, home)
	return home.name, true
}

// keywords are the words of WIT. An identifier that is one of them is escaped.
var keywords = map[string]bool{}

func init() {
	for _, k := range strings.Fields(`as async bool borrow char constructor enum export f32 f64 flags from
		func future import include interface list map option own package record resource result s16 s32 s64 s8
		static stream string tuple type u16 u32 u64 u8 use variant with world`) {
		keywords[k] = true
	}
}

func ident(name string) string {
	if keywords[name] {
		return "%" + name
	}
	return name
}
