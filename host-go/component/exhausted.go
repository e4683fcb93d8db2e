package component

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// isExhausted reports whether an error says that the host has no more descriptors, memory or room on a disk.
func isExhausted(err error) bool {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return false
	}
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EAGAIN, syscall.ENOSPC:
		return true
	}
	return false
}

// newModule instantiates a core module. It turns a panic into an error: the core runtime panics when the
// system gives no memory for the first size of a linear memory.
func (in *Instance) newModule(ctx context.Context, code wazero.CompiledModule) (m api.Module, err error) {
	defer func() {
		x := recover()
		if lack, ok := x.(runtime.Error); ok {
			m, err = nil, fmt.Errorf("no memory for it: %w", errors.Join(lack, syscall.ENOMEM))
		} else if x != nil {
			panic(x)
		}
	}()
	return in.c.r.core.InstantiateModule(ctx, code, anonymous)
}
