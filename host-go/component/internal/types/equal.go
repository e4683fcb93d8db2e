package types

import "fmt"

// Equality compares types by structure and resources by identity.
type Equality struct {
	u    *Universe
	seen map[[2]*Value]string
}

// Equality returns a comparison of types.
func (u *Universe) Equality() *Equality { return &Equality{u, map[[2]*Value]string{}} }

// Value returns how two types differ, or "" when they are equal. want is the type that have is compared with.
func (e *Equality) Value(have, want *Value) string {
	switch {
	case have == want:
		return ""
	case have == nil:
		return "expected a type, found none"
	case want == nil:
		return "expected no type, found " + have.Kind.String()
	}
	e.u.Spend(1 + min(have.Weight, want.Weight))
	key := [2]*Value{have, want}
	if why, ok := e.seen[key]; ok {
		return why
	}
	why := e.compare(have, want)
	e.seen[key] = why
	return why
}

func (e *Equality) compare(have, want *Value) string {
	if have.Kind != want.Kind {
		return fmt.Sprintf("expected %s, found %s", want.Kind, have.Kind)
	}
	if len(have.Fields) != len(want.Fields) {
		return fmt.Sprintf("expected %d parts of a %s, found %d", len(want.Fields), want.Kind, len(have.Fields))
	}
	for i, w := range want.Fields {
		h := have.Fields[i]
		if h.Name != w.Name {
			return fmt.Sprintf("expected name `%s` in a %s, found `%s`", w.Name, want.Kind, h.Name)
		}
		if why := e.Value(h.Type, w.Type); why != "" {
			return fmt.Sprintf("type mismatch in %s `%s`: %s", want.Kind, w.Name, why)
		}
	}
	if len(have.Labels) != len(want.Labels) {
		return fmt.Sprintf("mismatch in %s elements", want.Kind)
	}
	for i, l := range want.Labels {
		if have.Labels[i] != l {
			return fmt.Sprintf("mismatch in %s elements: expected `%s`, found `%s`", want.Kind, l, have.Labels[i])
		}
	}
	if have.Length != want.Length {
		return fmt.Sprintf("expected a list of length %d, found %d", want.Length, have.Length)
	}
	for _, pair := range [][2]*Value{{have.Key, want.Key}, {have.Elem, want.Elem}, {have.OK, want.OK}, {have.Err, want.Err}} {
		if why := e.Value(pair[0], pair[1]); why != "" {
			return why
		}
	}
	if want.Resource != nil {
		return SameResource(have.Resource, want.Resource)
	}
	return ""
}

// SameResource returns how two resource types differ, or "" when they are the same.
func SameResource(have, want *Resource) string {
	if have.Root() != want.Root() {
		return "resource types are not the same"
	}
	return ""
}

// Func returns how two function types differ, or "" when they are equal. Parameter names count.
func (e *Equality) Func(have, want *Func) string {
	if len(have.Params) != len(want.Params) {
		return fmt.Sprintf("expected %d parameters, found %d", len(want.Params), len(have.Params))
	}
	for i, w := range want.Params {
		h := have.Params[i]
		if h.Name != w.Name {
			return fmt.Sprintf("expected parameter named `%s`, found `%s`", w.Name, h.Name)
		}
		if why := e.Value(h.Type, w.Type); why != "" {
			return fmt.Sprintf("type mismatch in function parameter `%s`: %s", w.Name, why)
		}
	}
	if why := e.Value(have.Result, want.Result); why != "" {
		return "type mismatch with result type: " + why
	}
	return ""
}
