package types

// Subst replaces resources in types. It returns types without resources unchanged.
type Subst struct {
	u      *Universe
	to     map[*Resource]*Resource
	named  map[*Value]*Value
	origin map[int]int
	values map[*Value]*Value
	insts  map[*Instance]*Instance
	comps  map[*Component]*Component
}

// NewSubst returns a substitution that replaces nothing yet.
func (u *Universe) NewSubst() *Subst {
	return &Subst{
		u: u, to: map[*Resource]*Resource{}, named: map[*Value]*Value{}, origin: map[int]int{}, values: map[*Value]*Value{},
		insts: map[*Instance]*Instance{}, comps: map[*Component]*Component{},
	}
}

// Add makes the substitution replace a resource. Call it before any type that refers to the resource is
// substituted.
func (s *Subst) Add(from, to *Resource) {
	s.to[from] = to
	s.forget()
}

// forget drops the results from before the substitution changed. It makes new maps, because a map that was
// large once takes long to clear.
func (s *Subst) forget() {
	if len(s.values)+len(s.insts)+len(s.comps) > 0 {
		s.values, s.insts, s.comps = map[*Value]*Value{}, map[*Instance]*Instance{}, map[*Component]*Component{}
	}
}

// Open returns the instance type with new resources in place of those that it introduces. It also returns the
// new resources.
func (u *Universe) Open(i *Instance) (*Instance, []*Resource) {
	if len(i.Fresh) == 0 {
		return i, nil
	}
	s := u.NewSubst()
	fresh := make([]*Resource, len(i.Fresh))
	for k, r := range i.Fresh {
		fresh[k] = &Resource{Name: r.Name, Index: -1}
		s.to[r] = fresh[k]
	}
	return &Instance{Exports: s.Named(i.Exports), Size: i.Size}, fresh
}

// AddValue makes the substitution replace a value type.
func (s *Subst) AddValue(from, to *Value) {
	s.named[from] = to
	s.origin[from.Origin] = to.Origin
	s.forget()
}

// Has reports whether the substitution replaces r.
func (s *Subst) Has(r *Resource) bool { return s.to[r] != nil }

// Resource substitutes a resource. An alias that has no replacement itself becomes the replacement of its
// root.
func (s *Subst) Resource(r *Resource) *Resource {
	if to := s.to[r]; to != nil {
		return to
	}
	if to := s.to[r.Root()]; to != nil {
		return to
	}
	return r
}

// Value returns the value type after substitution.
func (s *Subst) Value(v *Value) *Value {
	if v == nil || !v.resources && len(s.named) == 0 {
		return v
	}
	if to := s.named[v]; to != nil {
		return to
	}
	if out := s.values[v]; out != nil {
		return out
	}
	out := s.u.Intern(s.parts(v))
	s.values[v] = out
	return out
}

// parts returns the parts of a value type after substitution.
func (s *Subst) parts(v *Value) Value {
	w := *v
	if to, ok := s.origin[v.Origin]; ok && v.Origin != 0 {
		w.Origin = to
	}
	w.Fields = make([]Field, len(v.Fields))
	for i, f := range v.Fields {
		w.Fields[i] = Field{f.Name, s.Value(f.Type)}
	}
	w.Elem, w.Key, w.OK, w.Err = s.Value(v.Elem), s.Value(v.Key), s.Value(v.OK), s.Value(v.Err)
	if v.Resource != nil {
		w.Resource = s.Resource(v.Resource)
	}
	return w
}

// Func returns the function type after substitution.
func (s *Subst) Func(f *Func) *Func {
	g := &Func{Params: make([]Field, len(f.Params)), Result: s.Value(f.Result)}
	same := g.Result == f.Result
	for i, p := range f.Params {
		g.Params[i] = Field{p.Name, s.Value(p.Type)}
		same = same && g.Params[i].Type == p.Type
	}
	if same {
		return f
	}
	return g
}

// Named returns the imports or exports after substitution.
func (s *Subst) Named(ns []Named) []Named {
	s.u.Spend(len(ns))
	out := make([]Named, len(ns))
	for i, n := range ns {
		out[i] = Named{n.Name, s.Extern(n.Extern)}
	}
	return out
}

// Extern returns the type of an import or export after substitution.
func (s *Subst) Extern(e Extern) Extern {
	switch {
	case e.Func != nil:
		e.Func = s.Func(e.Func)
	case e.Instance != nil:
		e.Instance = s.Instance(e.Instance)
	case e.Component != nil:
		e.Component = s.Component(e.Component)
	case e.Type != nil:
		e.Type = s.Type(e.Type)
	}
	return e
}

// Type returns the type after substitution.
func (s *Subst) Type(t Type) Type {
	switch t := t.(type) {
	case *Value:
		return s.Value(t)
	case *Resource:
		return s.Resource(t)
	case *Func:
		return s.Func(t)
	case *Instance:
		return s.Instance(t)
	case *Component:
		return s.Component(t)
	}
	return t
}

// Instance returns the instance type after substitution.
func (s *Subst) Instance(i *Instance) *Instance {
	if out := s.insts[i]; out != nil {
		return out
	}
	out := &Instance{Exports: s.Named(i.Exports), Fresh: i.Fresh, Size: i.Size}
	s.insts[i] = out
	return out
}

// Component returns the component type after substitution.
func (s *Subst) Component(c *Component) *Component {
	if out := s.comps[c]; out != nil {
		return out
	}
	out := &Component{
		Imports: s.Named(c.Imports), Exports: s.Named(c.Exports),
		ImportFresh: c.ImportFresh, ExportFresh: c.ExportFresh, Size: c.Size,
	}
	s.comps[c] = out
	return out
}
