// Package isolate runs the guests of a runtime, which are the sandboxes of sessions and of scripts, in processes of
// their own: workers (caisson.RuntimeOptions.Isolation). A program that wants this calls [Main] first of all:
//
//	isolate.Main()
//
// The program starts itself again for each worker. A worker has the code of the sandbox and what the guest has in its
// memory, and nothing else: no environment, no credentials, no connection, and no folder. What the guest asks for
// is done by the program that has started it. On Linux the kernel confines workers besides, by Landlock and seccomp: they can
// open nothing but compiled code, make no socket, and run no program.
package isolate

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/isolation"
	"github.com/caisson-dev/caisson/host-go/internal/selfexec"
)

// Main makes the program able to be its own worker. In a process that was started as a worker it is one, and does not
// return. It has to be called before the program does anything else, such as reading its arguments, and may be called
// more than once.
func Main() {
	if selfexec.For(isolation.Name, 3) {
		os.Exit(work(os.Args[1], os.Args[2], os.Args[3]))
	}
	isolation.Register()
}

// work is a worker, from its start to its end.
func work(what, folder, scratch string) int {
	// The pipes are taken from their numbers, so that nothing else in the process prints into them.
	in, out := os.Stdin, os.Stdout
	os.Stdin, os.Stdout = nil, os.Stderr
	if err := restrict(what, folder, scratch); err != nil {
		fmt.Fprintf(os.Stderr, "the kernel does not confine this worker: %v\n", err)
	}
	if err := component.Serve(context.Background(), connection{newInput(in), out}); err != nil {
		fmt.Fprintf(os.Stderr, "the worker ends: %v\n", err)
		return 1
	}
	return 0
}

type connection struct {
	io.Reader
	io.Writer
}

// An input reads ahead, so that the end of the pipe, which is the end of the process that has started this one, ends
// this one in the middle of anything.
type input struct {
	parts chan []byte
	taken chan struct{} // the part that was read last is used up
	rest  []byte
}

// partBytes is how much is read ahead.
const partBytes = 64 << 10

func newInput(from io.Reader) *input {
	in := &input{parts: make(chan []byte), taken: make(chan struct{})}
	go func() {
		b := make([]byte, partBytes)
		for {
			n, err := from.Read(b)
			if n > 0 {
				in.parts <- b[:n]
				<-in.taken
			}
			if err != nil {
				os.Exit(0)
			}
		}
	}()
	return in
}

// Read returns what was read ahead.
func (in *input) Read(b []byte) (int, error) {
	if len(in.rest) == 0 {
		in.rest = <-in.parts
	}
	n := copy(b, in.rest)
	if in.rest = in.rest[n:]; len(in.rest) == 0 {
		in.taken <- struct{}{}
	}
	return n, nil
}
