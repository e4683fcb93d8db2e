package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
)

// Whoever reaches the port may ask for the health, and nobody has to say who they are: so what it costs is little.
const (
	// maxHealthBytes bounds a question: it has the name of a service.
	maxHealthBytes = 4 << 10
	// healthWait bounds how long a question may take to come.
	healthWait = 10 * time.Second
	// maxWatchers bounds the streams that tell of changes.
	maxWatchers = 1000
)

// A healthService is grpc.health.v1. Streams that watch it end when the daemon drains, after they have said so.
type healthService struct {
	*grpchealth.StaticChecker
	watchers chan struct{} // has room for those that there may be
}

func newHealth() *healthService {
	return &healthService{StaticChecker: grpchealth.NewStaticChecker(services...), watchers: make(chan struct{}, maxWatchers)}
}

// drain says that nothing is served any more.
func (h *healthService) drain() {
	for _, name := range append([]string{""}, services...) {
		h.SetStatus(name, grpchealth.StatusNotServing)
	}
}

// handler serves it.
func (h *healthService) handler() (path string, handler http.Handler) {
	path, next := grpchealth.NewHandler(h, connect.WithReadMaxBytes(maxHealthBytes), boundedGzip())
	return path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(healthWait))
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHealthBytes))
		_ = control.SetReadDeadline(time.Time{})
		if err != nil {
			http.Error(w, "the question is too long, or too slow", http.StatusRequestEntityTooLarge)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), watchKey{}, &watch{}))
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

type watchKey struct{}

// A watch is what is known of one request. Its own goroutine has it.
type watch struct {
	again func() // has the stream check again; nil where the request is no stream
	told  bool   // it has said that nothing is served
}

// Watch implements [grpchealth.Watcher].
func (h *healthService) Watch(ctx context.Context, r *grpchealth.CheckRequest, changed func()) (stop func(), err error) {
	select {
	case h.watchers <- struct{}{}:
	default:
		return nil, connect.NewError(connect.CodeResourceExhausted, errors.New("too many watch the health: ask for it from time to time"))
	}
	remove, err := h.StaticChecker.Watch(ctx, r, changed)
	if err != nil {
		<-h.watchers
		return nil, err
	}
	if w, ok := ctx.Value(watchKey{}).(*watch); ok {
		w.again = changed
	}
	return func() {
		remove()
		<-h.watchers
	}, nil
}

// Check implements [grpchealth.Checker]. A stream that has said that nothing is served asks once more, and ends.
func (h *healthService) Check(ctx context.Context, r *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	response, err := h.StaticChecker.Check(ctx, r)
	w, _ := ctx.Value(watchKey{}).(*watch)
	if err != nil || response.Status == grpchealth.StatusServing || w == nil || w.again == nil {
		return response, err
	}
	if w.told {
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("the daemon ends"))
	}
	w.told = true
	w.again()
	return response, nil
}
