package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// A pipe is a command's standard input and output, a message a line.
type pipe struct {
	command *exec.Cmd
	in      io.WriteCloser
	mu      sync.Mutex // of in and waiting
	waiting map[int64]chan response
	ended   chan struct{}
}

func startPipe(name string, args []string) (*pipe, error) {
	p := &pipe{command: exec.Command(name, args...), waiting: map[int64]chan response{}, ended: make(chan struct{})}
	p.command.Stderr = os.Stderr
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go p.read(out)
	return p, nil
}

func (p *pipe) read(out io.Reader) {
	defer close(p.ended)
	for lines := bufio.NewReaderSize(out, 64<<10); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var r response
		if json.Unmarshal(line, &r) != nil || r.ID == nil {
			continue
		}
		p.mu.Lock()
		waiting := p.waiting[*r.ID]
		delete(p.waiting, *r.ID)
		p.mu.Unlock()
		if waiting != nil {
			waiting <- r
		}
	}
}

func (p *pipe) exchange(ctx context.Context, r request) (response, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return response{}, err
	}
	answer := make(chan response, 1)
	p.mu.Lock()
	p.waiting[r.ID] = answer
	_, err = p.in.Write(append(line, '\n'))
	p.mu.Unlock()
	if err != nil {
		return response{}, err
	}
	select {
	case r := <-answer:
		return r, nil
	case <-p.ended:
		return response{}, fmt.Errorf("the server has ended")
	case <-ctx.Done():
		return response{}, context.Cause(ctx)
	}
}

func (p *pipe) Close() error {
	_ = p.in.Close()
	<-p.ended
	return p.command.Wait()
}
