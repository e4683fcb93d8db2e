package server

import (
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
		next.ServeHTTP(&patientWriter{ResponseWriter: w, wait: wait}, r)
	})
}

// A patientWriter writes as long as the caller reads.
type patientWriter struct {
	http.ResponseWriter
	wait time.Duration

	mu      sync.Mutex
	writing int // which of the writes is underway; 0 for none
	last    int
}

// bounded does something that may have to wait for the caller.
func (w *patientWriter) bounded(write func()) {
	w.mu.Lock()
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
	write()
	w.mu.Lock()
	w.writing = 0
	w.mu.Unlock()
}

// Write implements [http.ResponseWriter].
func (w *patientWriter) Write(b []byte) (n int, err error) {
	w.bounded(func() { n, err = w.ResponseWriter.Write(b) })
	return n, err
}

// Flush implements [http.Flusher].
func (w *patientWriter) Flush() {
	w.bounded(func() { _ = http.NewResponseController(w.ResponseWriter).Flush() })
}

// Unwrap is for [http.ResponseController].
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
