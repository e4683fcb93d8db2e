package component

import "runtime"

// Config says how components are compiled and run. The zero value is the
// default; it is copied when it is given.
type Config struct {
	// CacheDir is the folder of the compile cache: machine code by content, so that a component compiles
	// once. "" is none: each Runtime compiles anew. Several processes may share it: entries appear whole,
	// are checked when they are used, and replaced when they are damaged. A folder that cannot be written
	// to is only read; nothing fails because the cache keeps nothing.
	//
	// The code in it is run. So on Unix NewRuntime fails for a folder that a user other than this one or
	// root owns or may write to, or whose path leads through such a folder, and it uses no files of other
	// users. A process of root's uses only what is root's. On other systems the folder's rights must see
	// to that.
	CacheDir string

	// CacheBytes is how large the cache may get, in bytes: the entry that was not used for longest is
	// removed first. 0 is 512 MiB.
	CacheBytes int64

	// Interpreter runs core code in wazero's interpreter instead of compiling
	// it. Loading is several times quicker, running tens of times slower. It is
	// also what wazero does on platforms it has no compiler for.
	Interpreter bool

	// InterpreterMemory bounds what the interpreter's form of a component's code may
	// take, in bytes of memory. It is estimated before a core module is given to the
	// interpreter; more is a *CodeMemoryError. It is about 85 bytes for a byte of
	// ordinary code, and more for code that is made to take much. What is compiled,
	// and what was prepared, has no such bound. The default is 1 GiB.
	InterpreterMemory uint64

	// Unmetered leaves guest code as it is, without safe points. Then a guest
	// that loops cannot be stopped, not by the end of the context either, and
	// while it runs no other goroutine's garbage collection completes: a guest
	// can freeze the process. It is only for trusted components. Prepared components are metered in any case.
	Unmetered bool

	// Limits bound each instance that is given none of its own: see
	// Compiled.InstantiateWith.
	Limits Limits

	// HeapMemory keeps the memories of instances on the Go heap, where growing
	// one copies it. Otherwise they have address space of their own, where the
	// platform has that.
	HeapMemory bool

	// CompilationWorkers is how many goroutines compile one core module. 0 is
	// GOMAXPROCS. For a component that was not prepared they are at least two, so
	// that compiling ends with its context, and fewer than this where functions are
	// so costly to compile that all together would need much memory.
	CompilationWorkers int
}

// Limits bound what one instance may use. They have no part in compiling: the
// instances of one Compiled may each have their own. A field of 0 is that of the
// Runtime's Config, and there the default. The time that a call takes is bounded by
// its context.
type Limits struct {
	// Memory bounds what the host holds for the instance, in bytes: its core
	// memories, tables, globals, handles, core instances and component instances,
	// and the stacks of functions whose calls are nested. What is on the Go heap
	// counts twice, as the collector lets the heap grow to that. A guest that asks
	// for more is refused by memory.grow and table.grow and may go on; where there
	// is nothing to refuse, it traps with a *LimitError. The values of the calls that
	// run may take what is left of it, and 16 MiB when nothing is. Beside it an
	// instance keeps up to 4 MiB of stacks for functions to be called again, and the
	// call that runs has a stack of up to 100 MB. The default is 512 MiB.
	Memory uint64

	// Fuel is how much one call may use that is given none of its own by WithFuel,
	// in units of Instance.FuelUsed. It is looked at every 262,144 units for each
	// core module, so that small limits are overrun. It has no effect on unmetered
	// code. The default is no limit.
	Fuel uint64

	// CallDepth bounds how deep calls from component to component may nest in one
	// call of the host. Calls within a core module are bounded by the stack that
	// the core runtime gives to guests: 100 MB, or 2,000 calls and 48 MiB in its
	// interpreter.
	// The default is 500.
	CallDepth int
}

// or returns the limits with those of d for what is 0.
func (l Limits) or(d Limits) Limits {
	if l.Memory == 0 {
		l.Memory = d.Memory
	}
	if l.Fuel == 0 {
		l.Fuel = d.Fuel
	}
	if l.CallDepth <= 0 {
		l.CallDepth = d.CallDepth
	}
	return l
}

const (
	// Each call from component to component takes stack of the process, which is
	// not the guest's to use up.
	defaultCallDepth  = 500
	defaultMemory     = 512 << 20
	defaultCacheBytes = 512 << 20
	// The largest that was seen of a program's, the core's own, is three quarters of it.
	defaultInterpreterMemory = 1 << 30
	// maxTableElements bounds each table in the code itself: it is what engines of
	// the web take.
	maxTableElements = 10_000_000
)

func (c *Config) withDefaults() Config {
	var out Config
	if c != nil {
		out = *c
	}
	out.Limits = out.Limits.or(Limits{Memory: defaultMemory, CallDepth: defaultCallDepth})
	if out.CacheBytes <= 0 {
		out.CacheBytes = defaultCacheBytes
	}
	if out.InterpreterMemory == 0 {
		out.InterpreterMemory = defaultInterpreterMemory
	}
	if out.CompilationWorkers <= 0 {
		out.CompilationWorkers = runtime.GOMAXPROCS(0)
	}
	return out
}

// CompilerSupported says whether core code can be compiled on this platform.
// Where it cannot, the interpreter runs it.
func CompilerSupported() bool {
	return runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"
}
