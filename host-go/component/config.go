package component

import (
	"context"
	"runtime"
)

// Config says how components are compiled and run. The zero value is the default. The Runtime copies the
// Config.
type Config struct {
	// CacheDir is the folder of the compile cache, which keeps machine code by the hash of its source, so
	// that a component compiles once. "" means no cache: each Runtime compiles anew. Several processes may
	// share the folder: an entry appears whole, is checked when it is used, and is replaced when it is
	// damaged. A folder that cannot be written to is only read. Nothing fails because the cache cannot keep
	// an entry.
	//
	// Code from the cache runs in the process. So on Unix NewRuntime fails when a user other than this one or
	// root owns the folder or may write to it, or when its path leads through such a folder. The cache uses
	// no files of other users. A process of root's uses only what is root's. On other systems the folder's
	// permissions must keep other users out.
	CacheDir string

	// CacheBytes is how large the cache may get, in bytes. The cache first removes the entry that was not
	// used for longest. 0 is 512 MiB.
	CacheBytes int64

	// Interpreter runs core code in wazero's interpreter instead of compiling it. Loading is several times
	// quicker, and running is tens of times slower. On platforms for which wazero has no compiler, the
	// interpreter always runs.
	Interpreter bool

	// InterpreterMemory bounds the memory that the interpreter's form of a component's code may take, in
	// bytes. The Runtime estimates it before it gives a core module to the interpreter; a larger estimate
	// causes a *CodeMemoryError. The interpreter takes about 85 bytes for a byte of ordinary code, and more
	// for code that is made to take much. Compiled code and prepared components have no such bound. The
	// default is 1 GiB.
	InterpreterMemory uint64

	// Unmetered leaves guest code as it is, without safe points. Then nothing can stop a guest that loops,
	// not even the end of the context, and no garbage collection of the process completes while the guest
	// runs: a guest can freeze the process. Use it only for trusted components. Prepared components are
	// metered in any case.
	Unmetered bool

	// Limits bound each instance that has no limits of its own, from Compiled.InstantiateWith.
	Limits Limits

	// HeapMemory keeps the memories of instances on the Go heap, where each growth copies the memory.
	// Otherwise each memory has its own address space, on platforms that support this.
	HeapMemory bool

	// CompilationWorkers is how many goroutines compile one core module. 0 is GOMAXPROCS. A component that
	// was not prepared gets at least two, so that compiling can end with its context. It gets fewer than
	// CompilationWorkers when its functions are so costly that compiling many at once would need much memory.
	CompilationWorkers int

	// Turn is called by CompileChunks before it compiles a chunk, and the function that it returns after that. It may
	// wait: so a program that compiles several components can have them compile one chunk at a time, and use less memory
	// at once. Its error, such as the context's, ends CompileChunks. It must be safe for concurrent use. nil does nothing.
	Turn func(context.Context) (done func(), err error)
}

// Limits bound what one instance may use. They do not affect compiling: each instance of one Compiled may
// have its own. A field of 0 takes the value of the Runtime's Config, and the default when that is 0 too. The
// context of a call bounds its time.
type Limits struct {
	// Memory bounds what the host holds for the instance, in bytes: its core memories, tables, globals,
	// handles, core instances and component instances, and the stacks of functions whose calls are nested.
	// Bytes on the Go heap count twice, as the collector lets the heap grow to that. When a guest asks for
	// more, memory.grow and table.grow fail and the guest may go on; any other request traps with a
	// *LimitError. The values of the calls that run may take what is left of Memory, and 16 MiB when nothing
	// is left. In addition, an instance keeps up to 4 MiB of stacks for functions to be called again, and the
	// call that runs has a stack of up to 100 MB. The default is 512 MiB.
	Memory uint64

	// Fuel is how much a call may use when WithFuel gives it none, in units of Instance.FuelUsed. Each core
	// module checks it every 262,144 units, so a call can overrun a small limit. It has no effect on
	// unmetered code. The default is no limit.
	Fuel uint64

	// CallDepth bounds how deep calls from component to component may nest in one call of the host. The stack
	// that the core runtime gives to guests bounds calls within a core module: 100 MB, or 2,000 calls and 48
	// MiB in its interpreter. The default is 500.
	CallDepth int
}

// or returns the limits, with those of d for each field of 0.
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
	// Each call from component to component takes stack of the process, which a guest must not use up.
	defaultCallDepth  = 500
	defaultMemory     = 512 << 20
	defaultCacheBytes = 512 << 20
	// The largest program seen, the core of Caisson, takes three quarters of it.
	defaultInterpreterMemory = 1 << 30
	// maxTableElements bounds each table in the code itself. Browsers' engines have the same bound.
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
