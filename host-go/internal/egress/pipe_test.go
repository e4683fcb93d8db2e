package egress

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// open returns a session with a pipe 1 to a child that plays steps.
func open(t *testing.T, opts Options, steps ...string) (*Broker, *recorder) {
	t.Helper()
	return openCommand(t, opts, child(t, steps...))
}

func openCommand(t *testing.T, opts Options, command *Command) (*Broker, *recorder) {
	t.Helper()
	s, sink := start(t, Grant{Server: "files", Command: command}, opts)
	if err := s.PipeOpen(ref(1)); err != nil {
		t.Fatal(err)
	}
	return s, sink
}

func TestPipeEchoes(t *testing.T) {
	s, sink := open(t, unhurried, "echo")
	var want []string
	for i := range 1000 {
		message := fmt.Sprintf(`{"n":%d,"text":"héllo \u2028 %s"}`, i, strings.Repeat("x", i*i%7000))
		want = append(want, message)
		s.PipeWrite(ref(1), message)
	}
	large := strings.Repeat("y", 8<<20)
	want = append(want, large)
	s.PipeWrite(ref(1), large)
	s.PipeWrite(Ref{ID: 1, Generation: 2}, "of another generation")
	s.PipeClose(ref(1)) // what is written still goes out, and what comes back still comes in
	s.PipeWrite(ref(1), "too late")
	events, err := sink.ended(t, ref(1))
	noError(t, err)
	if got := messagesOf(events); !slices.Equal(got, want) {
		t.Errorf("%d messages came back of %d, or not the same", len(got), len(want))
	}
}

// TestPipeWritesAlone writes messages one by one, larger and smaller than what the system takes at
// once, to a command that reads them, and to one that has not begun to.
func TestPipeWritesAlone(t *testing.T) {
	for _, wait := range []bool{true, false} {
		s, sink := open(t, unhurried, "echo")
		var want []string
		for i, size := range []int{1, 4095, 4096, 4097, 65535, 65536, 65537, 1 << 20, 2, 3} {
			message := strings.Repeat(string(rune('a'+i)), size)
			want = append(want, message)
			s.PipeWrite(ref(1), message)
			if wait {
				sink.until(t, ref(1), func(events []event) bool { return len(messagesOf(events)) == len(want) })
			}
		}
		s.PipeClose(ref(1))
		events, err := sink.ended(t, ref(1))
		noError(t, err)
		if got := messagesOf(events); !slices.Equal(got, want) {
			t.Errorf("waiting %v: %d messages came back of %d, or not the same", wait, len(got), len(want))
		}
	}
}

func TestPipeFraming(t *testing.T) {
	_, sink := open(t, unhurried, `out \n\r\none\r\n\n\xfftwo\xe2\x82\nthree\rfour\n`, "out last")
	events, err := sink.ended(t, ref(1))
	wantError(t, err, Transport, "exit status 0")
	want := []string{"one", "\uFFFDtwo\uFFFD", "three\rfour", "last"}
	if got := messagesOf(events); !slices.Equal(got, want) {
		t.Errorf("messages %q, want %q", got, want)
	}
}

func TestPipesOfOneSession(t *testing.T) {
	s, sink := open(t, unhurried, "echo")
	if err := s.PipeOpen(Ref{ID: 1, Generation: 2}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second open: %v, want ErrInUse", err)
	}
	for id := uint32(2); id <= MaxPipes; id++ {
		if err := s.PipeOpen(ref(id)); err != nil {
			t.Fatal(err)
		}
	}
	wantRefused(t, s.PipeOpen(ref(99)), Limit, "more than 4 commands at once")
	for id := uint32(1); id <= MaxPipes; id++ {
		s.PipeWrite(ref(id), fmt.Sprint(id))
		s.PipeClose(ref(id))
	}
	for id := uint32(1); id <= MaxPipes; id++ {
		events, err := sink.ended(t, ref(id))
		noError(t, err)
		if got := messagesOf(events); len(got) != 1 || got[0] != fmt.Sprint(id) {
			t.Errorf("pipe %d: %q", id, got)
		}
	}
	// The id is free as soon as the end is told.
	if err := s.PipeOpen(Ref{ID: 1, Generation: 2}); err != nil {
		t.Error(err)
	}
	s.PipeClose(Ref{ID: 1, Generation: 2})
	_, err := sink.ended(t, Ref{ID: 1, Generation: 2})
	noError(t, err)
}

