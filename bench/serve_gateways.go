package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// The gateways beside ours.
const (
	fastMCPProxy = "FastMCP's proxy"
	mcpProxyPyPI = "mcp-proxy (PyPI)"
	mcpProxyNPM  = "mcp-proxy (npm)"
)

// A gatewayPeer is a program in front of the servers of a file, or one in front of each server.
type gatewayPeer struct {
	*peer
	// over are the arguments that have it serve a file, by what its clients speak to it.
	over map[string]func(file string) []string
	// each are the arguments that have it serve one server over HTTP, in place of over: it is a process for each server.
	each func(u upstream) []string
	// separator stands between the name of a server and that of its tool. Without one there is a URL for each server,
	// and no list of all.
	separator string
	older     bool // it has no newer revision than those with sessions
}

func (g gatewayPeer) merged() bool { return g.separator != "" }

// serves says whether it can be asked over a transport in a revision.
func (g gatewayPeer) serves(transport, revision string) bool {
	able := g.over[transport] != nil || g.each != nil && transport == httpSSE
	return able && !(g.older && revision == newest)
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
			peer: &peer{name: mcpProxyPyPI, about: "mcp-proxy of PyPI, in Python: streamable HTTP alone, a URL for each server", prepare: func(w *workshop) ([]string, error) {
				python, err := w.environment(filepath.Join(w.source, "peers", "gateways", "mcp-proxy"))
				return []string{python, "-m", "mcp_proxy"}, err
			}},
			over: map[string]func(string) []string{
				httpSSE: func(file string) []string { return []string{"--port", "0", "--named-server-config", file} },
			},
			older: true,
		},
		{
			peer: &peer{name: mcpProxyNPM, about: "mcp-proxy of npm, on Node: streamable HTTP alone, a process for each server", prepare: func(w *workshop) ([]string, error) {
				from := filepath.Join(w.source, "peers", "gateways", "mcp-proxy-npm")
				node, err := nodeItself()
				if err != nil {
					return nil, err
				}
				folder, err := w.nodePackages(from)
				program := filepath.Join(folder, "node_modules", "mcp-proxy", "dist", "bin", "mcp-proxy.mjs")
				return []string{node, "--import", filepath.Join(from, "listening.mjs"), program}, err
			}},
			each: func(u upstream) []string {
				return append([]string{"--host", "127.0.0.1", "--port", "0", "--"}, u.command...)
			},
		},
	}
}

// caissonServe is our gateway; ours is the client that scripts and calls are measured of.
const caissonServe = "caisson serve"
