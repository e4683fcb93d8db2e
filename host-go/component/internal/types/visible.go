package types

import "github.com/caisson-dev/caisson/host-go/component/internal/binary"

// Visible are the types that have a name outside, because they are imported or exported (Explainer.md,
// "External Visibility of Types").
type Visible struct {
	u     *Universe
	outer *Visible
	named map[Type]bool // *Value and *Resource
	// good are value types of which the type and all parts have been found to have names.
	good map[*Value]bool
}

// NewVisible returns a Visible without types.
func (u *Universe) NewVisible() *Visible {
	return &Visible{u: u, named: map[Type]bool{}, good: map[*Value]bool{}}
}

// has reports whether a type has a name, here or outside.
func (v *Visible) has(t Type) bool {
	for ; v != nil; v = v.outer {
		if v.named[t] {
			return true
		}
	}
	return false
}

// Named reports whether the types that an import or export refers to have names. The type in a type import or
// export needs no name: the import or export gives it one.
func (v *Visible) Named(e *Extern) bool {
	switch {
	case e.Func != nil:
		return v.function(e.Func)
	case e.Instance != nil:
		return v.instance(e.Instance)
	case e.Type != nil:
		return v.typ(e.Type)
	}
	return true
}

func (v *Visible) typ(t Type) bool {
	switch t := t.(type) {
	case *Value:
		return v.has(t) || v.parts(t)
	case *Func:
		return v.function(t)
	case *Instance:
		return v.instance(t)
	}
	return true
}

// instance checks exports in order: a type that an instance exports has a name for the exports after it.
func (v *Visible) instance(i *Instance) bool {
	inner := v.u.NewVisible()
	inner.outer = v
	for k := range i.Exports {
		if !inner.Named(&i.Exports[k].Extern) {
			return false
		}
		inner.Add(&i.Exports[k].Extern)
	}
	return true
}

// Add adds names for the types that an import or export is or contains.
func (v *Visible) Add(e *Extern) {
	v.u.Spend(1)
	switch {
	case e.Sort == binary.SortType:
		v.named[e.Type] = true
	case e.Instance != nil:
		for k := range e.Instance.Exports {
			v.Add(&e.Instance.Exports[k].Extern)
		}
	}
}

func (v *Visible) function(f *Func) bool {
	for _, p := range f.Params {
		if !v.value(p.Type) {
			return false
		}
	}
	return f.Result == nil || v.value(f.Result)
}

// value checks a type that is used. Records, variants, enums, flags and resources need a name. Other types
// need names only for their parts.
func (v *Visible) value(t *Value) bool {
	if t.Nominal != 0 {
		return v.has(t)
	}
	return v.parts(t)
}

func (v *Visible) parts(t *Value) bool {
	switch {
	case t.plain || v.good[t]:
		return true
	case t.Resource != nil:
		return v.has(t.Resource)
	}
	v.u.Spend(t.Weight)
	ok := true
	t.each(func(u *Value) { ok = ok && v.value(u) })
	v.good[t] = ok // If ok is false, the component is invalid.
	return ok
}

// Rename returns the extern with a new identity for each type that it exports. An import or export makes such
// identities (Binary.md, "Import and Export Definitions").
func (u *Universe) Rename(name string, e Extern, next func() int) Extern {
	s := u.NewSubst()
	u.rename(s, name, &e, next)
	switch t := e.Type.(type) {
	case *Value:
		e.Type = s.Value(t)
	case *Resource:
		e.Type = s.Resource(t)
	}
	if e.Instance != nil {
		e.Instance = s.Instance(e.Instance)
	}
	return e
}

func (u *Universe) rename(s *Subst, name string, e *Extern, next func() int) {
	u.Spend(1)
	switch t := e.Type.(type) {
	case *Value:
		if t.Nominal != 0 {
			to := s.parts(t)
			to.Nominal = next()
			s.AddValue(t, u.Intern(to))
		}
	case *Resource:
		s.Add(t, t.Alias(name))
	}
	if e.Instance != nil {
		for k := range e.Instance.Exports {
			x := &e.Instance.Exports[k]
			u.rename(s, x.Name.Text, &x.Extern, next)
		}
	}
}
