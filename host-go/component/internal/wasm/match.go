package wasm

import "fmt"

// Matches returns the reason that a definition of type have cannot be given for an import of type want (core
// specification, "Import Matching"), or "" when it can.
func Matches(have, want *ExternType) string {
	if have.Kind != want.Kind {
		return fmt.Sprintf("expected %s, found %s", want.Kind, have.Kind)
	}
	switch have.Kind {
	case KindFunc, KindTag:
		if !have.Func.Equal(want.Func) {
			return fmt.Sprintf("expected %s type %s, found %s", want.Kind, want.Func, have.Func)
		}
	case KindTable:
		if have.Val != want.Val {
			return fmt.Sprintf("expected table element type %s, found %s", valTypeName(want.Val), valTypeName(have.Val))
		}
		return matchLimits("table", &have.Limits, &want.Limits)
	case KindMemory:
		if have.Limits.Shared != want.Limits.Shared {
			return "mismatch in the shared flag for memories"
		}
		return matchLimits("memory", &have.Limits, &want.Limits)
	case KindGlobal:
		if have.Mutable != want.Mutable {
			return "global types differ in mutability"
		}
		if have.Val != want.Val {
			return fmt.Sprintf("expected global type %s, found %s", valTypeName(want.Val), valTypeName(have.Val))
		}
	}
	return ""
}

func matchLimits(what string, have, want *Limits) string {
	switch {
	case have.I64 != want.I64:
		return "mismatch in index type used for " + what
	case have.Min < want.Min, want.HasMax && (!have.HasMax || have.Max > want.Max):
		return "mismatch in " + what + " limits"
	}
	return ""
}

// MatchesModule returns the reason that a module of type have cannot be given for one of type want: it needs
// an import that want lacks, or lacks an export of want.
func MatchesModule(have, want *Module) string {
	given := map[[2]string]*ExternType{}
	for i := range want.Imports {
		imp := &want.Imports[i]
		given[[2]string{imp.Module, imp.Name}] = &imp.Type
	}
	for i := range have.Imports {
		imp := &have.Imports[i]
		g := given[[2]string{imp.Module, imp.Name}]
		if g == nil {
			return fmt.Sprintf("missing expected import `%s::%s`", imp.Module, imp.Name)
		}
		if why := Matches(g, &imp.Type); why != "" {
			return fmt.Sprintf("type mismatch in import `%s::%s`: %s", imp.Module, imp.Name, why)
		}
	}
	exports := make(map[string]*ExternType, len(have.Exports))
	for i := range have.Exports {
		exports[have.Exports[i].Name] = &have.Exports[i].Type
	}
	for i := range want.Exports {
		e := exports[want.Exports[i].Name]
		if e == nil {
			return fmt.Sprintf("missing expected export `%s`", want.Exports[i].Name)
		}
		if why := Matches(e, &want.Exports[i].Type); why != "" {
			return fmt.Sprintf("type mismatch in export `%s`: %s", want.Exports[i].Name, why)
		}
	}
	return ""
}
