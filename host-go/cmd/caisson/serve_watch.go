package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
)

// watchEvery is how often the files are looked at.
const watchEvery = time.Second

// watchFiles calls a function when one of the files has changed, or the user asks for it with SIGHUP. A file that still
// changes from one look to the next is not ready: half of a policy may be a policy, and grant more than the whole.
func watchFiles(ctx context.Context, paths []string, changed func()) {
	asked := make(chan os.Signal, 1)
	if len(reloadSignals) > 0 {
		signal.Notify(asked, reloadSignals...)
		defer signal.Stop(asked)
	}
	look := time.NewTicker(watchEvery)
	defer look.Stop()
	read := statesOf(paths)
	for last := read; ; {
		select {
		case <-ctx.Done():
			return
		case <-asked:
			read = statesOf(paths)
		case <-look.C:
			now := statesOf(paths)
			ready := slices.Equal(now, last)
			if last = now; !ready || slices.Equal(now, read) {
				continue
			}
			read = now
		}
		changed()
	}
}

func statesOf(paths []string) []fileState {
	states := make([]fileState, len(paths))
	for i, path := range paths {
		states[i] = stateOf(path)
	}
	return states
}

// stillFiles fails for what is no ordinary file now: to open a pipe waits for somebody who writes, and nothing would be
// read again after that.
func stillFiles(paths ...string) error {
	for _, path := range paths {
		if now := stateOf(path); now.exists && !now.mode.IsRegular() {
			return fmt.Errorf("%s is no ordinary file now: put one there", path)
		}
	}
	return nil
}

// watch reads the configuration again when it changes. A file with a mistake changes nothing.
func (s *servedFile) watch(ctx context.Context, g *gateway.Gateway) {
	watchFiles(ctx, []string{s.path}, func() {
		next, err := s, stillFiles(s.path)
		if err == nil {
			next, err = s.again()
		}
		if err == nil {
			err = g.Reload(next)
		}
		if err != nil {
			s.app.err.Say("the configuration has changed, and is not used: %v", err)
			return
		}
		s = next
		s.app.err.Say("the configuration was read again")
	})
}

// watchPolicy reads the policy and the lock file again when one of them changes. The old ones hold on where the new
// ones have a mistake.
func (a *app) watchPolicy(ctx context.Context, f *governanceFlags, held caisson.Governance, g *gateway.Gateway) {
	if held.Policy == nil {
		return
	}
	path, err := f.path()
	if err != nil {
		return // There was none a moment ago.
	}
	paths := []string{path}
	if held.Pins != nil {
		paths = append(paths, held.Pins.Path())
	}
	watchFiles(ctx, paths, func() {
		err := stillFiles(paths...)
		if err == nil {
			err = f.again(&held, g)
		}
		if err != nil {
			a.err.Say("the policy has changed, and the old one holds: %v", err)
			return
		}
		a.err.Say("the policy was read again")
	})
}

// again has a gateway take the policy and the lock file as they are now.
func (f *governanceFlags) again(held *caisson.Governance, g *gateway.Gateway) error {
	p, _, err := f.load()
	if err != nil {
		return err
	}
	if p == nil {
		return errPolicy(errors.New("the file is not there any more: start serve again to be without a policy"))
	}
	if was, is := held.Policy.Rules().Audit, p.Rules().Audit; is != nil && was != nil && (was.File != is.File || was.MaxBytes != is.MaxBytes || was.Files != is.Files) {
		return errPolicy(errors.New("audit names another file, or other bounds for it: start serve again"))
	}
	if held.Pins != nil {
		if err := held.Pins.Reload(); err != nil {
			return errPolicy(err)
		}
	}
	if err := g.SetPolicy(p); err != nil {
		return err
	}
	held.Policy = p
	return nil
}
