// Command load has programs connect sessions, call them, run scripts and submit runs, on several daemons that share a NATS
// server, all of them processes on this machine, while daemons are killed, NATS is killed, and a network is cut, or loses
// what is sent. It fails when something that was acknowledged is lost, something with an effect is done twice, a submitted
// run is lost or made twice, an error has no code, or something has not ended at its deadline. `make load` runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// options are the flags.
type options struct {
	caissond, natsServer    string
	nodes, programs         int
	sessions, atOnce, calls int
	scripts                 int
	runs                    struct {
		count    int
		deadline time.Duration
	}
	pause, deadline, slow, lost, silent, limit time.Duration
}

func (o *options) check() error {
	if o.nodes < 3 || o.programs < 1 || o.calls < 1 || o.scripts < 0 || o.runs.count < 0 || o.pause < 0 {
		return errors.New("there are to be 3 daemons, a program and a call of each session, or more")
	}
	if o.slots() < 1 {
		return fmt.Errorf("%d sessions at once on each of %d daemons are fewer than the programs, which are %d", o.atOnce, o.nodes, o.programs)
	}
	if o.sessions < 10 || o.scripts > o.sessions || o.runs.count > o.sessions {
		return errors.New("there are to be 10 sessions or more, and not more scripts or submitted runs than sessions")
	}
	return nil
}

// slots is how many sessions one program has at once.
func (o *options) slots() int { return o.atOnce * o.nodes / o.programs }

func main() {
	o := &options{}
	flag.StringVar(&o.caissond, "caissond", "bin/caissond", "the program of the daemon")
	flag.StringVar(&o.natsServer, "nats-server", "build/load/nats-server", "the program of NATS")
	flag.IntVar(&o.nodes, "nodes", 3, "daemons, at least 3")
	flag.IntVar(&o.programs, "programs", 10, "programs, each of which is a principal")
	flag.IntVar(&o.sessions, "sessions", 300, "sessions that are connected, and more until all phases are over; for every second one its server keeps something")
	flag.IntVar(&o.atOnce, "at-once", 20, "sessions that are open at once, for each daemon")
	flag.IntVar(&o.calls, "calls", 8, "calls of a tool by each session, through daemons at random")
	flag.DurationVar(&o.pause, "pause", 0, "before each call of a session, on average: 0 has programs call as fast as they are answered")
	flag.IntVar(&o.scripts, "scripts", 30, "scripts, for so many sessions, each of which calls the tool four times")
	flag.IntVar(&o.runs.count, "runs", 30, "submitted runs of the same script, for so many sessions, each with an idempotency key, and watched to its end")
	flag.DurationVar(&o.runs.deadline, "run-deadline", 2*time.Minute, "of each submitted run, from its submission to its end")
	flag.DurationVar(&o.deadline, "deadline", 5*time.Second, "of each call")
	flag.DurationVar(&o.slow, "slow-deadline", 30*time.Second, "of each connecting, of each script, and of each submission")
	flag.DurationVar(&o.lost, "cut", 5*time.Second, "how long NATS is away, and the network is cut")
	flag.DurationVar(&o.silent, "silent", 20*time.Second, "how long the network loses what is sent; a lease is 15 s")
	flag.DurationVar(&o.limit, "limit", time.Hour, "for all of it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	err := run(ctx, o)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// run starts everything, and goes through the phases: each begins when a further part of the sessions has been connected.
func run(ctx context.Context, o *options) error {
	if err := o.check(); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "caisson-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	m := &machine{options: o, folder: folder}
	defer m.stop()
	began := time.Now()
	if err := m.start(ctx); err != nil {
		return err
	}
	fmt.Printf("%d daemons and NATS have started in %v\n", o.nodes, time.Since(began).Round(time.Millisecond))
	phases := []struct {
		name string
		do   func() error
	}{
		{"all is well", func() error { return nil }},
		{"a daemon is killed, and another one started", func() error { return m.replace(ctx, 0) }},
		{"NATS is killed, and started again", func() error {
			if err := m.nats.kill(); err != nil {
				return err
			}
			pause(ctx, o.lost)
			return m.startNATS(ctx)
		}},
		{"the network of a daemon is cut", func() error {
			m.wire.cut()
			pause(ctx, o.lost)
			m.wire.join()
			return nil
		}},
		{"what a daemon sends to NATS is lost", func() error { return m.lose(ctx, there) }},
		{"what NATS sends to a daemon is lost", func() error { return m.lose(ctx, back) }},
		{"a second daemon is killed, and another one started", func() error { return m.replace(ctx, 1) }},
	}
	l := newLoad(m)
	l.phase(phases[0].name)
	l.begin(ctx)
	for i, phase := range phases[1:] {
		if err := l.await(ctx, (i+1)*o.sessions/len(phases)); err != nil {
			return err
		}
		m.measure()
		l.phase(phase.name)
		if err := phase.do(); err != nil {
			return err
		}
	}
	l.over.Store(true)
	if err := l.await(ctx, o.sessions); err != nil {
		return err
	}
	m.measure()
	l.working.Wait()
	l.phase("")
	return l.report(os.Stdout)
}

// pause waits. It is a load, and not a test: what happens meanwhile is counted.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
