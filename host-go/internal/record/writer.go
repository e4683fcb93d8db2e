package record

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"
	"time"
)

const (
	// MaxWaiting bounds the bytes that wait for a slow writer. A recording that falls further behind
	// ends: the session does not wait for it.
	MaxWaiting = 64 << 20
	// LastWait is how long Close waits for the writer.
	LastWait = 5 * time.Second
	// endRoom is kept for the last line.
	endRoom = 256
)

// Options say how a [Writer] works.
type Options struct {
	// Limit bounds the recording, in bytes. A longer one ends with the reason Limit.
	Limit int64
	// Secrets are hidden wherever they occur.
	Secrets []string
	// Learned returns further secrets, when there is something to write. The Writer's goroutine calls it.
	// Nil returns none.
	Learned func() []string
	// Failed is called, at most once and from any goroutine, with the reason why the recording is not whole.
	Failed func(error)
}

// A Writer writes a recording in a separate goroutine: adding an entry never waits.
// Entries are brought by one goroutine at a time. A nil Writer records nothing.
type Writer struct {
	options Options
	to      io.WriteCloser

	mu     sync.Mutex
	items  []item
	bytes  int // of the items that are not yet written
	closed bool
	reason string
	wake   chan struct{}
	done   chan struct{}
	failed sync.Once

	// The rest belongs to the goroutine.
	buffer   *bufio.Writer
	sum      hash.Hash
	written  int64
	redact   *redactor
	streams  streams
	held     []*waiting
	readings Entry // not yet written
	over     bool  // nothing more is written
}

// NewWriter begins a recording. The Writer closes to.
func NewWriter(to io.WriteCloser, header Header, options Options) *Writer {
	r := newRedactor(options.Secrets)
	w := &Writer{
		options: options, to: to, wake: make(chan struct{}, 1), done: make(chan struct{}),
		buffer: bufio.NewWriter(to), sum: sha256.New(), redact: r,
		streams: streams{redactor: r, open: map[uint32][]part{}},
	}
	header.Version = Version
	go w.run(header)
	return w
}

// Call records that the host calls an export.
func (w *Writer) Call(name string, args []any) {
	if w == nil {
		return
	}
	values := slices.Clone(args)
	for i, v := range values {
		if list, ok := v.([]any); ok {
			values[i] = slices.Clone(list) // The caller uses it again.
		}
	}
	w.put(item{kind: Call, name: name, values: values})
}

// Import records that the core has called an import, and what it was given.
func (w *Writer) Import(name string, args, results []any, err error) {
	it := item{kind: Import, name: name, values: args, results: results}
	if err != nil {
		it.err = err.Error()
	}
	w.put(it)
}

// Reading records a reading of a clock, in nanoseconds.
func (w *Writer) Reading(kind string, nanoseconds int64) {
	w.put(item{kind: kind, number: nanoseconds})
}

// Random records random bytes that the core drew.
func (w *Writer) Random(b []byte) { w.put(item{kind: Random, bytes: slices.Clone(b)}) }

// Trap records that the core has trapped. Nothing but the end comes after.
func (w *Writer) Trap(err error) {
	if w != nil {
		w.put(item{kind: Trap, err: err.Error()})
	}
}

func (w *Writer) put(it item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	if w.bytes += it.size(); w.bytes > MaxWaiting {
		w.closed, w.reason = true, Limit
	} else {
		w.items = append(w.items, it)
	}
	w.signal()
}

// signal wakes the goroutine.
func (w *Writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Close ends the recording, and waits until it is written, or until a writer that hangs has had
// its time.
func (w *Writer) Close() {
	if w == nil {
		return
	}
	w.mu.Lock()
	if !w.closed {
		w.closed, w.reason = true, Closed
	}
	w.signal()
	w.mu.Unlock()
	late := time.NewTimer(LastWait)
	defer late.Stop()
	select {
	case <-w.done:
	case <-late.C:
		w.fail(fmt.Errorf("it was not written within %v", LastWait))
	}
}

func (w *Writer) fail(err error) { w.failed.Do(func() { w.options.Failed(err) }) }

// run is the goroutine.
func (w *Writer) run(header Header) {
	defer close(w.done)
	w.line(header)
	for {
		<-w.wake
		w.mu.Lock()
		items, closed, reason := w.items, w.closed, w.reason
		w.items = nil
		w.mu.Unlock()
		if w.options.Learned != nil {
			for _, secret := range w.options.Learned() {
				w.redact.add(secret)
			}
		}
		for _, it := range items {
			w.write(it)
		}
		if closed {
			w.finish(reason)
			return
		}
		if err := w.buffer.Flush(); err != nil {
			w.lose(err)
		}
	}
}
