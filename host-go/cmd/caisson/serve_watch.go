package main

import (
	"context"
	"os"
	"os/signal"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
)

// watchEvery is how often the configuration is looked at.
const watchEvery = time.Second

// watch reads the configuration again when the file changes, or the user asks for it with SIGHUP. A file with a
// mistake changes nothing.
func (s *servedFile) watch(ctx context.Context, g *gateway.Gateway) {
	asked := make(chan os.Signal, 1)
	if len(reloadSignals) > 0 {
		signal.Notify(asked, reloadSignals...)
		defer signal.Stop(asked)
	}
	look := time.NewTicker(watchEvery)
	defer look.Stop()
	for seen := configStateOf(s.path); ; {
		select {
		case <-ctx.Done():
			return
		case <-asked:
		case <-look.C:
			if now := configStateOf(s.path); now == seen {
				continue
			} else {
				seen = now
			}
		}
		next, err := s.again()
		if err == nil {
			err = g.Reload(next)
		}
		if err != nil {
			s.app.err.Say("the configuration has changed, and is not used: %v", err)
			continue
		}
		s = next
		s.app.err.Say("the configuration was read again")
	}
}

// configState is what tells that a file has changed.
type configState struct {
	size     int64
	modified time.Time
}

func configStateOf(path string) configState {
	info, err := os.Stat(path)
	if err != nil {
		return configState{}
	}
	return configState{info.Size(), info.ModTime()}
}
