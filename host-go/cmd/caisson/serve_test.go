package main

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// said collects what a command that goes on says.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until a text was said, and returns what the pattern's group has found.
func (s *said) await(ctx context.Context, t *testing.T, pattern string) string {
	t.Helper()
	for ctx.Err() == nil {
		if found := regexp.MustCompile(pattern).FindStringSubmatch(s.String()); found != nil {
			return found[len(found)-1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("it does not say %q: %s", pattern, s.String())
	return ""
}

func demoURL(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(demoserver.Handler(false, true))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server.URL
}

func writeConfig(t *testing.T, path string, servers ...string) {
	t.Helper()
	var entries []string
	for i := 0; i < len(servers); i += 2 {
		entries = append(entries, fmt.Sprintf(`%q: {"url": %q}`, servers[i], servers[i+1]))
	}
	if err := os.WriteFile(path, []byte(`{"mcpServers": {`+strings.Join(entries, ", ")+`}}`), 0o600); err != nil {
		t.Fatal(err)
	}
}

func servedTools(ctx context.Context, t *testing.T, session *mcp.ClientSession) []string {
	t.Helper()
	list, err := session.ListTools(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	return names
}

// TestServeStdio serves over standard input and output, and ends with it.
func TestServeStdio(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	path := filepath.Join(t.TempDir(), "mcp.json")
	writeConfig(t, path, "one", demoURL(t), "two", demoURL(t), "a__b", demoURL(t))
	if o := caissonRun(t, "serve", "--config", path); o.code == exitOK || !strings.Contains(o.stderr, `"a__b"`) {
		t.Errorf("a server that cannot be served gets %+v", o)
	}
	inReader, inWriter := io.Pipe()
	outReader, outWriter := io.Pipe()
	code := make(chan int, 1)
	var stderr said
	go func() {
		code <- runIn(ctx, []string{"serve", "--config", path, "one", "two"}, inReader, outWriter, &stderr)
		_ = outWriter.Close()
	}()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(ctx, &mcp.IOTransport{Reader: outReader, Writer: inWriter}, nil)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if names := servedTools(ctx, t, session); !slices.Contains(names, "two__add") || slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "a__b") }) {
		t.Errorf("the tools are %v", names)
	}
	_ = session.Close()
	_ = inWriter.Close()
	if got := <-code; got != exitOK {
		t.Errorf("the exit code is %d: %s", got, stderr.String())
	}
}

// TestServeStderr has two servers write to their standard error: each line has the name of its server.
func TestServeStderr(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the servers are commands of a shell")
	}
	path := filepath.Join(t.TempDir(), "mcp.json")
	config := `{"mcpServers": {"one": {"command": "sh", "args": ["-c", "echo first >&2"]}, "two": {"command": "sh", "args": ["-c", "echo second >&2"]}}}`
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stderr said
	serving, stop := context.WithCancel(ctx)
	code := make(chan int, 1)
	go func() {
		code <- runIn(serving, []string{"serve", "--config", path, "--http", "127.0.0.1:0"}, strings.NewReader(""), io.Discard, &stderr)
	}()
	transport := &mcp.StreamableClientTransport{Endpoint: stderr.await(ctx, t, `serving at (\S+)`)}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx, transport, nil)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	stderr.await(ctx, t, `msg=first server=one`)
	stderr.await(ctx, t, `msg=second server=two`)
	_ = session.Close()
	stop()
	<-code
}

// TestServeCold serves with an empty cache: standard error says that the core is compiled once, and what spares that.
func TestServeCold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mcp.json")
	writeConfig(t, path, "one", demoURL(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stderr said
	serving, stop := context.WithCancel(ctx)
	code := make(chan int, 1)
	go func() {
		code <- runIn(serving, []string{"serve", "--config", path, "--http", "127.0.0.1:0", "--cache-dir", t.TempDir()}, strings.NewReader(""), io.Discard, &stderr)
	}()
	stderr.await(ctx, t, `compiled once.*(caisson cache warm)`)
	stop()
	<-code
}

// TestServeHTTP serves over HTTP, and reads its configuration again.
func TestServeHTTP(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	path := filepath.Join(t.TempDir(), "mcp.json")
	writeConfig(t, path, "one", demoURL(t))
	for _, address := range []string{"0.0.0.0:0", "[::]:0"} {
		if o := caissonRun(t, "serve", "--config", path, "--http", address); o.code != exitUsage || !strings.Contains(o.stderr, "other machines could reach it") {
			t.Errorf("%s gets %+v", address, o)
		}
	}
	serving, stop := context.WithCancel(ctx)
	code := make(chan int, 1)
	var stderr said
	go func() {
		code <- runIn(serving, []string{"serve", "--config", path, "--http", "127.0.0.1:0"}, strings.NewReader(""), io.Discard, &stderr)
	}()
	endpoint := stderr.await(ctx, t, `serving at (\S+)`)
	changed := make(chan struct{}, 100)
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
		ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { changed <- struct{}{} },
	})
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: endpoint}, &mcp.ClientSessionOptions{ProtocolVersion: "2025-11-25"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	stderr.await(ctx, t, `is not used`)
	if names := servedTools(ctx, t, session); !slices.Contains(names, "one__add") {
		t.Errorf("after a mistake in the file the tools are %v", names)
	}
	writeConfig(t, path, "one", demoURL(t), "two", demoURL(t))
	stderr.await(ctx, t, `was read again`)
	select {
	case <-changed:
	case <-ctx.Done():
		t.Fatal("the client is not told")
	}
	if names := servedTools(ctx, t, session); !slices.Contains(names, "two__add") {
		t.Errorf("the tools are %v", names)
	}
	_ = session.Close()
	stop()
	<-code
}
