package component

import (
	"reflect"
	"strconv"

	"github.com/tetratelabs/wazero/api"

	"github.com/caisson-dev/caisson/host-go/component/internal/link"
	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
)

// function is a core function that runs one call at a time. The core runtime keeps a stack for it, and never
// makes the stack smaller.
type function struct {
	api.Function
	held reflect.Value // the stack: of bytes when compiled, of words in the interpreter
	unit uint64        // the size of one element of held, in bytes
	kept uint64        // how much of Instance.kept is for it
}

// keptBytes is how much an instance may keep for functions to be called again, in bytes. Its budget does not
// include this.
const keptBytes = 4 << 20

// coreFunc finds a core function. Each call returns a new function, which may run while others of the same
// core function run.
func (in *Instance) coreFunc(ref *link.CoreRef) *function {
	from, name := in.c.host, strconv.Itoa(ref.Builtin)
	if ref.Instance >= 0 {
		from, name = in.modules[ref.Instance], ref.Name
	}
	f := &function{Function: from.ExportedFunction(name)}
	// The core runtime has no method that returns the size of the stack.
	if v := reflect.ValueOf(f.Function).Elem(); v.Kind() == reflect.Struct {
		if f.held = v.FieldByName("stack"); f.held.IsValid() {
			f.unit = uint64(f.held.Type().Elem().Size())
		}
	}
	return f
}

// functionBytes is what a function takes in addition to its stack. smallStack is how large its stack may be
// at the beginning.
const functionBytes, smallStack = 2 << 10, 64 << 10

// stack is how much stack the function holds, in bytes.
func (f *function) stack() uint64 {
	if f.unit == 0 {
		return 0 // a function of the host's
	}
	return uint64(f.held.Cap()) * f.unit
}

// maxWords bounds the stack of a call in the interpreter, in bytes. The core runtime bounds only the number
// of frames, and one frame may have 50,000 locals. Between two safe points a stack grows by a few MiB.
const maxWords = 48 << 20

// checkStack traps when the stack of the function that runs is too large.
func (in *Instance) checkStack() {
	if f := in.running; f != nil && f.unit == 8 && f.stack() > maxWords {
		trap.Throw(&LimitError{Resource: "stack", Limit: maxWords})
	}
}

// call calls a core function. While it runs, the budget is charged for the stack of the function that called
// out: a call from component to component has its own stack.
func (in *Instance) call(f *function, stack []uint64) {
	outer := in.running
	var held uint64
	if outer != nil {
		held = outer.stack()
		in.budget.Charge(held, "stack")
		in.stacks += held
	}
	in.running = f
	if err := f.CallWithStack(&in.callCtx, stack); err != nil {
		panic(asTrap(err))
	}
	in.running = outer
	in.stacks -= held
	in.budget.Give(held)
}

// keep counts a function as kept, to be called again. It returns false when there is no room for the
// function.
func (in *Instance) keep(f *function) bool {
	more := functionBytes + f.stack() - f.kept
	if in.kept+more > keptBytes {
		return false
	}
	in.kept += more
	f.kept += more
	return true
}

// lighten returns the function to keep after a call of f: f itself, or a new function when the stack of f has
// become too large to keep.
func (in *Instance) lighten(f *function, ref *link.CoreRef) *function {
	if f.kept == functionBytes+f.stack() || f.kept == 0 && f.stack() <= smallStack || f.kept > 0 && in.keep(f) {
		return f
	}
	in.kept -= f.kept
	f = in.coreFunc(ref)
	in.keep(f)
	return f
}