func TestPipeNotGranted(t *testing.T) {
	s, _ := start(t, Grant{Server: "files"}, Options{})
	wantRefused(t, s.PipeOpen(ref(1)), Refused, `server "files": `, "not granted", "configure the server's command")
}

func TestCommandNotStarted(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		command Command
		cause   error
		parts   []string
	}{
		{"not in PATH", Command{Path: "no-such-command"}, exec.ErrNotFound, []string{`command "no-such-command"`, "install it, or configure its full path"}},
		{"not in its own PATH", Command{Path: "go", Env: []string{"PATH=" + dir}}, exec.ErrNotFound, []string{`command "go"`, "PATH of its environment"}},
		{"a whole line", Command{Path: "npx -y server"}, exec.ErrNotFound, []string{`command "npx -y server"`, "give its arguments apart from the program"}},
		{"no such file", Command{Path: filepath.Join(dir, "none")}, fs.ErrNotExist, []string{"install it"}},
		{"no such folder", Command{Path: child(t).Path, Dir: filepath.Join(dir, "none")}, fs.ErrNotExist, []string{"correct its working directory"}},
		{"not executable", Command{Path: plain}, fs.ErrPermission, []string{"make it executable"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && test.cause == fs.ErrPermission {
				t.Skip("Windows has no such permission")
			}
			command := test.command
			command.Args = []string{"s3cret-argument"}
			command.Env = append(command.Env, "KEY=s3cret-value")
			_, sink := openCommand(t, Options{}, &command)
			events, err := sink.ended(t, ref(1))
			wantError(t, err, Connect, append(test.parts, "could not be started")...)
			if !errors.Is(err, test.cause) {
				t.Errorf("the cause is lost: %#v", err.Err)
			}
			if len(events) != 0 || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%+v, %v", events, err)
			}
		})
	}
}

// A name is looked up in the command's own PATH, and the environment and folder are its own.
func TestCommandIsOfItsOwnEnvironment(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	command := child(t, "getenv KEY", "getenv PATH", "getwd")
	name := "caisson-test-command"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if err := os.Link(command.Path, filepath.Join(dir, name)); err != nil {
		if err = os.CopyFS(dir, os.DirFS(filepath.Dir(command.Path))); err != nil { // of another file system
			t.Fatal(err)
		}
		if err = os.Rename(filepath.Join(dir, filepath.Base(command.Path)), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	path := "relative" + string(filepath.ListSeparator) + dir
	command.Path, command.Dir = name, dir
	command.Env = append(command.Env, "PATH=nowhere", "PATH="+path, "KEY=value")
	_, sink := openCommand(t, unhurried, command)
	events, _ := sink.ended(t, ref(1))
	if got, want := messagesOf(events), []string{"value", path, dir}; !slices.Equal(got, want) {
		t.Errorf("messages %q, want %q", got, want)
	}
}

func TestStderr(t *testing.T) {
	long := strings.Repeat("x", 20<<10)
	steps := []string{`err one\r\n\n\xfftwo\n`, "err " + long + `\n`, "err three"}

	t.Run("to the logger", func(t *testing.T) {
		var out locked
		_, sink := open(t, Options{Logger: slog.New(slog.NewTextHandler(&out, nil))}, steps...)
		sink.ended(t, ref(1))
		for _, want := range []string{"level=INFO msg=one server=files\n", "msg=\"\uFFFDtwo\" server", "msg=three server"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in %.300s", want, out.String())
			}
		}
		if n := strings.Count(out.String(), "\n"); n != 5 { // the long line is in two parts
			t.Errorf("%d records", n)
		}
	})
	t.Run("to a writer", func(t *testing.T) {
		var out locked
		_, sink := open(t, Options{Stderr: &out}, steps...)
		sink.ended(t, ref(1))
		if got, want := out.String(), "one\r\n\n\xfftwo\n"+long+"\nthree"; got != want {
			t.Errorf("%d bytes, want %d", len(got), len(want))
		}
	})
	t.Run("to a writer that fails", func(t *testing.T) {
		_, sink := open(t, Options{Stderr: failing{}}, append(steps, "out done")...)
		events, _ := sink.ended(t, ref(1))
		if got := messagesOf(events); len(got) != 1 || got[0] != "done" {
			t.Errorf("messages %q", got)
		}
	})
}

// locked is a bytes.Buffer for several goroutines.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }
