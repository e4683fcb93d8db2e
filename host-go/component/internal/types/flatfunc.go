package types

import "github.com/caisson-dev/caisson/host-go/component/internal/wasm"

// FlattenLift returns the core type of a function that is lifted to f (CanonicalABI.md, flatten_functype).
func (f *Func) FlattenLift() *wasm.FuncType {
	t := &wasm.FuncType{}
	if flat, n := FlattenFields(f.Params); n > MaxFlatParams {
		t.Params = []byte{I32}
	} else {
		t.Params = flat
	}
	if f.Result != nil {
		if f.Result.FlatLen > MaxFlatResults {
			t.Results = []byte{I32}
		} else {
			t.Results = f.Result.Flat
		}
	}
	return t
}

// FlattenLower returns the core type of the function that lowering f makes.
func (f *Func) FlattenLower() *wasm.FuncType {
	t := f.FlattenLift()
	if f.Result != nil && f.Result.FlatLen > MaxFlatResults {
		t.Params = append(t.Params[:len(t.Params):len(t.Params)], I32)
		t.Results = nil
	}
	return t
}

// HasBorrow reports whether a parameter contains a borrow.
func (f *Func) HasBorrow() bool {
	for _, p := range f.Params {
		if p.Type.borrow {
			return true
		}
	}
	return false
}

// ParamsTuple returns the parameters as a tuple. They are stored as this tuple when there are too many.
func (u *Universe) ParamsTuple(f *Func) *Value {
	fields := make([]Field, len(f.Params))
	for i, p := range f.Params {
		fields[i].Type = p.Type
	}
	return u.Intern(Value{Kind: Tuple, Fields: fields})
}
