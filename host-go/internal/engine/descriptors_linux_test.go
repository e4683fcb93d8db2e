package engine

import (
	"context"
	"errors"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// withoutDescriptors does something while the process cannot open anything: fill takes what has come
// free in the meantime.
func withoutDescriptors(t *testing.T, do func(fill func())) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	highest, used := 0, map[int]bool{}
	for _, entry := range entries {
		n, _ := strconv.Atoi(entry.Name())
		highest, used[n] = max(highest, n), true
	}
	// Those that are free below the highest would be given out still.
	var gaps []*os.File
	for n := range highest {
		if used[n] {
			continue
		}
		if f, err := os.Open(os.DevNull); err == nil {
			gaps = append(gaps, f)
			highest = max(highest, int(f.Fd()))
		}
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = uint64(highest + 1)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		for _, f := range gaps {
			f.Close()
		}
	}()
	fill := func() {
		for {
			f, err := os.Open(os.DevNull)
			if err != nil {
				return
			}
			gaps = append(gaps, f)
		}
	}
	fill()
	do(fill)
}

// TestNoDescriptors has none left when a connection is to be made, and when a command is to be started:
// that call fails, with its cause, and the session and the engine go on.
func TestNoDescriptors(t *testing.T) {
	e := testEngine(t, Config{CacheDir: warmCache(t), CompileFirst: true})
	s := open(t, e)
	echo(t, s, "before")
	withoutDescriptors(t, func(fill func()) {
		for failed := 0; failed < 3; {
			testTransport.CloseIdleConnections() // The server closes its ends when it finds out.
			fill()
			ctx, cancel := context.WithTimeout(testContext(t), 100*time.Millisecond)
			_, f := s.Call(ctx, Operation{Export: "call-tool", Method: "tools/call", Params: `{"name":"echo","arguments":{"message":"x"}}`})
			cancel()
			switch {
			case f != nil && errors.Is(f.Err, syscall.EMFILE):
				failed++
			case f != nil && f.Kind != ContextEnded: // It waits where the client has a connection, and the server none.
				t.Fatalf("the call ends with %v", f)
			}
		}
	})
	echo(t, s, "after")

	withoutDescriptors(t, func(func()) {
		other, f := e.Open(testContext(t), stdioConfig())
		if f != nil {
			return // There is none for the memory of an instance either: that is what fails.
		}
		defer other.Close()
		if _, f := other.Connect(testContext(t)); f == nil || f.Kind != Unreachable || !errors.Is(f.Err, syscall.EMFILE) {
			t.Errorf("connect ends with %v", f)
		}
	})
	other, f := e.Open(testContext(t), stdioConfig())
	if f != nil {
		t.Fatal(f)
	}
	defer other.Close()
	// This command is no server, but there is one again.
	if _, f := other.Connect(testContext(t)); f == nil || errors.Is(f.Err, syscall.EMFILE) {
		t.Errorf("connect ends with %v", f)
	}
	echo(t, s, "at the end")
}

func stdioConfig() SessionConfig {
	return client(SessionConfig{
		Endpoint: Endpoint{Kind: Stdio}, ClientInfo: Implementation{Name: "test", Version: "1"}, ConnectTimeout: patience,
		Grant: egress.Grant{Server: "true", Command: &egress.Command{Path: "true", Env: os.Environ()}}, Capabilities: "{}",
	})
}
