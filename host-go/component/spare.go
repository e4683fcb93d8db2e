package component

import (
	"errors"
	"os"
	"sync"
	"syscall"
)

// spare is a file descriptor that is kept for the moment when the process has no others. A core runtime with
// a cache cannot compile without a descriptor.
type spare struct {
	mu   sync.Mutex
	file *os.File
}

// open opens the descriptor, if the system gives one.
func (s *spare) open() {
	if s.file == nil {
		s.file, _ = os.Open(os.DevNull)
	}
}

// lend runs f again when err says that there were no descriptors. Meanwhile the spare descriptor is free
// for f.
func (s *spare) lend(err error, f func() error) {
	if !outOfDescriptors(err) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Another goroutine may be quicker to take the descriptor.
	for try := 0; try < 3 && outOfDescriptors(err); try++ {
		s.shut()
		err = f()
		s.open()
	}
}

func (s *spare) shut() {
	if s.file != nil {
		_ = s.file.Close()
		s.file = nil
	}
}

func (s *spare) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut()
}

func outOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
