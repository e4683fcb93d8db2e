package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/confine"
	"github.com/caisson-dev/caisson/host-go/caisson/isolate"
)

// These have this program be the daemon, or an MCP server over standard input and output.
const (
	daemonVariable = "CAISSOND_TEST_MAIN"
	stdioVariable  = "CAISSOND_TEST_STDIO"
	begunVariable  = "CAISSOND_TEST_BEGUN" // the file where a call of wait says that it has begun
)

func TestMain(m *testing.M) {
	confine.Main()
	isolate.Main()
	switch {
	case os.Getenv(daemonVariable) != "":
		main()
		return
	case os.Getenv(stdioVariable) != "":
		server := mcp.NewServer(&mcp.Implementation{Name: "stdio", Version: "1"}, nil)
		mcp.AddTool(server, &mcp.Tool{Name: "hello"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "hello"}}}, nil, nil
		})
		mcp.AddTool(server, &mcp.Tool{Name: "wait"}, func(ctx context.Context, _ *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
			begun := os.Getenv(begunVariable)
			err := os.WriteFile(begun+".new", []byte(strconv.Itoa(os.Getpid())), 0o600)
			if err == nil {
				err = os.Rename(begun+".new", begun)
			}
			if err == nil {
				<-ctx.Done()
			}
			return nil, nil, err
		})
		_ = server.Run(context.Background(), &mcp.StdioTransport{})
		return
	}
	os.Exit(m.Run())
}

// A process is a daemon in a process of its own.
type process struct {
	cmd   *exec.Cmd
	lines chan map[string]any // its log
}

// run runs the daemon with a home of its own.
func run(t *testing.T, home string, arguments ...string) *process {
	t.Helper()
	return begin(t, home, exec.CommandContext(t.Context(), os.Args[0], append(arguments, "--log-format", "json")...))
}

// begin begins a command that becomes the daemon.
func begin(t *testing.T, home string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, lines: make(chan map[string]any, 1000)}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Env = append(os.Environ(), daemonVariable+"=1", "XDG_CONFIG_HOME="+home, "HOME="+home, "AppData="+home, "XDG_CACHE_HOME="+cache)
	log, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			line := map[string]any{}
			if json.Unmarshal(lines.Bytes(), &line) != nil {
				line["msg"] = lines.Text()
			}
			p.lines <- line
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
	return p
}

// await waits for a line of the log.
func (p *process) await(t *testing.T, message string) map[string]any {
	t.Helper()
	var seen []string
	for line := range p.lines {
		text, _ := line["msg"].(string)
		if seen = append(seen, text); strings.Contains(text, message) {
			return line
		}
	}
	t.Fatalf("the daemon has ended without saying %q, but %q", message, seen)
	return nil
}

