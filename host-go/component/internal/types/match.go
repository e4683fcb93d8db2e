package types

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// Match checks that definitions fit the types wanted (Explainer.md, "Type Checking"). It binds a resource
// that the wanted types leave open to the resource that is given for it.
type Match struct {
	u    *Universe
	Eq   *Equality
	Bind *Subst
	open map[*Resource]bool
}

// NewMatch returns a match in which the resources are open.
func (u *Universe) NewMatch(open []*Resource) *Match {
	m := &Match{u: u, Eq: u.Equality(), Bind: u.NewSubst(), open: map[*Resource]bool{}}
	for _, r := range open {
		m.open[r] = true
	}
	return m
}

// Extern returns the reason that have cannot be given for want, or "" when it can.
func (m *Match) Extern(have, want *Extern) string {
	m.u.Spend(1)
	if have.Sort != want.Sort {
		return fmt.Sprintf("expected %s, found %s", want.Sort, have.Sort)
	}
	switch want.Sort {
	case binary.SortFunc:
		return m.Eq.Func(have.Func, m.Bind.Func(want.Func))
	case binary.SortType:
		return m.typ(have.Type, want.Type)
	case binary.SortInstance:
		return m.instance(have.Instance, want.Instance)
	case binary.SortComponent:
		return m.component(have.Component, m.Bind.Component(want.Component))
	case binary.SortCoreModule:
		m.u.Spend(have.Size() + want.Size())
		return wasm.MatchesModule(have.Module, want.Module)
	}
	return ""
}

func (m *Match) typ(have, want Type) string {
	if w, ok := want.(*Resource); ok {
		h, ok := have.(*Resource)
		if !ok {
			return "expected resource, found " + describe(have)
		}
		if m.open[w.Root()] && !m.Bind.Has(w.Root()) {
			m.Bind.Add(w.Root(), h)
			return ""
		}
		return SameResource(h, m.Bind.Resource(w))
	}
	original := want
	want = m.Bind.Type(want)
	if describe(have) != describe(want) {
		return fmt.Sprintf("expected %s, found %s", describe(want), describe(have))
	}
	switch w := want.(type) {
	case *Value:
		h := have.(*Value)
		why := m.Eq.Value(h, w)
		if why == "" && w.Nominal != 0 {
			m.Bind.AddValue(original.(*Value), h) // later types that use it use the given type
		}
		return why
	case *Func:
		return m.Eq.Func(have.(*Func), w)
	case *Instance:
		h := have.(*Instance)
		if h == w {
			return ""
		}
		if why := m.u.NewMatch(w.Fresh).instance(h, w); why != "" {
			return why
		}
		return m.u.NewMatch(h.Fresh).instance(w, h)
	case *Component:
		h := have.(*Component)
		if h == w {
			return ""
		}
		if why := m.component(h, w); why != "" {
			return why
		}
		return m.component(w, h)
	}
	return ""
}

func describe(t Type) string {
	switch t.(type) {
	case *Value:
		return "defined type"
	case *Resource:
		return "resource"
	case *Func:
		return "func"
	case *Instance:
		return "instance"
	}
	return "component"
}

// instance checks each wanted export in order: a type comes before the exports that use it.
func (m *Match) instance(have, want *Instance) string {
	m.u.Spend(len(have.Exports))
	byName := make(map[string]*Extern, len(have.Exports))
	for i := range have.Exports {
		byName[have.Exports[i].Name.Text] = &have.Exports[i].Extern
	}
	for i := range want.Exports {
		w := &want.Exports[i]
		h := byName[w.Name.Text]
		if h == nil {
			return fmt.Sprintf("missing expected export `%s`", w.Name.Text)
		}
		if why := m.Extern(h, &w.Extern); why != "" {
			return fmt.Sprintf("type mismatch in instance export `%s`: %s", w.Name.Text, why)
		}
	}
	return ""
}

// component checks that have can be given for want: it needs no import that want lacks, and it has every
// export of want. The check instantiates have with the imports of want.
func (m *Match) component(have, want *Component) string {
	m.u.Spend(len(want.Imports))
	in := m.u.NewMatch(have.ImportFresh)
	given := make(map[string]*Extern, len(want.Imports))
	for i := range want.Imports {
		given[want.Imports[i].Name.Text] = &want.Imports[i].Extern
	}
	for i := range have.Imports {
		imp := &have.Imports[i]
		g := given[imp.Name.Text]
		if g == nil {
			return fmt.Sprintf("missing expected import `%s`", imp.Name.Text)
		}
		if why := in.Extern(g, &imp.Extern); why != "" {
			return fmt.Sprintf("type mismatch in import `%s`: %s", imp.Name.Text, why)
		}
	}
	out := m.u.NewMatch(want.ExportFresh)
	return out.instance(&Instance{Exports: in.Bind.Named(have.Exports)}, &Instance{Exports: want.Exports})
}

// FreeResource reports whether a type refers to a resource that it does not introduce itself.
func (u *Universe) FreeResource(t Type) bool {
	return (&free{u: u, bound: map[*Resource]bool{}, seen: map[Type]bool{}}).typ(t)
}

type free struct {
	u     *Universe
	bound map[*Resource]bool
	seen  map[Type]bool
}

func (f *free) typ(t Type) bool {
	if f.seen[t] {
		return false
	}
	f.seen[t] = true
	f.u.Spend(1)
	switch t := t.(type) {
	case *Resource:
		return !f.bound[t.Root()]
	case *Value:
		if !t.resources {
			return false
		}
		found := t.Resource != nil && f.typ(t.Resource)
		t.each(func(u *Value) { found = found || f.typ(u) })
		return found
	case *Func:
		for _, p := range t.Params {
			if f.typ(p.Type) {
				return true
			}
		}
		return t.Result != nil && f.typ(t.Result)
	case *Instance:
		return f.named(t.Fresh, t.Exports)
	case *Component:
		return f.named(t.ImportFresh, t.Imports) || f.named(t.ExportFresh, t.Exports)
	}
	return false
}

func (f *free) named(fresh []*Resource, ns []Named) bool {
	for _, r := range fresh {
		f.bound[r] = true
	}
	for _, n := range ns {
		for _, t := range n.parts() {
			if f.typ(t) {
				return true
			}
		}
	}
	return false
}

func (e *Extern) parts() []Type {
	switch {
	case e.Func != nil:
		return []Type{e.Func}
	case e.Instance != nil:
		return []Type{e.Instance}
	case e.Component != nil:
		return []Type{e.Component}
	case e.Type != nil:
		return []Type{e.Type}
	}
	return nil
}
