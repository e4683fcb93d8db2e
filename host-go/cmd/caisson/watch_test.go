package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A running is a run of the program that has not ended.
type running struct {
	out, stderr *bufio.Scanner
	interrupt   func()
	code        chan int
}

// startRun starts the program in this process. The test must read everything that the program writes.
func startRun(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	out, outEnd := io.Pipe()
	stderr, stderrEnd := io.Pipe()
	r := &running{
		out: bufio.NewScanner(out), stderr: bufio.NewScanner(stderr), code: make(chan int, 1),
		interrupt: func() { cancel(&interrupt{os.Interrupt}) },
	}
	go func() {
		r.code <- runIn(ctx, args, strings.NewReader(""), outEnd, stderrEnd)
		_ = outEnd.Close()
		_ = stderrEnd.Close()
	}()
	late := time.AfterFunc(2*time.Minute, func() {
		err := errors.New("nothing more came in time")
		_ = out.CloseWithError(err)
		_ = stderr.CloseWithError(err)
	})
	t.Cleanup(func() {
		late.Stop()
		cancel(errors.New("the test is over"))
		_ = out.Close()
		_ = stderr.Close()
	})
	return r
}

// drain reads standard error to its end, in the background.
func (r *running) drain() {
	go func() {
		for r.stderr.Scan() {
		}
	}()
}

// TestWatch changes a server's lists and resources, reads the lines, and interrupts.
func TestWatch(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	for _, era := range []string{"old", "new"} {
		for line, want := range map[string][]string{
			"subscribe test:///text":                 {"updated test:///text"},
			"subscribe test:///text --json":          {`"method":"notifications/resources/updated"`},
			"listen":                                 {"the list of tools has changed"},
			"listen --tools --json":                  {`"method":"notifications/tools/list_changed"`},
			"listen --tools --resource test:///text": {"updated test:///text", "the list of tools has changed"},
		} {
			t.Run(line+" "+era, func(t *testing.T) {
				t.Parallel()
				server := serveFull(t)
				words := strings.Fields(line)
				named := map[string][]string{"old": server.old, "new": server.new}[era]
				r := startRun(t, slices.Concat(words[:1], named, words[1:])...)
				waitFor(t, r.stderr, `^caisson: listening to `)
				r.drain()
				for _, text := range want {
					if strings.Contains(text, "updated") {
						if err := server.ResourceUpdated(t.Context(), &mcp.ResourceUpdatedNotificationParams{URI: "test:///text"}); err != nil {
							t.Fatal(err)
						}
					} else {
						server.addTool("new", nil)
					}
					if !r.out.Scan() || !strings.Contains(r.out.Text(), text) {
						t.Errorf("it prints %q, want %q", r.out.Text(), text)
					}
				}
				r.interrupt()
				var rest []string
				for r.out.Scan() {
					rest = append(rest, r.out.Text())
				}
				if code := <-r.code; code != exitOK || rest != nil {
					t.Errorf("it ends with %d and prints %q", code, rest)
				}
				if era == "old" && slices.Contains(words, "test:///text") {
					if uri := <-server.unsubscribed; uri != "test:///text" {
						t.Errorf("it unsubscribes from %q", uri)
					}
				}
			})
		}
	}
}

func TestWatchEnds(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	t.Run("for", func(t *testing.T) {
		t.Parallel()
		server := serveFull(t)
		o := caissonRun(t, append([]string{"subscribe", "--for", "1ms"}, append(server.old, "test:///text")...)...)
		o.expect(t, exitOK, "listening to ")
		if diff := cmp.Diff("test:///text", <-server.unsubscribed); diff != "" {
			t.Errorf("unsubscribed (-want +got):\n%s", diff)
		}
	})
	t.Run("not granted", func(t *testing.T) {
		t.Parallel()
		server := mcp.NewServer(&mcp.Implementation{Name: "poor", Version: "1"}, &mcp.ServerOptions{Capabilities: &mcp.ServerCapabilities{}})
		o := caissonRun(t, "listen", serveIn(t, server, true), "--for", "1ms", "--protocol-version=2026-07-28")
		o.expect(t, exitOK, "the server does not report changes of its list of prompts")
	})
	t.Run("the server ends", func(t *testing.T) {
		t.Parallel()
		r := startRun(t, "listen", "--protocol-version=2025-11-25", "--", self(t), dyingServer)
		// The server's process writes to standard error by itself.
		pid, err := strconv.Atoi(waitForAll(t, r.stderr, `^process (\d+)$`, `^caisson: listening to `)[0][1])
		if err != nil {
			t.Fatal(err)
		}
		r.drain()
		process, err := os.FindProcess(pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := process.Kill(); err != nil {
			t.Fatal(err)
		}
		select {
		case code := <-r.code:
			if code != exitFailure {
				t.Errorf("it ends with %d", code)
			}
		case <-time.After(2 * time.Minute):
			t.Error("it does not end")
		}
	})
}
