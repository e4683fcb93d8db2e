//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package caisson_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A wholeServer is one of the servers that have something of everything.
type wholeServer struct {
	name  string
	start func(t *testing.T, transport caisson.TransportType, revision string) caisson.Server
	// lacks names what this kind of server cannot do, by "feature" or "feature transport" or
	// "feature revision", with the reason.
	lacks map[string]string
}

func (w *wholeServer) skip(t *testing.T, feature string, transport caisson.TransportType, revision string) {
	for _, key := range []string{feature, feature + " " + string(transport), feature + " " + revision} {
		if why := w.lacks[key]; why != "" {
			t.Skip(why)
		}
	}
}

var wholeServers = []wholeServer{
	{name: "Go SDK", start: wholeGo},
	{name: "TypeScript SDK v1", start: wholeNode("sdk", "whole-v1.mjs"), lacks: map[string]string{
		"connect " + modern: "v1 ends at 2025-11-25",
	}},
	{name: "TypeScript SDK v2", start: wholeNode("server", "whole-v2.mjs"), lacks: map[string]string{
		"connect sse": "v2 has no server of the transport of 2024-11-05",
	}},
	{name: "FastMCP", start: wholePython, lacks: map[string]string{
		"updated":           "FastMCP 4.0 has neither resources/subscribe nor subscriptions/listen",
		"changed " + modern: "FastMCP 4.0 does not have subscriptions/listen",
	}},
}

// wholeNode starts the whole server of a file that is written on a package of the TypeScript SDK.
func wholeNode(sdk, file string) func(*testing.T, caisson.TransportType, string) caisson.Server {
	return func(t *testing.T, transport caisson.TransportType, _ string) caisson.Server {
		node(t, "node_modules/@modelcontextprotocol/"+sdk+"/package.json")
		program, script := node(t, "test/servers/"+file)
		if transport == caisson.TransportStdio {
			return caisson.Server{Command: program, Args: []string{script, "stdio"}}
		}
		url := start(t, exec.Command(program, script, string(transport)), "http://")
		return caisson.Server{URL: url, Type: transport}
	}
}

// wholePython starts the whole server on FastMCP.
func wholePython(t *testing.T, transport caisson.TransportType, _ string) caisson.Server {
	program, err := fastMCP()
	if err != nil {
		t.Skipf("no FastMCP: %v", err)
	}
	script := filepath.Join(root(t), "test", "servers", "whole.py")
	if transport == caisson.TransportStdio {
		return caisson.Server{Command: program, Args: []string{script, "stdio"}}
	}
	url := start(t, exec.Command(program, script, string(transport)), "http://")
	return caisson.Server{URL: url, Type: transport}
}

// fastMCP gives the path of a Python that has FastMCP. It is installed on the first use, into a
// folder of the user's cache that is named after what is installed.
var fastMCP = sync.OnceValues(func() (python string, err error) {
	requirements, err := filepath.Abs(filepath.Join("..", "..", "test", "servers", "requirements.txt"))
	if err != nil {
		return "", err
	}
	pinned, err := os.ReadFile(requirements)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	venv := filepath.Join(cache, "caisson-test", fmt.Sprintf("fastmcp-%x", sha256.Sum256(pinned))[:24])
	python = filepath.Join(venv, "bin", "python")
	if runtime.GOOS == "windows" {
		python = filepath.Join(venv, "Scripts", "python.exe")
	}
	if _, err := os.Stat(filepath.Join(venv, "installed")); err == nil {
		return python, nil
	}
	for _, command := range [][]string{
		{"python3", "-m", "venv", venv},
		{python, "-m", "pip", "install", "--quiet", "--requirement", requirements},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return "", errors.Join(err, errors.New(string(out)))
		}
	}
	return python, os.WriteFile(filepath.Join(venv, "installed"), nil, 0o600)
})
