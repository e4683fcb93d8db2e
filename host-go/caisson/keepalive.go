package caisson

import (
	"context"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// keepAlive pings the server until the session ends, and ends the session when no answer comes within
// the interval.
func (s *Session) keepAlive(interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-s.core.Context().Done():
			return
		case <-ticker.C:
		}
		ctx, cancel := context.WithTimeout(s.core.Context(), interval)
		err := s.Ping(ctx, nil)
		late := ctx.Err() != nil
		cancel()
		if err == nil || !late || s.core.Context().Err() != nil {
			continue // Whatever the server has answered, it is there; and a lost connection ends by itself.
		}
		s.core.Abandon(&engine.Failure{
			Kind: engine.Timeout, Step: "ping", Err: err,
			Message: "the server has not answered a ping within ClientOptions.KeepAlive, " + interval.String(),
		})
		return
	}
}
