package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
)

// A pipe carries JSON lines.
type pipe struct {
	*worker
	writing sync.Mutex // of the worker's input; answers are read meanwhile
	mu      sync.Mutex // of what follows
	last    int
	waiting map[int]chan pipeAnswer
	ended   chan struct{}
}

type pipeRequest struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

type pipeAnswer struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  string          `json:"error"`
}

func openPipe(python, folder string) (invoker, error) {
	w, _, err := startWorker(python, folder, "serve_pipe.py")
	if err != nil {
		return nil, err
	}
	p := &pipe{worker: w, waiting: map[int]chan pipeAnswer{}, ended: make(chan struct{})}
	go p.read()
	return p, nil
}

func (p *pipe) read() {
	defer close(p.ended)
	for {
		line, err := p.out.ReadBytes('\n')
		if err != nil {
			return
		}
		var a pipeAnswer
		if json.Unmarshal(line, &a) != nil {
			continue
		}
		p.mu.Lock()
		waiting := p.waiting[a.ID]
		delete(p.waiting, a.ID)
		p.mu.Unlock()
		if waiting != nil {
			waiting <- a
		}
	}
}

func (p *pipe) call(_ context.Context, method string, params []byte) ([]byte, error) {
	answer := make(chan pipeAnswer, 1)
	p.mu.Lock()
	p.last++
	id := p.last
	p.waiting[id] = answer
	p.mu.Unlock()
	line, err := json.Marshal(pipeRequest{id, method, params})
	if err == nil {
		p.writing.Lock()
		_, err = p.in.Write(append(line, '\n'))
		p.writing.Unlock()
	}
	if err != nil {
		return nil, err
	}
	select {
	case a := <-answer:
		if a.Error != "" {
			return nil, errors.New(a.Error)
		}
		return a.Result, nil
	case <-p.ended:
		return nil, errors.New("the worker has ended")
	}
}
