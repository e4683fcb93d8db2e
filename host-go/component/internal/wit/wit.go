// Package wit writes the types of a component as WIT (design/mvp/WIT.md).
package wit

import (
	"strings"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// Print returns the world of a component, and the packages of the interfaces that it names. Text past 16 MiB
// is cut, and says so; only a component that is made for it gets so long.
func Print(c *types.Component) string {
	p := &printer{home: map[any]place{}, packages: map[string]*text{}, left: maxText}
	world := p.text()
	world.WriteString("package root:component;\n\nworld root {\n")
	// The exports of the world may use the types that it imports.
	s := p.newScope("", "  ", append(plain(c.Imports), plain(c.Exports)...))
	body := p.text()
	p.world(body, s, "import", c.Imports)
	p.world(body, s, "export", c.Exports)
	for _, use := range s.uses {
		world.WriteString("  use " + use.iface + ".{" + ident(use.name) + "};\n")
	}
	world.WriteString(body.String() + "}\n")
	for _, name := range p.order {
		world.WriteString("\npackage " + name + " {\n" + p.packages[name].String() + "}\n")
	}
	if p.full() {
		return world.String() + "// cut: there is more\n"
	}
	return world.String()
}

// printer keeps where each type is defined first. Later uses refer to that place.
type printer struct {
	home     map[any]place
	packages map[string]*text
	order    []string
	printed  map[string]bool
	left     int // bytes that may yet be written
}

// place is an interface and the name of a type in it.
type place struct{ iface, name string }

// identity returns the identity of a type: the resource, or the definition. It is nil for a type that is
// identified by its structure.
func identity(t types.Type) any {
	switch t := t.(type) {
	case *types.Resource:
		return t.Root()
	case *types.Value:
		if t.Origin != 0 {
			return t.Origin
		}
	}
	return nil
}

// plain returns the imports or exports that have a name of the world itself.
func plain(items []types.Named) (out []types.Named) {
	for _, it := range items {
		if !strings.Contains(it.Name.Text, ":") {
			out = append(out, it)
		}
	}
	return out
}

func (p *printer) world(b *text, s *scope, verb string, items []types.Named) {
	for i := range items {
		it := &items[i]
		name := it.Name.Text
		if !strings.Contains(name, ":") || it.Instance == nil {
			continue
		}
		if p.full() {
			return
		}
		p.iface(name, it.Instance)
		b.WriteString("  " + verb + " " + name + ";\n")
	}
	own := plain(items)
	for i := range own {
		if p.full() {
			return
		}
		it := &own[i]
		name := ident(it.Name.Text)
		switch it.Sort {
		case binary.SortFunc:
			if !strings.HasPrefix(it.Name.Text, "[") {
				b.WriteString("  " + verb + " " + name + ": " + s.function(it.Func, false) + ";\n")
			}
		case binary.SortType:
			s.define(b, it, own)
		case binary.SortInstance:
			b.WriteString("  " + verb + " " + name + ": interface {\n")
			p.body(b, "", it.Instance, "    ")
			b.WriteString("  }\n")
		default:
			b.WriteString("  // " + verb + " " + it.Name.Text + ": " + it.Sort.String() + "\n")
		}
	}
}

// iface prints an interface into its package, once.
func (p *printer) iface(name string, inst *types.Instance) {
	if p.printed == nil {
		p.printed = map[string]bool{}
	}
	if p.printed[name] {
		return
	}
	p.printed[name] = true
	pkg, iface := packageOf(name)
	b := p.packages[pkg]
	if b == nil {
		b = p.text()
		p.packages[pkg] = b
		p.order = append(p.order, pkg)
	}
	b.WriteString("  interface " + ident(iface) + " {\n")
	p.body(b, name, inst, "    ")
	b.WriteString("  }\n")
}

// packageOf splits "ns:pkg/iface@version" into "ns:pkg@version" and "iface".
func packageOf(name string) (pkg, iface string) {
	path, version, versioned := strings.Cut(name, "@")
	pkg, iface, _ = strings.Cut(path, "/")
	if versioned {
		pkg += "@" + version
	}
	return pkg, iface
}

func (p *printer) body(b *text, iface string, inst *types.Instance, indent string) {
	s := p.newScope(iface, indent, inst.Exports)
	for i := range inst.Exports {
		if p.full() {
			return
		}
		it := &inst.Exports[i]
		switch it.Sort {
		case binary.SortType:
			s.define(b, it, inst.Exports)
		case binary.SortFunc:
			if !strings.HasPrefix(it.Name.Text, "[") {
				b.WriteString(indent + ident(it.Name.Text) + ": " + s.function(it.Func, false) + ";\n")
			}
		default:
			b.WriteString(indent + "// " + it.Name.Text + ": " + it.Sort.String() + "\n")
		}
	}
}
