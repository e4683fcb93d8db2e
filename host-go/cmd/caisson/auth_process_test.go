package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A home is a user's own: a configuration, a cache and a store that nobody else has.
type home struct {
	t      *testing.T
	folder string
	env    []string
}

func newHome(t *testing.T) *home {
	t.Helper()
	folder := t.TempDir()
	h := &home{t: t, folder: folder}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		switch name {
		// No browser, and no keyring.
		case "DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "HOME", "XDG_CONFIG_HOME", "AppData":
		default:
			h.env = append(h.env, pair)
		}
	}
	h.env = append(h.env, "HOME="+folder, "XDG_CONFIG_HOME="+folder, "AppData="+folder, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere")
	if cache, err := os.UserCacheDir(); err == nil {
		h.env = append(h.env, "XDG_CACHE_HOME="+cache) // The compiled core is no user's.
	}
	return h
}

// configure writes the user's configuration.
func (h *home) configure(text string) {
	h.t.Helper()
	path := filepath.Join(h.folder, "caisson", "mcp.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// A process is a run of the program of its own.
type process struct {
	cmd    *exec.Cmd
	out    bytes.Buffer
	stderr *bufio.Reader
	read   strings.Builder // of standard error
	stdin  io.WriteCloser
}

func (h *home) start(args ...string) *process {
	h.t.Helper()
	return h.startCommand(exec.Command(self(h.t), args...))
}

// startShell starts the program as a line for a shell says.
func (h *home) startShell(line string) *process {
	h.t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		h.t.Skip("there is no shell")
	}
	words, ok := strings.CutPrefix(line, "caisson ")
	if !ok {
		h.t.Fatalf("it is not a line of the program: %s", line)
	}
	return h.startCommand(exec.Command(shell, "-c", "exec "+quoted(self(h.t))+" "+words))
}

func (h *home) startCommand(command *exec.Cmd) *process {
	h.t.Helper()
	p := &process{cmd: command}
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout = h.env, h.t.TempDir(), &p.out
	stderr, err := p.cmd.StderrPipe()
	if err == nil {
		p.stdin, err = p.cmd.StdinPipe()
	}
	if err != nil {
		h.t.Fatal(err)
	}
	p.stderr = bufio.NewReader(stderr)
	if err := p.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// until reads standard error up to a line that matches.
func (p *process) until(t *testing.T, pattern string) string {
	t.Helper()
	wanted := regexp.MustCompile(pattern)
	for {
		line, err := p.stderr.ReadString('\n')
		p.read.WriteString(line)
		if wanted.MatchString(line) {
			return strings.TrimSpace(line)
		}
		if err != nil {
			t.Fatalf("standard error ends without %s:\n%s", pattern, p.read.String())
		}
	}
}

func (p *process) wait(t *testing.T) outcome {
	t.Helper()
	_ = p.stdin.Close()
	rest, err := io.ReadAll(p.stderr)
	if err != nil {
		t.Fatal(err)
	}
	p.read.Write(rest)
	err = p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{p.cmd.ProcessState.ExitCode(), p.out.String(), p.read.String()}
}

func (h *home) run(args ...string) outcome {
	h.t.Helper()
	return h.start(args...).wait(h.t)
}

// login logs in, as somebody at another program's terminal would.
func (h *home) login(args ...string) outcome {
	h.t.Helper()
	p := h.start(append([]string{"auth", "login", "--no-browser", "--wait-for-auth", "60", "--timeout", "2m", "--callback-port", freePort(h.t)}, args...)...)
	visit(h.t, p.until(h.t, addressToOpen))
	return p.wait(h.t)
}

// addressToOpen is the line with the address where a person logs in.
const addressToOpen = `^http://.*/authorize\?`

// redirectOf is where the authorization server sends the browser, which is on another machine.
func redirectOf(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.Header.Get("Location")
}

// paste types a line.
func (p *process) paste(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(p.stdin, text+"\n"); err != nil {
		t.Fatal(err)
	}
}

// visit is the person's browser.
func visit(t *testing.T, address string) {
	t.Helper()
	client := &http.Client{Timeout: time.Minute}
	response, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the browser ends at %s", response.Status)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// files gives the text of every file of the user's, but for the store's.
func (h *home) files() string {
	h.t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(h.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all.WriteString(path + "\n")
		all.Write(text)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all.String()
}
