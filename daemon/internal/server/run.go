package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/daemon/internal/access"
)

const (
	// maxStreams bounds the calls of one connection that are underway.
	maxStreams = 1000
	// silence is how long the other end of a connection of HTTP/2 may be silent before it is asked whether it is there,
	// and pingWait how long it may take to answer. Then its calls end.
	silence  = 30 * time.Second
	pingWait = 15 * time.Second
	// answerWait is how long the answers of calls that are ended may take to go out.
	answerWait = time.Second
)

// Serve serves the listeners until the context ends, and for the configuration's drainDelay after it, or until somebody
// has the daemon drain; then it waits for the calls that are underway, for as long as the configuration says, and ends.
// It closes the listeners.
func (s *Server) Serve(ctx context.Context, listeners []net.Listener) error {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{
		Handler: patient(s.handler, writeWait), ConnContext: access.ConnContext, ConnState: s.connections.state, Protocols: protocols,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: silence, PingTimeout: pingWait, WriteByteTimeout: writeWait},
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, len(listeners))
	for _, listener := range listeners {
		go func() { failed <- server.Serve(listener) }()
	}
	var err error
	select {
	case <-ctx.Done():
		s.leave()
		err = s.linger(failed)
	case <-s.draining:
	case err = <-failed:
	}
	s.drain()
	patience := s.drainTimeout()
	waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	s.log.Info("the daemon ends when the calls that are underway have", "within", patience)
	var draining sync.WaitGroup
	draining.Go(func() { s.runs.Drain(waiting) })
	if s.cluster != nil {
		draining.Go(func() { s.cluster.Drain(waiting) })
	}
	if late := server.Shutdown(waiting); late != nil {
		s.log.Warn("calls were underway for too long, and are ended")
		s.pool.Close() // The calls end with CLOSED: their callers are to hear it before their connections end.
		answering, stop := context.WithTimeout(context.WithoutCancel(ctx), answerWait)
		if server.Shutdown(answering) != nil {
			_ = server.Close()
		}
		stop()
	}
	draining.Wait()
	s.tellAsleep()
	s.Close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
