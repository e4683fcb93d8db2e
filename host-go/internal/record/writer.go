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
	// MaxWaiting bounds the bytes that wait for a slow writer. A recording with more bytes waiting ends,
	// because the session does not wait for the writer.
	MaxWaiting = 64 << 20
	// LastWait bounds how long Close waits for the writer.
	LastWait = 5 * time.Second
	// endRoom is the room that is kept for the last line.
	endRoom = 256
)

// Options say how a [Writer] works.
type Options struct {
	// Limit bounds the recording, in bytes. At the bound the recording ends with the reason Limit.
	Limit int64
	// Secrets are hidden wherever they occur.
	Secrets []string
	// Whole has the recording written when it is closed, and not before: a secret that shows itself as one late is hidden
	// from the beginning.
	Whole bool
	// Learned returns more secrets. The Writer's goroutine calls it before it writes. It may be nil.
	Learned func() []string
	// Failed gets the reason that the recording is not whole. It is called at most once, from any goroutine.
	Failed func(error)
}

// A Writer writes a recording in a separate goroutine: adding an entry never waits. Only one goroutine at a
// time may add entries. A nil Writer records nothing.
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

	// Only the goroutine uses the fields below.
	buffer   *bufio.Writer
	sum      hash.Hash
	written  int64
	redact   *redactor
	streams  streams
	held     []*waiting
	readings Entry // readings that are not yet written
	over     bool  // nothing more is written
}

// NewWriter begins a recording. The Writer closes the WriteCloser.
func NewWriter(to io.WriteCloser, header Header, options Options) *Writer {
	r := newRedactor(options.Secrets)
	w := &Writer{
		options: options, to: to, wake: make(chan struct{}, 1), done: make(chan struct{}),
		buffer: bufio.NewWriter(to), sum: sha256.New(), redact: r,
		streams: streams{redactor: r, open: map[uint32][]part{}},
	}
	if header.Script != nil {
		header.ScriptVersion = ScriptVersion
	} else {
		header.Version = Version
	}
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
			values[i] = slices.Clone(list) // The caller reuses the list.
		}
	}
	w.put(item{kind: Call, name: name, values: values})
}

// Import records that the core has called an import, with its arguments and results.
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

// Trap records that the core has trapped. Only the end may follow.
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
	if !w.options.Whole || w.closed {
		w.signal()
	}
}

// signal wakes the goroutine.
func (w *Writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Close ends the recording. It waits until the recording is written, but at most LastWait.
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

// run is the main function of the goroutine.
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
		if w.options.Whole {
			for _, it := range items {
				w.redact.learnEach(it.values)
				w.redact.learnEach(it.results)
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
