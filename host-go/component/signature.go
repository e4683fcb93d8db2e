package component

import "github.com/caisson-dev/caisson/host-go/component/internal/types"

// signature is how the values of a function type pass (CanonicalABI.md,
// "Lifting and Lowering Values").
type signature struct {
	typ    *types.Func
	params []fieldCodec
	flat   int          // core values of the parameters
	spill  *recordCodec // of the parameters, when they pass through memory
	spillT *types.Value

	result      codec // nil for none
	resultT     *types.Value
	spillResult bool

	// stack is how many words a core call takes.
	stack int
	// borrows says that a parameter contains a borrow.
	borrows bool
	// context says that a value needs more than its core values.
	context bool
}

func (cs *codecs) signature(f *types.Func) *signature {
	s := &signature{typ: f, borrows: f.HasBorrow()}
	_, n := types.FlattenFields(f.Params)
	if n > types.MaxFlatParams {
		s.spillT = cs.u.ParamsTuple(f)
		s.spill = cs.record(s.spillT)
		s.flat = 1
	} else {
		for _, p := range f.Params {
			s.params = append(s.params, fieldCodec{codec: cs.get(p.Type), flat: s.flat})
			s.flat += p.Type.FlatLen
			s.context = s.context || needsContext(p.Type)
		}
	}
	if f.Result != nil {
		s.result, s.resultT = cs.get(f.Result), f.Result
		s.spillResult = f.Result.FlatLen > types.MaxFlatResults
		s.context = s.context || s.spillResult || needsContext(f.Result)
	}
	s.context = s.context || s.spill != nil
	s.stack = s.flat + 1
	return s
}

func needsContext(v *types.Value) bool { return v.Pointers || v.HasResource() }

// checkArgs makes sure that there is a value for each parameter.
func (s *signature) checkArgs(args []any) {
	if len(args) != len(s.typ.Params) {
		panic(&ValueError{Type: s.typ.String(), Value: args, Msg: "wrong number of arguments"})
	}
}

// lowerParams lowers arguments into the guest's memory and the stack.
func (s *signature) lowerParams(t *transfer, stack []uint64, args []any) {
	if s.spill != nil {
		ptr := t.alloc(s.spillT.Align, s.spillT.Size)
		s.spill.storeAll(t, ptr, args)
		stack[0] = uint64(ptr)
		return
	}
	for i := range s.params {
		s.params[i].lower(t, stack[s.params[i].flat:], args[i])
	}
}

// liftParams lifts the arguments of a call out of the guest.
func (s *signature) liftParams(t *transfer, stack []uint64) []any {
	if s.spill != nil {
		ptr := uint32(stack[0])
		t.check(ptr, uint64(s.spillT.Size), s.spillT.Align)
		switch v := s.spill.load(t, ptr).(type) {
		case Tuple:
			return v
		case Record:
			return v
		}
	}
	if len(s.params) == 0 {
		return nil
	}
	args := make([]any, len(s.params))
	for i := range s.params {
		args[i] = s.params[i].lift(t, stack[s.params[i].flat:])
	}
	return args
}

// liftResult lifts the result of a call out of the guest.
func (s *signature) liftResult(t *transfer, stack []uint64) any {
	if !s.spillResult {
		return s.result.lift(t, stack)
	}
	ptr := uint32(stack[0])
	t.check(ptr, uint64(s.resultT.Size), s.resultT.Align)
	return s.result.load(t, ptr)
}

// lowerResult lowers a result into the guest: to where its last parameter
// points, or to the stack.
func (s *signature) lowerResult(t *transfer, stack []uint64, out uint32, v any) {
	if !s.spillResult {
		s.result.lower(t, stack, v)
		return
	}
	t.check(out, uint64(s.resultT.Size), s.resultT.Align)
	s.result.store(t, out, v)
}
