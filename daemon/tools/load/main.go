// Command load has programs call sessions of several daemons that share a NATS server, all of them processes on this
// machine, while daemons are killed, NATS is killed and started again, and a network is cut. It fails when something
// that was acknowledged is lost, something with an effect is done twice, or an error has no code. `make load` runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// options are the flags.
type options struct {
	caissond, natsServer         string
	nodes, sessions, programs    int
	phase, deadline, lost, limit time.Duration
}

func main() {
	o := &options{}
	flag.StringVar(&o.caissond, "caissond", "bin/caissond", "the program of the daemon")
	flag.StringVar(&o.natsServer, "nats-server", "build/load/nats-server", "the program of NATS")
	flag.IntVar(&o.nodes, "nodes", 3, "daemons, at least 3")
	flag.IntVar(&o.sessions, "sessions", 60, "sessions in all; for every second one its server keeps something")
	flag.IntVar(&o.programs, "programs", 10, "programs that call")
	flag.DurationVar(&o.phase, "phase", 5*time.Second, "how long each of the four phases takes")
	flag.DurationVar(&o.deadline, "deadline", 5*time.Second, "of each call")
	flag.DurationVar(&o.lost, "cut", 2*time.Second, "how long NATS is away, and the network is cut")
	flag.DurationVar(&o.limit, "limit", 10*time.Minute, "for all of it")
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

// run starts everything, and goes through the phases.
func run(ctx context.Context, o *options) error {
	if o.nodes < 3 || o.sessions < 1 || o.programs < 1 {
		return fmt.Errorf("there are to be 3 daemons, a session and a program, or more")
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
	l := newLoad(m)
	began = time.Now()
	if err := l.connect(ctx); err != nil {
		return err
	}
	fmt.Printf("%d sessions are connected in %v\n", o.sessions, time.Since(began).Round(time.Millisecond))
	l.begin(ctx)
	phases := []struct {
		name string
		do   func() error
	}{
		{"all is well", func() error { return nil }},
		{"a daemon is killed", func() error { return m.nodes[0].kill() }},
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
	}
	for _, phase := range phases {
		l.phase(phase.name)
		if err := phase.do(); err != nil {
			return err
		}
		pause(ctx, o.phase)
	}
	l.end()
	return l.report(os.Stdout)
}

// pause waits. It is a load, and not a test: what happens meanwhile is counted.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
