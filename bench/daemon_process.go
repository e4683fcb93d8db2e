package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
)

// A daemonProcess is a caissond that runs.
type daemonProcess struct {
	command        *exec.Cmd
	folder         string // with its configuration
	address, token string
	ready          time.Duration // from its start until it listens
	ended          chan struct{}
}

// startDaemon starts caissond, with one server in its configuration, and waits until it listens.
func (b *bench) startDaemon(program, server string) (d *daemonProcess, err error) {
	d = &daemonProcess{ended: make(chan struct{})}
	if d.folder, err = os.MkdirTemp("", "caisson-bench-"); err != nil {
		return nil, err
	}
	tokens, path := filepath.Join(d.folder, "tokens.json"), filepath.Join(d.folder, "caisson.yaml")
	if d.token, err = bearer.AddToken(context.Background(), tokens, "bench", []string{"caisson:mcp"}); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("listen: 127.0.0.1:0\naccess: {tokens: tokens.json}\nmcpServers: {echo: {url: %q}}\n", server)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	d.command = exec.Command(program, "--config", path, "--log-format", "json", "--cache-dir", filepath.Join(b.workshop.cache, "core"))
	log, err := d.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := d.command.Start(); err != nil {
		return nil, err
	}
	addresses, last := make(chan string, 1), &tail{}
	go func() {
		defer close(d.ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			_, _ = last.Write(append(lines.Bytes(), '\n'))
			var line struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "the daemon listens" {
				addresses <- line.Address
			}
		}
		close(addresses)
		_ = d.command.Wait()
	}()
	select {
	case address, ok := <-addresses:
		if !ok {
			return nil, errors.New("caissond has ended: " + last.String())
		}
		d.address, d.ready = address, time.Since(began)
		return d, nil
	case <-time.After(patience):
		d.stop()
		return nil, errors.New("caissond does not say that it listens: " + last.String())
	}
}

// peer is the client of the daemon. Its sessions are that of the configured server, or each one of its own.
func (d *daemonProcess) peer(client *peer, own bool) *peer {
	p := *client
	p.command = append(p.command[:1:1], "-address", d.address, "-server", "echo", "-pid", fmt.Sprint(d.command.Process.Pid))
	if own {
		p.command = append(p.command, "-own")
	}
	return &p
}

// environ is what the client needs.
func (d *daemonProcess) environ() string { return "CAISSON_BENCH_TOKEN=" + d.token }

// stop ends the daemon.
func (d *daemonProcess) stop() {
	_ = d.command.Process.Signal(os.Interrupt)
	select {
	case <-d.ended:
	case <-time.After(10 * time.Second):
		_ = d.command.Process.Kill()
		<-d.ended
	}
	_ = os.RemoveAll(d.folder)
}
