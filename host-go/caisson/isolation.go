package caisson

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/internal/isolation"
)

// An Isolation says where the guests of a [Runtime] run. What they may do is the same everywhere.
type Isolation string

const (
	// IsolationSandbox has guests run in this process, in WebAssembly's sandbox: the quickest.
	IsolationSandbox Isolation = "sandbox"
	// IsolationProcess has each guest run in a process of its own, a worker, besides: for programs that want the memory of a
	// guest or of compiling back, or one more wall. A worker has no credentials, no environment and no connection; all that
	// a guest asks for is done by this process. On Linux the kernel confines it. Nothing is compiled in this process.
	//
	// A worker that ends, or that does not answer in time, ends its session or its script with [CodeTrap], as a trap
	// does; the next one has another worker. Until the core is compiled the first sessions wait, for nothing runs in the
	// interpreter. Plugins are not a runtime's guests: they run in the process.
	IsolationProcess Isolation = "process"
)

// workers returns what starts workers, or nil where there are none.
func (o *RuntimeOptions) workers() (*isolation.Workers, error) {
	switch {
	case o.Isolation == IsolationSandbox:
		return nil, nil
	case o.Isolation != IsolationProcess:
		return nil, errOption(fmt.Sprintf("RuntimeOptions.Isolation is %q: it may be %q or %q", o.Isolation, IsolationSandbox, IsolationProcess))
	case o.MaxWorkers < 0:
		return nil, errOption("RuntimeOptions.MaxWorkers is negative")
	}
	w, err := isolation.New(o.WorkerProgram, o.MaxWorkers, o.Logger)
	if err != nil {
		return nil, &Error{Code: CodeInvalidArgument, Step: "isolation", Message: err.Error(), Err: err}
	}
	return w, nil
}
