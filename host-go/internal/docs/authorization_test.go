package docs_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/authserver"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// TestLoginProgram runs the program of docs/authorization.md.
func TestLoginProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "login")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.Command("go", "build", "-o", program, "./login")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := authserver.New(demoserver.Handler(false, true))
	t.Cleanup(s.Close)
	home, port := t.TempDir(), freePort(t)
	var env []string
	for _, pair := range os.Environ() {
		switch name, _, _ := strings.Cut(pair, "="); name {
		case "DISPLAY", "WAYLAND_DISPLAY", "BROWSER":
		default:
			env = append(env, pair)
		}
	}
	// No browser, no keyring and a home of its own. The compiled core is no user's.
	env = append(env, "HOME="+home, "XDG_CONFIG_HOME="+home, "AppData="+home, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere", "SSH_CONNECTION=x")
	if cache, err := os.UserCacheDir(); err == nil {
		env = append(env, "XDG_CACHE_HOME="+cache)
	}
	// once runs it, and logs in where it asks for that.
	once := func() (code int, out, said string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, "-port", port, s.URL())
		cmd.Env = env
		var stdout bytes.Buffer
		cmd.Stdout = &stdout
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var read strings.Builder
		lines := bufio.NewScanner(io.TeeReader(stderr, &read))
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), s.Issuer()+"/authorize?") {
				response, err := http.Get(lines.Text())
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
			}
		}
		_ = cmd.Wait()
		return cmd.ProcessState.ExitCode(), stdout.String(), read.String()
	}
	check := func(what string, wantCode int, wantOut bool, texts ...string) {
		t.Helper()
		code, out, said := once()
		if code != wantCode || strings.Contains(out, "echo\n") != wantOut {
			t.Errorf("%s: it ends with %d, and prints %q", what, code, out)
		}
		for _, text := range texts {
			if !strings.Contains(said, text) {
				t.Errorf("%s: it does not say %q", what, text)
			}
		}
		if leaks, looked := s.Leaks(out + said); len(leaks) > 0 || looked == 0 {
			t.Errorf("%s: it says the secrets %q, of %d", what, leaks, looked)
		}
		if t.Failed() {
			t.Log(said)
		}
	}
	check("login", 0, true, "the authorization server is "+s.Issuer(), "registered there as client-registered", "somebody is asked to log in, for read write", "there is a token, until ")
	if code, out, said := once(); code != 0 || !strings.Contains(out, "echo\n") || said != "" {
		t.Errorf("with a login that was kept: it ends with %d, and says %q", code, said)
	}
	if err := os.RemoveAll(home); err != nil {
		t.Fatal(err)
	}
	s.Refuse = true
	check("refusal", 1, false, "the login was refused: access_denied")
	s.Close()
	if code, _, said := once(); code != 1 || !strings.Contains(said, "the server cannot be reached") {
		t.Errorf("without a server: it ends with %d, and says %q", code, said)
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
