package caisson_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/authserver"
)

// A processLogin is what a process that logs in is told, in its environment.
type processLogin struct {
	URL, Folder string
	Port        int
}

const processLoginEnv = "CAISSON_TEST_LOGIN"

// method is a way to log in that processes share.
func (p *processLogin) method() (*auth.OAuth, error) {
	store, err := auth.OpenFileStore(auth.FileStoreOptions{Folder: p.Folder})
	if err != nil {
		return nil, err
	}
	return &auth.OAuth{Common: auth.Common{Store: store}, Ask: &auth.Browser{Port: p.Port, Open: new(browsingPerson).visit}}, nil
}

// logIn calls a server that wants authorization, as soon as standard input ends.
func logIn() {
	var p processLogin
	call := func() error {
		if err := json.Unmarshal([]byte(os.Getenv(processLoginEnv)), &p); err != nil {
			return err
		}
		method, err := p.method()
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		r, err := caisson.New(ctx, nil)
		if err != nil {
			return err
		}
		defer r.Close()
		fmt.Println("ready")
		_, _ = io.Copy(io.Discard, os.Stdin)
		s, err := r.Connect(ctx, caisson.Server{URL: p.URL, Auth: method})
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = s.CallTool(ctx, &mcp.CallToolParams{Name: "add", Arguments: addition{1, 2}})
		return err
	}
	if err := call(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestProcessesLogInOnce starts several processes at once, with one store and one port for their browsers:
// one of them refreshes or has a person log in, and all of them work.
func TestProcessesLogInOnce(t *testing.T) {
	t.Parallel()
	const processes = 8
	for _, test := range []struct {
		name string
		// ago is how long ago a person has logged in; 0 for never.
		ago  time.Duration
		want authserver.Did
	}{
		{"without a token", 0, authserver.Did{Registrations: 1, Logins: 1}},
		{"with a token that is over", 2 * time.Hour, authserver.Did{Registrations: 1, Logins: 1, Refreshes: 1}},
		{"with a token that the server takes for over", time.Second, authserver.Did{Registrations: 1, Logins: 1, Refreshes: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := newAuthServer(t)
			p := &processLogin{URL: server.URL(), Folder: filepath.Join(t.TempDir(), "store"), Port: freePort(t)}
			if test.ago > 0 {
				method, err := p.method()
				if err != nil {
					t.Fatal(err)
				}
				c := newClient(t, caisson.ClientOptions{})
				c.SetClock(func() time.Time { return time.Now().Add(-test.ago) })
				_ = connect(t, c, caisson.Server{URL: p.URL, Auth: method}).Close() // An open one would refresh too.
				server.Expire()
			}
			told, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			var begin []io.Closer
			var all sync.WaitGroup
			ready := make(chan struct{}, processes)
			for range processes {
				cmd := exec.CommandContext(testContext(t), os.Args[0])
				cmd.Env = append(os.Environ(), childMode+"=login", processLoginEnv+"="+string(told))
				said := &saying{ready: ready}
				cmd.Stdout, cmd.Stderr = said, said
				in, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				begin = append(begin, in)
				all.Go(func() {
					if err := cmd.Wait(); err != nil {
						t.Errorf("a process failed: %v: %s", err, said.text.String())
					}
				})
			}
			for range processes {
				select {
				case <-ready:
				case <-testContext(t).Done():
					t.Error("the processes are not ready")
				}
			}
			for _, in := range begin {
				_ = in.Close()
			}
			all.Wait()
			happened(t, server, test.want)
		})
	}
}

// newAuthServer is an authorization server with the Go SDK's server behind it.
func newAuthServer(t testing.TB) *authserver.Server {
	server := newGoServer()
	s := authserver.New(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true}))
	t.Cleanup(s.Close)
	return s
}

// happened compares what an authorization server did since the beginning.
func happened(t *testing.T, s *authserver.Server, want authserver.Did) {
	t.Helper()
	if did := s.Did(); did != want {
		t.Errorf("the authorization server did %+v, want %+v", did, want)
	}
}

// saying is what a process says; the first of it says that it is ready.
type saying struct {
	ready chan<- struct{}
	once  sync.Once
	text  strings.Builder
}

func (s *saying) Write(p []byte) (int, error) {
	s.once.Do(func() { s.ready <- struct{}{} })
	return s.text.Write(p)
}
