package egress

import (
	"io"
	"os"
	"sync"
	"time"
)

// Bounds on reading on when a command has gone and something else holds its output open.
const (
	// grace is how long to wait for more.
	grace = 250 * time.Millisecond
	// leftover is how much to read: no system's pipe holds more.
	leftover = 1 << 20
)

// output is the reading end of a command's standard output or error. A process that left the
// command's group can hold the other end open for ever; so once the command is gone, a Read that
// waits for longer than grace ends the output.
type output struct {
	file *os.File

	mu      sync.Mutex
	reading bool
	gone    bool
	left    int // bytes, once gone
	timer   *time.Timer
}

// Read reads as an io.Reader does. It returns io.EOF for any end.
func (o *output) Read(b []byte) (int, error) {
	o.mu.Lock()
	o.reading = true
	if o.gone {
		o.arm()
	}
	o.mu.Unlock()

	n, err := o.file.Read(b)

	o.mu.Lock()
	defer o.mu.Unlock()
	o.reading = false
	if o.timer != nil {
		o.timer.Stop()
	}
	if o.gone {
		o.left -= n
	}
	if err != nil || o.left < 0 {
		return n, io.EOF
	}
	return n, nil
}

// expire says that the command is gone.
func (o *output) expire() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gone, o.left = true, leftover
	if o.reading {
		o.arm()
	}
}

// arm has the file closed after grace, which ends a Read that waits.
func (o *output) arm() {
	o.timer = time.AfterFunc(grace, func() { o.file.Close() })
}
