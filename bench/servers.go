package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/caisson-dev/caisson/host-go/bench/internal/memory"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// servers are the ways to the echo server. Over HTTP one process serves them all.
type servers struct {
	program string
	command *exec.Cmd
	in      io.Closer
	address string
}

func startServers(program string) (*servers, error) {
	s := &servers{program: program, command: exec.Command(program, "-http")}
	s.command.Stderr = os.Stderr
	out, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if s.in, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("the echo server did not start: %w", err)
	}
	s.address = strings.TrimSpace(line)
	return s, nil
}

// server gives the server with so many tools, which speaks one revision, or the newest.
func (s *servers) server(transport string, tools int, revision string) *wire.Server {
	switch transport {
	case inMemory:
		return &wire.Server{URL: memory.URL(tools, revision)}
	case stdio:
		args := []string{"-tools", fmt.Sprint(tools)}
		if revision != "" {
			args = append(args, "-revision", revision)
		}
		return &wire.Server{Command: s.program, Args: args}
	}
	path := strings.Join([]string{s.address, strings.TrimPrefix(transport, "http-"), fmt.Sprint(tools), revision}, "/")
	return &wire.Server{URL: "http://" + strings.TrimSuffix(path, "/")}
}

func (s *servers) stop() {
	_ = s.in.Close()
	_ = s.command.Wait()
}
