package server

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// writeWait bounds how long a caller may leave unread what is sent to it. Then its call ends, so that it holds neither a
// session nor what waits for it.
const writeWait = time.Minute

// patient has what is written wait for so long, and no longer.
func patient(next http.Handler, wait time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &patientWriter{ResponseWriter: w, wait: wait}
		defer p.end()
		next.ServeHTTP(p, r)
	})
}

// A patientWriter writes as long as the caller reads.
type patientWriter struct {
	http.ResponseWriter
	wait time.Duration

	mu      sync.Mutex
	writing int // which of the writes is underway; 0 for none
	last    int
	over    bool // the handler has returned
}

// errReturned is why something is not written.
var errReturned = errors.New("the handler has returned")

// end has nothing more be written: that would end the process.
func (w *patientWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
}

// bounded does something that may have to wait for the caller.
func (w *patientWriter) bounded(write func() error) error {
	w.mu.Lock()
	if w.over {
		w.mu.Unlock()
		return errReturned
	}
	w.last++
	w.writing = w.last
	this := w.last
	w.mu.Unlock()
	timer := time.AfterFunc(w.wait, func() {
		w.mu.Lock() // Until then the write is underway, and the handler has not returned.
		defer w.mu.Unlock()
		if w.writing == this {
			_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Unix(1, 0))
		}
	})
	defer timer.Stop()
	err := write()
	w.mu.Lock()
	w.writing = 0
	w.mu.Unlock()
	return err
}

// Write implements [http.ResponseWriter].
func (w *patientWriter) Write(b []byte) (n int, err error) {
	err = w.bounded(func() (err error) {
		n, err = w.ResponseWriter.Write(b)
		return err
	})
	return n, err
}

// Flush implements [http.Flusher].
func (w *patientWriter) Flush() {
	_ = w.bounded(func() error { return http.NewResponseController(w.ResponseWriter).Flush() })
}

// Unwrap is for [http.ResponseController].
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
