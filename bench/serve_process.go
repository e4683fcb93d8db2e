package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// A gateway is one that serves HTTP: a process in front of all servers, or one in front of each, in their order.
type gateway struct {
	gatewayPeer
	all       []upstream
	processes []*gatewayProcess
}

// A gatewayProcess is a process of a gateway.
type gatewayProcess struct {
	command   *exec.Cmd
	address   string
	addresses <-chan string // where it says that it serves, once; closed when it has ended
	last      *tail         // of what it says
	gone      chan struct{}
}

// startGateway starts a gateway over HTTP, all processes of it at once, and waits until each says where it is.
func startGateway(g gatewayPeer, file string, all []upstream) (*gateway, error) {
	run := &gateway{gatewayPeer: g, all: all}
	var starts [][]string
	if g.each == nil {
		starts = [][]string{g.over[httpSSE](file)}
	} else {
		for _, u := range all {
			starts = append(starts, g.each(u))
		}
	}
	for _, args := range starts {
		p, err := startGatewayProcess(slices.Concat(g.command, args))
		if err != nil {
			run.stop()
			return nil, err
		}
		run.processes = append(run.processes, p)
	}
	late := time.After(patience)
	for _, p := range run.processes {
		if err := p.listens(late); err != nil {
			run.stop()
			return nil, fmt.Errorf("%s %w", g.name, err)
		}
	}
	return run, nil
}

// listening finds where a program serves, in what it says.
var listening = regexp.MustCompile(`http://(127\.0\.0\.1:[1-9][0-9]*)`)

func startGatewayProcess(command []string) (*gatewayProcess, error) {
	reader, writer := io.Pipe()
	addresses := make(chan string, 1)
	p := &gatewayProcess{command: exec.Command(command[0], command[1:]...), addresses: addresses, last: &tail{}, gone: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = writer, writer
	p.command.WaitDelay = lingering // Its servers have its standard error.
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(addresses)
		found := false
		for lines := bufio.NewReader(reader); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = p.last.Write([]byte(line))
			if match := listening.FindStringSubmatch(line); match != nil && !found {
				found = true
				addresses <- match[1]
			}
		}
	}()
	go func() {
		_ = p.command.Wait()
		_ = writer.Close()
		close(p.gone)
	}()
	return p, nil
}

// listens waits until the process says where it serves.
func (p *gatewayProcess) listens(late <-chan time.Time) error {
	select {
	case address, ok := <-p.addresses:
		if !ok {
			return errors.New("has ended: " + p.last.String())
		}
		p.address = address
		return nil
	case <-late:
		return errors.New("does not say where it serves: " + p.last.String())
	}
}

// servers are where a client finds all servers: at one URL, or at one for each.
func (g *gateway) servers(revision string) (servers []*wire.Server) {
	if g.merged() {
		return []*wire.Server{{URL: "http://" + g.processes[0].address + "/mcp", Revision: revision}}
	}
	for i, u := range g.all {
		url := "http://" + g.processes[0].address + "/servers/" + u.name + "/mcp"
		if g.each != nil {
			url = "http://" + g.processes[i].address + "/mcp"
		}
		servers = append(servers, &wire.Server{URL: url, Revision: revision})
	}
	return servers
}

// server is where a client finds one server.
func (g *gateway) server(u upstream, revision string) *wire.Server {
	servers := g.servers(revision)
	if g.merged() {
		return servers[0]
	}
	return servers[slices.IndexFunc(g.all, func(other upstream) bool { return other.name == u.name })]
}

// pids are the gateway's own processes, without the servers'.
func (g *gateway) pids() (pids []int) {
	for _, p := range g.processes {
		pids = append(pids, p.command.Process.Pid)
	}
	return pids
}

// stop ends the gateway, and its servers with it.
func (g *gateway) stop() {
	for _, p := range g.processes {
		_ = p.command.Process.Signal(os.Interrupt)
	}
	late := time.AfterFunc(10*time.Second, func() {
		for _, p := range g.processes {
			_ = p.command.Process.Kill() // Of one that has ended, it fails.
		}
	})
	defer late.Stop()
	for _, p := range g.processes {
		<-p.gone
	}
}
