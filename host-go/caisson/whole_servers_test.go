//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package caisson_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/fastmcp"
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
	program, err := fastmcp.Python(root(t))
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
