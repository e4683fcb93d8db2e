package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/closedport"
)

// status returns a handler that answers everything with a status.
func status(code int, contentType, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	})
}

func TestCouldNotConnect(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	for name, test := range map[string]struct {
		server []string
		want   string
	}{
		"no such command":       {[]string{"--", "caisson-no-such-command"}, "caisson-no-such-command"},
		"a command of no MCP":   {[]string{"--", self(t), "version"}, "connect"},
		"a command that fails":  {[]string{"--", self(t), "--nonsense"}, "unknown flag: --nonsense"}, // these are the command's own words
		"nobody listens":        {[]string{"http://" + closedport.Address(t) + "/mcp"}, "connect"},
		"404":                   {[]string{serve(t, status(404, "text/plain", "nothing here"))}, "404"},
		"500":                   {[]string{serve(t, status(500, "text/plain", "out of order"))}, "500 Internal Server Error"},
		"a web page":            {[]string{serve(t, status(200, "text/html", "<p>Welcome"))}, "connect"},
		"JSON of another sort":  {[]string{serve(t, status(200, "application/json", `{"hello":"world"}`))}, "connect"},
		"sse that is not there": {[]string{"--transport", "sse", serve(t, status(404, "text/plain", ""))}, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := caissonRun(t, append([]string{"list-tools"}, test.server...)...)
			o.expect(t, exitConnect, test.want)
			if o.out != "" {
				t.Errorf("it prints %q", o.out)
			}
		})
	}
}

// A server that refuses, and has no metadata, says to whom.
func TestUnauthorized(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	refuses := serve(t, status(401, "text/plain", "who are you"))
	o := caissonRun(t, "list-tools", refuses)
	o.expect(t, exitLogin, `"error":"authorization_required"`, `"login":"caisson auth login `+refuses)
	o = caissonRun(t, "list-tools", refuses, "--header", "Authorization: Bearer x")
	o.expect(t, exitLogin, `"error":"authorization_required"`, "so log in with 'caisson auth login', or give an Authorization header that it takes")
	if strings.Contains(o.stderr, `"login"`) {
		t.Errorf("a login does not help: %s", o.stderr)
	}
	o = atTerminal(t, "", "list-tools", refuses, "--header", "Authorization: Bearer x")
	o.expect(t, exitLogin, "leave out the Authorization header, and log in with 'caisson auth login "+refuses)
}

func TestProtocolAndTransportErrors(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	t.Run("a tool that is not there", func(t *testing.T) {
		t.Parallel()
		o := call(t, "nothing", "--args", "{}")
		o.expect(t, exitFailure, "nothing")
	})
	t.Run("a server that dies", func(t *testing.T) {
		t.Parallel()
		o := caissonRun(t, "call-tool", "die", "--", self(t), dyingServer)
		o.expect(t, exitFailure, "the last words of the server\n", "tools/call")
	})
	t.Run("a result that is none", func(t *testing.T) {
		t.Parallel()
		o := caissonRun(t, "list-tools", cannedServer(t, map[string]string{"tools/list": `{"tools":"many"}`}))
		o.expect(t, exitFailure, "tools/list")
	})
	t.Run("a method that is not there", func(t *testing.T) {
		t.Parallel()
		o := caissonRun(t, "list-tools", cannedServer(t, nil))
		o.expect(t, exitFailure, "tools/list", "there is no method tools/list")
	})
}

func TestTimeout(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	t.Run("connecting", func(t *testing.T) {
		t.Parallel()
		silent := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // net/http sees only then that the client is gone
			<-r.Context().Done()
		}))
		o := caissonRun(t, "list-tools", silent, "--timeout", "100ms")
		o.expect(t, exitTimeout, "connect: timeout: it took longer than 100ms: allow more with --timeout")
	})
	t.Run("calling", func(t *testing.T) {
		t.Parallel()
		o := call(t, "countdown", "from=1000", "pause_ms=60000", "--timeout", "3s")
		o.expect(t, exitTimeout, "it took longer than 3s: allow more with --timeout")
	})
}

type fullDisk struct{}

var errFull = errors.New("no space left")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestOutputThatCannotBeWritten(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	for _, line := range []string{"list-tools", "call-tool echo message=x", "call-tool echo message=x --json"} {
		var stderr bytes.Buffer
		code := run(append(strings.Fields(line), demoArgs(t)...), strings.NewReader(""), fullDisk{}, &stderr)
		if code != exitFailure || !strings.Contains(stderr.String(), "writing the result: no space left") {
			t.Errorf("%s: it ends with %d and says %q", line, code, &stderr)
		}
	}
}

// Nothing that the program writes contains a value of --header or --env.
func TestSecretsStaySecret(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	const secret = "xyzzy-plugh"
	asked := make(chan string, 100)
	elsewhere := serve(t, status(200, "text/plain", ""))
	record := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case asked <- r.Header.Get("X-Secret"):
			default:
			}
			next.ServeHTTP(w, r)
		})
	}
	servers := map[string][]string{
		"refused":        {serve(t, record(status(401, "text/plain", "who are you")))},
		"not found":      {serve(t, record(status(404, "text/plain", "")))},
		"redirected":     {serve(t, record(http.RedirectHandler(elsewhere, http.StatusTemporaryRedirect)))},
		"nobody listens": {"http://" + closedport.Address(t) + "/mcp"},
		"works":          {toolsServer(t, 1, 10)},
	}
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			o := caissonRun(t, append([]string{
				"list-tools", "-v", "--header", "X-Secret: " + secret, "--header", "Authorization: Bearer " + secret,
			}, server...)...)
			switch name {
			case "works":
				o.expect(t, exitOK)
			case "refused":
				o.expect(t, exitLogin)
			default:
				o.expect(t, exitConnect)
			}
			if strings.Contains(o.out+o.stderr, secret) {
				t.Errorf("the secret is told:\n%s\n%s", o.out, o.stderr)
			}
		})
	}
	select {
	case got := <-asked:
		if got != secret {
			t.Errorf("the server was sent %q", got)
		}
	default:
		t.Error("no server was asked")
	}
	for name, server := range map[string][]string{
		"a command":        demoArgs(t),
		"a command, wrong": {"--", "caisson-no-such-command"},
		"a pair, wrong":    {"--env", secret, "--", "x"},
		"a header, wrong":  {"--header", secret, "http://127.0.0.1:9/"},
	} {
		t.Run(name, func(t *testing.T) {
			line := []string{"list-tools", "-v"}
			if !strings.Contains(strings.Join(server, " "), "http") {
				line = append(line, "--env", "SECRET="+secret)
			}
			o := caissonRun(t, append(line, server...)...)
			if strings.Contains(o.out+o.stderr, secret) {
				t.Errorf("the secret is told:\n%s\n%s", o.out, o.stderr)
			}
		})
	}
}
