package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/scripting"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// A pipe is a worker's process, and lines of JSON to it and from it.
type pipe struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// openPipe starts a worker. Its first line says that it is ready.
func openPipe(command []string) (*pipe, error) {
	if len(command) == 0 {
		return nil, errors.New("no command is given")
	}
	p := &pipe{command: exec.Command(command[0], command[1:]...)}
	p.command.Stderr = os.Stderr
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	return p, p.command.Start()
}

func (p *pipe) ready() error {
	m, err := p.receive()
	if err == nil && !m.Ready {
		err = errors.New("the worker does not say that it is ready")
	}
	return err
}

func (p *pipe) send(m message) error {
	text, err := json.Marshal(m)
	if err == nil {
		_, err = p.in.Write(append(text, '\n'))
	}
	return err
}

func (p *pipe) receive() (m message, err error) {
	text, err := p.out.ReadBytes('\n')
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(text, &m)
}

// kill ends the process at once: nothing that it has is of use.
func (p *pipe) kill() {
	_ = p.command.Process.Kill()
	_ = p.command.Wait() // It says that it was killed.
}

// kept has one process for all runs, which take turns.
type kept struct {
	mu    sync.Mutex
	pipe  *pipe
	tools *scripting.Tools
}

func openKept(command []string, tools *scripting.Tools) (scripting.Engine, error) {
	p, err := openPipe(command)
	if err != nil {
		return nil, err
	}
	if err := p.ready(); err != nil {
		p.kill()
		return nil, err
	}
	return &kept{pipe: p, tools: tools}, nil
}

func (k *kept) Run(ctx context.Context, source wire.Source) ([]byte, time.Duration, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return converse(ctx, k.pipe, source.Text, k.tools)
}

func (k *kept) Helpers() []int { return []int{k.pipe.command.Process.Pid} }

func (k *kept) Close() error {
	err := k.pipe.in.Close() // It ends by itself then, and so do the processes that it has started.
	return errors.Join(err, k.pipe.command.Wait())
}

// apart has a process for each run, which is killed after it.
type apart struct {
	command []string
	tools   *scripting.Tools
	mu      sync.Mutex
	running map[int]struct{}
}

func (a *apart) Run(ctx context.Context, source wire.Source) ([]byte, time.Duration, error) {
	p, err := openPipe(a.command)
	if err != nil {
		return nil, 0, err
	}
	defer p.kill()
	pid := p.command.Process.Pid
	a.mu.Lock()
	a.running[pid] = struct{}{}
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.running, pid)
		a.mu.Unlock()
	}()
	if err := p.ready(); err != nil {
		return nil, 0, err
	}
	return converse(ctx, p, source.Text, a.tools)
}

func (a *apart) Helpers() (pids []int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for pid := range a.running {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids
}

func (*apart) Close() error { return nil }
