package component

import "runtime"

// Config says how components are compiled and run. The zero value is the
// default; it is copied when it is given.
type Config struct {
	// CacheDir is the folder of the compile cache: machine code by content, so
	// that a component compiles once. "" is none: each Runtime compiles anew.
	// Several processes may share it: entries appear whole, are checked when they
	// are used, and replaced when they are damaged. Where it cannot be written to
	// it is read; nothing fails because nothing can be kept.
	//
	// The code in it is run. So on Unix NewRuntime fails for a folder that
	// somebody else than this user or root owns or may write to, or whose path
	// leads through one, and files that are another's are not used; for a process
	// of root's, only what is root's is good. Elsewhere that is left to the
	// folder's rights.
	CacheDir string

	// CacheBytes is how large the cache may get: what was not used for longest
	// goes first. 0 is 512 MiB.
	CacheBytes int64

	// Interpreter runs core code in wazero's interpreter instead of compiling
	// it. Loading is several times quicker, running tens of times slower. It is
	// also what wazero does on platforms it has no compiler for.
	Interpreter bool

	// MemoryLimitPages bounds the core memories of an instance, taken together,
	// in pages of 64 KiB. A guest that asks for more is refused by memory.grow
	// and may go on. 0 is 8192 (512 MiB).
	MemoryLimitPages uint32

	// Unmetered leaves guest code as it is, without safe points. Then a guest
	// that loops cannot be stopped, not by the end of the context either, and
	// while it runs no other goroutine's garbage collection completes: a guest
	// can freeze the process. It is for trusted components alone. Prepared ones
	// are metered all the same.
	Unmetered bool

	// Limits bound what a guest may use beside memory.
	Limits Limits

	// HeapMemory keeps the memories of instances on the Go heap, where growing
	// one copies it. Otherwise they have address space of their own, where the
	// platform has that.
	HeapMemory bool

	// CompilationWorkers is how many goroutines compile one core module. 0 is
	// GOMAXPROCS.
	CompilationWorkers int
}

// Limits bound what a guest may use. The time a call takes is bounded by its
// context.
type Limits struct {
	// Fuel is how much one call may use, in units of Instance.FuelUsed. It is
	// looked at every 262,144 units for each core module, so that small limits are
	// overrun. It has no effect on unmetered code. 0 is no limit.
	Fuel uint64

	// CallDepth bounds how deep calls from component to component may nest in one
	// call of the host. Calls within a core module are bounded by the stack that
	// the core runtime gives to guests: 50 MB, or 2,000 calls in its interpreter.
	// 0 is 500.
	CallDepth int

	// TableElements bounds each core table. A guest that asks for more is
	// refused by table.grow; a component whose tables start with more is not
	// compiled. 0 is 1,048,576.
	TableElements uint32
}

const (
	// Each call from component to component takes stack of the process, which is
	// not the guest's to use up.
	defaultCallDepth     = 500
	defaultTableElements = 1 << 20
	defaultMemoryPages   = 8192
	defaultCacheBytes    = 512 << 20
	maxMemoryPages       = 65536
)

func (c *Config) withDefaults() Config {
	var out Config
	if c != nil {
		out = *c
	}
	if out.MemoryLimitPages == 0 {
		out.MemoryLimitPages = defaultMemoryPages
	}
	if out.Limits.TableElements == 0 {
		out.Limits.TableElements = defaultTableElements
	}
	if out.Limits.CallDepth <= 0 {
		out.Limits.CallDepth = defaultCallDepth
	}
	if out.CacheBytes <= 0 {
		out.CacheBytes = defaultCacheBytes
	}
	out.MemoryLimitPages = min(out.MemoryLimitPages, maxMemoryPages)
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