// TestProcess starts the daemon as a person does: it makes a token, answers, reads its files again at SIGHUP, and ends
// at SIGTERM with the commands that it has started.
func TestProcess(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system has no such signals")
	}
	home := t.TempDir()
	path := filepath.Join(home, "caisson.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := "command: " + os.Args[0] + ", env: {" + stdioVariable + ": '1'}"
	write("isolation: process\nmcpServers: {one: {" + server + "}}\n")
	p := run(t, home, "--config", path, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0")
	metrics := p.await(t, "metrics are served")["address"].(string)
	at := p.await(t, "the daemon listens")["address"].(string)
	token, err := os.ReadFile(p.await(t, "there is a token")["file"].(string))
	if err != nil {
		t.Fatal(err)
	}
	call := func(server string) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at+"/call-tool", strings.NewReader(`{"server":"`+server+`","name":"hello"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		return do(t, request)
	}
	if status, text := call("one"); status != 200 || !strings.Contains(text, `"hello"`) {
		t.Fatalf("%d %s", status, text)
	}
	if status, _ := call("two"); status != 400 {
		t.Errorf("a server that is not there: %d", status)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+metrics+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if _, text := do(t, request); !strings.Contains(text, "caisson_sessions 1\n") || !strings.Contains(text, "caisson_servers_unreachable 0\n") || !strings.Contains(text, `mcp_method_name="tools/call"`) {
		t.Errorf("the metrics are %s", text)
	}
	write("mcpServers: {one: {" + server + "}, two: {" + server + "}}\n")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.await(t, "was read again")
	if status, text := call("two"); status != 200 {
		t.Errorf("a server that has come: %d %s", status, text)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for line := range p.lines { // Until it has ended.
		if line["level"] == "ERROR" {
			t.Errorf("%v", line)
		}
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// TestGivenSocket shows that the daemon takes the sockets that systemd gives it in place of those of its configuration.
func TestGivenSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system gives no sockets")
	}
	home := t.TempDir()
	path := filepath.Join(home, "caisson.yaml")
	if err := os.WriteFile(path, []byte("listen: 0.0.0.0:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	// The variable has the number of the process that the sockets are for, which only that process knows.
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"`, os.Args[0], "--config", path, "--log-format", "json")
	cmd.ExtraFiles = []*os.File{socket}
	p := begin(t, home, cmd)
	if at := p.await(t, "the daemon listens")["address"]; at != listener.Addr().String() {
		t.Errorf("it listens at %v", at)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/health", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := do(t, request); status != 200 || !strings.Contains(text, "serving") {
		t.Errorf("%d %s", status, text)
	}
}

func do(t *testing.T, request *http.Request) (int, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// TestReady shows that the daemon tells the service manager when it is ready.
func TestReady(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this system has no systemd")
	}
	home, err := os.MkdirTemp("", "d") // A path of a socket is short.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	path := filepath.Join(home, "caisson.yaml")
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(home, "n"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", socket.LocalAddr().String())
	p := run(t, home, "--config", path, "--listen", "127.0.0.1:0")
	if err := socket.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 100)
	for _, want := range []string{"READY=1", "STOPPING=1"} {
		n, err := socket.Read(text)
		if err != nil || string(text[:n]) != want {
			t.Fatalf("it tells %q, %v", text[:n], err)
		}
		if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCheck says what is wrong with a configuration.
func TestCheck(t *testing.T) {
	folder := t.TempDir()
	policy := filepath.Join(folder, "policy.yaml")
	if err := os.WriteFile(policy, []byte("version: 1\nservers: {a: {tols: []}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                                  "",
		"mcpServers: {a: {command: x}}":     "",
		"mcpServers: {a: {}}":               "a",
		"mcpServers: {a: {url: 'ftp://x'}}": "http",
		"servers: none.json":                "none.json",
		"listen: nowhere":                   "listen: ",
		"listen: 'unix:'":                   "listen: ",
		"lissten: x":                        "line 1: field lissten",
		"policy: policy.yaml":               "tols",
		"access: {scopes: {alice: [everything]}}":                         "access.scopes.alice",
		"access: {issuers: ['https://x']}":                                "access.url",
		"access: {audiences: [x]}":                                        "access.audiences",
		"access: {tls: {certificate: x}}":                                 "access.tls",
		"access: {tls: {certificate: none.crt, key: none.key}}":           "access.tls",
		"access: {tokens: policy.yaml}":                                   "file of tokens",
		"metrics: nowhere":                                                "metrics: ",
		"access: {unixMode: '0999'}":                                      "access.unixMode",
		"health: {interval: 1ns}":                                         "health.interval",
		"scripts: {modules: none}":                                        "scripts.modules",
		"scripts: {tools: {mine: none}}":                                  "scripts.tools.mine",
		"nats: {url: 'nats://127.0.0.1:1', credentials: none.creds}":      "nats.credentials",
		"nats: {url: 'nats://127.0.0.1:1', certificate: none, key: none}": "nats.certificate",
		"sessions: {idle: soon}":                                          "soon",
		"sessions: {max: -1}":                                             "sessions",
		"mcpServers: {}\nservers: x.json":                                 "mcpServers",
		"nats: {url: 'nats://127.0.0.1:1', credentialsKey: policy.yaml}":  "openssl rand",
	} {
		path := filepath.Join(folder, "caisson.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := check(t.Context(), path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
