package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// child is a process that is measured, or serves.
func child(mode string) error {
	ctx := context.Background()
	switch mode {
	case "serve-stdio":
		return demoserver.New().Run(ctx, &mcp.StdioTransport{})
	case "serve-http":
		return serveHTTP()
	}
	began := time.Now()
	r, err := caisson.New(ctx, &caisson.Options{
		CacheDir: os.Getenv("CACHE"), CompileFirst: os.Getenv("COMPILE_FIRST") != "" || mode != "first",
	})
	if err != nil {
		return err
	}
	defer r.Close()
	made := time.Since(began)
	switch mode {
	case "first":
		return first(ctx, r, made)
	case "sessions":
		return sessions(ctx, r)
	case "parallel":
		return parallel(ctx, r)
	case "soak":
		return soak(ctx, r)
	}
	return errors.New("there is no such mode")
}

func first(ctx context.Context, r *caisson.Runtime, made time.Duration) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	began := time.Now()
	s, err := r.Connect(ctx, caisson.Server{Command: self, Env: map[string]string{modeVariable: "serve-stdio"}})
	if err != nil {
		return err
	}
	connected := time.Since(began)
	if err := call(ctx, s); err != nil {
		return err
	}
	fmt.Println("result")
	if os.Getenv("STAGES") != "" {
		fmt.Fprintf(os.Stderr, "new %v, connect %v, call %v\n", made, connected, time.Since(began)-connected)
	}
	if os.Getenv("WARM") != "" {
		return r.Compile(ctx)
	}
	return nil
}

func call(ctx context.Context, s *caisson.Session) error {
	result, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"message": "hello"}})
	if err == nil && result.IsError {
		err = errors.New("the tool failed")
	}
	return err
}

// serveHTTP serves until its standard input ends, and says where.
func serveHTTP() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	go func() { _ = http.Serve(l, demoserver.Handler(false, true)) }()
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
	return nil
}

// httpServer starts a server in a process of its own.
func httpServer() (server caisson.Server, stop func(), err error) {
	cmd, err := childCommand("serve-http")
	if err != nil {
		return server, nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return server, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return server, nil, err
	}
	if err := cmd.Start(); err != nil {
		return server, nil, err
	}
	line, _, err := bufio.NewReader(out).ReadLine()
	return caisson.Server{URL: string(line)}, func() { _ = in.Close(); _ = cmd.Wait() }, err
}

// sessions opens more and more sessions.
func sessions(ctx context.Context, r *caisson.Runtime) error {
	server, stop, err := httpServer()
	if err != nil {
		return err
	}
	defer stop()
	fmt.Println("sessions over HTTP, each with a call: connect ms, resident MB of the process (proportional to shared pages)")
	before := 0.0
	for n := 1; n <= 100; n++ {
		began := time.Now()
		s, err := r.Connect(ctx, server)
		if err != nil {
			return err
		}
		took := time.Since(began)
		if err := call(ctx, s); err != nil {
			return err
		}
		if n == 1 || n == 2 || n == 10 || n == 50 || n == 100 {
			m := memory()
			if n == 1 {
				before = m.resident
			}
			fmt.Printf("  %3d: connect %5.1f ms, resident %6.1f (%6.1f), each further one %5.2f\n", n,
				float64(took.Microseconds())/1000, m.resident, m.proportional, (m.resident-before)/float64(max(1, n-1)))
		}
	}
	return nil
}

// parallel compares two sessions at once with one.
func parallel(ctx context.Context, r *caisson.Runtime) error {
	server, stop, err := httpServer()
	if err != nil {
		return err
	}
	defer stop()
	rate := func(n int) (float64, error) {
		var all []*caisson.Session
		for range n {
			s, err := r.Connect(ctx, server)
			if err != nil {
				return 0, err
			}
			defer s.Close()
			all = append(all, s)
		}
		var group sync.WaitGroup
		counts, failures := make([]int, n), make([]error, n)
		began := time.Now()
		for i, s := range all {
			group.Go(func() {
				for time.Since(began) < 3*time.Second && failures[i] == nil {
					failures[i] = call(ctx, s)
					counts[i]++
				}
			})
		}
		group.Wait()
		total := 0
		for _, c := range counts {
			total += c
		}
		return float64(total) / time.Since(began).Seconds(), errors.Join(failures...)
	}
	fmt.Printf("calls a second on %d processors, HTTP: one session, two sessions, ratio\n", runtime.GOMAXPROCS(0))
	for range 3 {
		one, err := rate(1)
		if err != nil {
			return err
		}
		two, err := rate(2)
		if err != nil {
			return err
		}
		fmt.Printf("  %6.0f %6.0f %5.2f\n", one, two, two/one)
	}
	return nil
}

// soak makes many calls and then many connects.
func soak(ctx context.Context, r *caisson.Runtime) error {
	server, stop, err := httpServer()
	if err != nil {
		return err
	}
	defer stop()
	calls, err := strconv.Atoi(os.Getenv("CALLS"))
	if err != nil {
		return err
	}
	connects, err := strconv.Atoi(os.Getenv("CONNECTS"))
	if err != nil {
		return err
	}
	s, err := r.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println("soak: resident MB")
	if err := inTenths("calls", calls, func() error { return call(ctx, s) }); err != nil {
		return err
	}
	return inTenths("connects", connects, func() error {
		other, err := r.Connect(ctx, server)
		if err != nil {
			return err
		}
		return other.Close()
	})
}

func inTenths(what string, n int, do func() error) error {
	for tenth := range 10 {
		for range n / 10 {
			if err := do(); err != nil {
				return err
			}
		}
		m := memory()
		fmt.Printf("  %6d %s: resident %6.1f (%6.1f), Go heap %5.1f\n", n/10*(tenth+1), what, m.resident, m.proportional, m.heap)
	}
	return nil
}
