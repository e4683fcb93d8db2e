package gateway

import (
	"io"
	"net/http"
	"time"
)

const (
	// bodyTime bounds how long a client takes to send the body of a request.
	bodyTime = time.Minute
	// writeTime bounds how long a client does not read what it is sent: an answer, or an event.
	writeTime = 30 * time.Second
)

// hurry ends the connections of clients that neither send nor read: each of them keeps a goroutine and a file, and some
// keep a server from going on. An event stream on which nothing is sent may be open for as long as its client likes.
func hurry(next http.Handler, body, write time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		// The connection may have had a request before, whose times are over. A writer without times has none to set.
		_ = control.SetWriteDeadline(time.Time{})
		if r.Body != nil && r.Body != http.NoBody {
			_ = control.SetReadDeadline(time.Now().Add(body))
			r.Body = &timedBody{r.Body, control}
		}
		next.ServeHTTP(&timedWriter{w, control, write}, r)
		_ = control.SetWriteDeadline(time.Now().Add(write)) // For what is still to be sent.
	})
}

// A timedBody is a body until whose end there is only so much time.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

// Read reads a part of the body. Behind its end the connection is watched for the client's going, without a time.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// A timedWriter writes to a client that has only so much time to read each part.
type timedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	time    time.Duration
}

// Write writes a part.
func (w *timedWriter) Write(p []byte) (int, error) {
	defer w.begin()()
	return w.ResponseWriter.Write(p)
}

// FlushError sends what was written.
func (w *timedWriter) FlushError() error {
	defer w.begin()()
	return w.control.Flush()
}

// Flush is for who does not ask for an error.
func (w *timedWriter) Flush() { _ = w.FlushError() }

func (w *timedWriter) begin() (end func()) {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.time))
	return func() { _ = w.control.SetWriteDeadline(time.Time{}) }
}

// Unwrap is for an [http.ResponseController].
func (w *timedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
