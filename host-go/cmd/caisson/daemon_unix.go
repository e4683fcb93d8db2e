//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
)

// become replaces this process: the daemon gets its number and so its signals, and the sockets of a service manager.
func (a *app) become(_ context.Context, path string, args []string) error {
	err := syscall.Exec(path, append([]string{path}, args...), os.Environ())
	return fmt.Errorf("starting %s: %w", path, err) // It does not return otherwise.
}
