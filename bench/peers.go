package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// The peers that figures are about.
const (
	ours      = "Caisson"
	floor     = "by hand"
	reference = "Go SDK"
	onNode    = "TS v2 on Node"
	onPython  = "FastMCP"
)

// A peer is a program that is measured.
type peer struct {
	name    string
	about   string
	caches  bool // it keeps compiled code between runs, so that its first start is another one
	prepare func(*workshop) (command []string, err error)

	command []string
	skipped error
}

func allPeers() []*peer {
	return []*peer{
		{name: ours, about: "this repository", caches: true, prepare: goPeer("caisson")},
		{name: reference, about: "github.com/modelcontextprotocol/go-sdk", prepare: goPeer("gosdk")},
		{name: floor, about: "JSON-RPC by hand in Go: the floor", prepare: goPeer("raw")},
		{name: "mcp-go", about: "github.com/mark3labs/mcp-go", prepare: goPeer("mcpgo")},
		{name: onNode, about: "@modelcontextprotocol/client on Node", prepare: nodePeer},
		{name: onPython, about: "FastMCP in Python", caches: true, prepare: pythonPeer},
		{name: "FastMCP by pipe", about: "Go to FastMCP in a process of its own", caches: true, prepare: bridge("pipe")},
		{name: "FastMCP by HTTP", about: "Go to FastMCP behind FastAPI and uvicorn", caches: true, prepare: bridge("http")},
		{name: "FastMCP by gRPC", about: "Go to FastMCP behind gRPC", caches: true, prepare: bridge("grpc")},
		{name: "FastMCP by cgo", about: "Go with CPython and FastMCP in it", caches: true, prepare: bridge("cgo")},
	}
}

// A workshop is where the peers are built.
type workshop struct {
	source string // the folder of this module
	bin    string // where programs go
	cache  string // what is kept between runs: the Python environment, and peers' caches

	environments map[string]environment // of Python, by the file of their packages
}

// An environment of Python has its packages, or the reason why not.
type environment struct {
	python string
	err    error
}

// prepare builds what is chosen, and says of the rest why it is left out.
func (w *workshop) prepare(p *peer) {
	p.command, p.skipped = p.prepare(w)
}

// environ has a peer keep its caches in a folder.
func environ(cache string) []string {
	return []string{
		"CAISSON_BENCH_CACHE=" + filepath.Join(cache, "core"),
		"PYTHONPYCACHEPREFIX=" + filepath.Join(cache, "python"),
		"PYTHONDONTWRITEBYTECODE=", // Whatever this shell has: users have bytecode.
	}
}

// warm is the environment of a peer that has run before.
func (w *workshop) warm() []string { return environ(w.cache) }

func (w *workshop) build(output, target string, env []string, flags ...string) (string, error) {
	return w.buildIn(w.source, output, target, env, flags...)
}

// buildIn builds a program of the module in a folder.
func (w *workshop) buildIn(module, output, target string, env []string, flags ...string) (string, error) {
	program := filepath.Join(w.bin, output)
	args := append([]string{"build", "-o", program}, flags...)
	build := exec.Command("go", append(args, target)...)
	build.Dir, build.Env = module, append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s does not build: %w: %s", output, err, firstLine(string(text)))
	}
	return program, nil
}

func goPeer(name string) func(*workshop) ([]string, error) {
	return func(w *workshop) ([]string, error) {
		program, err := w.build(name, "./peers/"+name, nil)
		return []string{program}, err
	}
}

func nodePeer(w *workshop) ([]string, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, errors.New("there is no Node on this machine")
	}
	if _, err := os.Stat(filepath.Join(w.source, "..", "node_modules", "@modelcontextprotocol", "client")); err != nil {
		return nil, errors.New("the repository's node_modules are not installed: npm ci")
	}
	return []string{node, filepath.Join(w.source, "peers", "node", "peer.mjs")}, nil
}
