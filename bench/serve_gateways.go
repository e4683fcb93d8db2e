package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// The gateways beside ours.
const (
	fastMCPProxy = "FastMCP's proxy"
	mcpProxy     = "mcp-proxy"
)

// A gatewayPeer is a program in front of the servers of a file.
type gatewayPeer struct {
	*peer
	// over are the arguments that have it serve a file, by what its clients speak to it.
	over map[string]func(file string) []string
	// separator stands between the name of a server and that of its tool. Without one there is a URL for each server,
	// and no list of all.
	separator string
	older     bool // it has no newer revision than those with sessions
}

func (g gatewayPeer) merged() bool { return g.separator != "" }

// serves says whether it can be asked over a transport in a revision.
func (g gatewayPeer) serves(transport, revision string) bool {
	return g.over[transport] != nil && !(g.older && revision == newest)
}

// tool is the name that the echo of a server has.
func (g gatewayPeer) tool(u upstream) string {
	if !g.merged() {
		return "echo"
	}
	return u.name + g.separator + "echo"
}

func (b *bench) gateways() []gatewayPeer {
	cache := filepath.Join(b.workshop.cache, "core")
	ours := func(more ...string) func(string) []string {
		return func(file string) []string {
			return append([]string{"serve", "--config", file, "--cache-dir", cache}, more...)
		}
	}
	return []gatewayPeer{
		{
			peer: &peer{name: caissonServe, about: "this repository, `caisson serve`", prepare: func(w *workshop) ([]string, error) {
				program, err := w.buildIn(filepath.Join(w.source, "..", "host-go"), "caisson-serve", "./cmd/caisson", nil)
				if err != nil {
					return nil, err
				}
				if text, err := exec.Command(program, "cache", "warm", "--cache-dir", cache).CombinedOutput(); err != nil {
					return nil, fmt.Errorf("the core is not compiled: %w: %s", err, firstLine(string(text)))
				}
				return []string{program}, nil
			}},
			over:      map[string]func(string) []string{stdio: ours(), httpSSE: ours("--http", "127.0.0.1:0")},
			separator: "__",
		},
		{
			peer: &peer{name: fastMCPProxy, about: "fastmcp's create_proxy, of PyPI, in Python", prepare: func(w *workshop) ([]string, error) {
				python, err := w.environment(w.pythonFiles())
				return []string{python, filepath.Join(w.source, "peers", "gateways", "fastmcp_proxy.py")}, err
			}},
			over: map[string]func(string) []string{
				stdio:   func(file string) []string { return []string{file, "stdio"} },
				httpSSE: func(file string) []string { return []string{file, "http"} },
			},
			separator: "_",
		},
		{
			peer: &peer{name: mcpProxy, about: "mcp-proxy of PyPI, in Python: streamable HTTP alone, a URL for each server", prepare: func(w *workshop) ([]string, error) {
				python, err := w.environment(filepath.Join(w.source, "peers", "gateways", "mcp-proxy"))
				return []string{python, "-m", "mcp_proxy"}, err
			}},
			over: map[string]func(string) []string{
				httpSSE: func(file string) []string { return []string{"--port", "0", "--named-server-config", file} },
			},
			older: true,
		},
	}
}

// caissonServe is our gateway; ours is the client that scripts and calls are measured of.
const caissonServe = "caisson serve"

// A gateway is one that serves HTTP.
type gateway struct {
	gatewayPeer
	command *exec.Cmd
	address string
	loaded  time.Duration
	gone    chan struct{}
}

// listening finds where a program serves, in what it says.
var listening = regexp.MustCompile(`http://(127\.0\.0\.1:[1-9][0-9]*)`)

// startGateway starts a gateway over HTTP, and waits until it says where it is.
func startGateway(g gatewayPeer, file string) (*gateway, error) {
	run := &gateway{gatewayPeer: g, gone: make(chan struct{})}
	run.command = exec.Command(g.command[0], append(slices.Clone(g.command[1:]), g.over[httpSSE](file)...)...)
	reader, writer := io.Pipe()
	run.command.Stdout, run.command.Stderr = writer, writer
	run.command.WaitDelay = lingering // Its servers have its standard error.
	began := time.Now()
	if err := run.command.Start(); err != nil {
		return nil, err
	}
	addresses, last := make(chan string, 1), &tail{}
	go func() {
		defer close(addresses)
		found := false
		for lines := bufio.NewReader(reader); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = last.Write([]byte(line))
			if match := listening.FindStringSubmatch(line); match != nil && !found {
				found = true
				addresses <- match[1]
			}
		}
	}()
	go func() {
		_ = run.command.Wait()
		_ = writer.Close()
		close(run.gone)
	}()
	select {
	case address, ok := <-addresses:
		if !ok {
			return nil, fmt.Errorf("%s has ended: %s", g.name, last)
		}
		run.address, run.loaded = address, time.Since(began)
		return run, nil
	case <-time.After(patience):
		run.stop()
		return nil, errors.New(g.name + " does not say where it serves: " + last.String())
	}
}

// servers are where a client finds all servers: at one URL, or at one for each.
func (g *gateway) servers(all []upstream, revision string) (servers []*wire.Server) {
	if g.merged() {
		return []*wire.Server{{URL: "http://" + g.address + "/mcp", Revision: revision}}
	}
	for _, u := range all {
		servers = append(servers, g.alone(u, revision))
	}
	return servers
}

// alone is where a client finds one server.
func (g *gateway) alone(u upstream, revision string) *wire.Server {
	if g.merged() {
		return g.servers(nil, revision)[0]
	}
	return &wire.Server{URL: "http://" + g.address + "/servers/" + u.name + "/mcp", Revision: revision}
}

// stop ends the gateway, and its servers with it.
func (g *gateway) stop() {
	_ = g.command.Process.Signal(os.Interrupt)
	select {
	case <-g.gone:
	case <-time.After(10 * time.Second):
		_ = g.command.Process.Kill()
		<-g.gone
	}
}
