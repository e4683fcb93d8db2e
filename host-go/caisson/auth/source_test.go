package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// theToken is what sources give; no error may have it.
const theToken = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl-_~+/="

// What a token may be in, and what it may not.
var texts = map[string]struct {
	text string
	says string // in the error; "" where it is a token
}{
	"a token":          {theToken, ""},
	"a line":           {theToken + "\n", ""},
	"white space":      {"\t " + theToken + " \r\n\r\n", ""},
	"a mark":           {"\ufeff" + theToken + "\r\n", ""},
	"nothing":          {"", "it is empty; put a token there"},
	"only white space": {" \n", "it is empty"},
	"two lines":        {theToken + "\n" + theToken, "a line break"},
	"a header":         {theToken + "\r\nX-Evil: 1", "a line break"},
	"a bell":           {theToken + "\a", "a line break or another character"},
	"not ASCII":        {theToken + "é", "another character"},
	"not UTF-8":        {"\xff\xfe" + theToken, "another character"},
	"as large as can":  {strings.Repeat("x", maxSecretBytes), ""},
	"too large":        {strings.Repeat("x", maxSecretBytes+1), "more than 65536 bytes"},
	"far too large":    {theToken + strings.Repeat("x", 1<<20), "more than 65536 bytes"},
}

// checkSource compares what a source gives with what a text in it has to give.
func checkSource(t *testing.T, source func(context.Context) (string, error), name, text, says string) {
	t.Helper()
	got, err := source(testContext(t))
	if says == "" {
		if want := strings.Trim(text, "\ufeff \t\r\n"); err != nil || got != want {
			t.Errorf("%.80q, %v", got, err)
		}
		return
	}
	sourceFails(t, got, err, name, says)
}

// sourceFails fails the test unless an error says what it has to, and nothing of the token.
func sourceFails(t *testing.T, got string, err error, name, says string) {
	t.Helper()
	var e *SourceError
	if got != "" || !errors.As(err, &e) || e.Remedy == "" || !strings.HasPrefix(err.Error(), name+" gives no token: ") || !strings.Contains(err.Error(), says) {
		t.Errorf("%.80q, %v", got, err)
		return
	}
	if text := fmt.Sprintf("%v %+v %#v", err, e.Err, e.Err); strings.Contains(text, theToken) || strings.Contains(text, "xxx") {
		t.Errorf("the error has the token: %v", err)
	}
}

func TestFromFile(t *testing.T) {
	t.Parallel()
	for name, test := range texts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			checkSource(t, FromFile(path), "the file "+path, test.text, test.says)
		})
	}
}

// A file is read anew, also when a link leads to another one, as Kubernetes does it.
func TestFileChanges(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "token")
	source := FromFile(path)
	got, err := source(testContext(t))
	sourceFails(t, got, err, "the file "+path, "see that it is there")
	for _, token := range []string{"one", "two"} {
		if err := os.WriteFile(filepath.Join(folder, token), []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(path)
		if err := os.Symlink(filepath.Join(folder, token), path); err != nil {
			t.Skip(err)
		}
		if got, err := source(testContext(t)); err != nil || got != token {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// What has no end, or does not come, is no file.
func TestOddFiles(t *testing.T) {
	paths := []string{t.TempDir()}
	if runtime.GOOS != "windows" {
		pipe := filepath.Join(t.TempDir(), "pipe")
		if output, err := exec.Command("mkfifo", pipe).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		paths = append(paths, pipe, "/dev/zero", "/dev/null")
	}
	for _, path := range paths {
		got, err := FromFile(path)(testContext(t))
		sourceFails(t, got, err, "the file "+path, "it is not a regular file")
	}
}

func TestFromEnvironment(t *testing.T) {
	const name = "CAISSON_TEST_TOKEN"
	source := FromEnvironment(name)
	got, err := source(testContext(t))
	sourceFails(t, got, err, "the environment variable "+name, "it is not set; set it")
	for text, test := range texts {
		t.Run(text, func(t *testing.T) {
			t.Setenv(name, test.text)
			checkSource(t, source, "the environment variable "+name, test.text, test.says)
		})
	}
}

func TestFromCommand(t *testing.T) {
	path := program(t, "prints")
	for name, test := range texts {
		if len(test.text) > 100 {
			continue // Some systems take no such argument; see TestCommandFails.
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkSource(t, FromCommand(path, "a shell would see; $(this) `and` that", test.text), "the command "+path, test.text, test.says)
		})
	}
}

// A command that fails, does not end or prints without end is an error that says nothing of its output and
// its arguments.
func TestCommandFails(t *testing.T) {
	for mode, says := range map[string]string{"fails": "exit status 5; run it by hand", "endless": "more than 65536 bytes"} {
		t.Run(mode, func(t *testing.T) {
			path := program(t, mode)
			got, err := FromCommand(path, theToken)(testContext(t))
			sourceFails(t, got, err, "the command "+path, says)
		})
	}
	t.Run("is not there", func(t *testing.T) {
		got, err := FromCommand("caisson-test-none", theToken)(testContext(t))
		sourceFails(t, got, err, "the command caisson-test-none", "not found")
	})
}

// A command is killed when the context ends.
func TestCommandHangs(t *testing.T) {
	path := program(t, "hangs")
	stay := newStay(t)
	gone := errors.New("the session ended")
	ctx, cancel := context.WithCancelCause(testContext(t))
	ended := make(chan error, 1)
	go func() {
		_, err := FromCommand(path, theToken)(ctx)
		ended <- err
	}()
	conn := stay.await(t)
	cancel(gone)
	err := <-ended
	sourceFails(t, "", err, "the command "+path, gone.Error())
	if !errors.Is(err, gone) {
		t.Error(err)
	}
	if n, err := io.Copy(io.Discard, conn); n != 0 || isTimeout(err) {
		t.Errorf("it lives: %d bytes, %v", n, err)
	}
}

// A command that leaves something behind that holds its output is over when it ends.
func TestCommandLeavesOne(t *testing.T) {
	path := program(t, "leaves-one")
	stay := newStay(t)
	left := make(chan net.Conn, 1)
	go func() { left <- stay.await(t) }()
	got, err := FromCommand(path, theToken)(testContext(t))
	sourceFails(t, got, err, "the command "+path, exec.ErrWaitDelay.Error())
	<-left
}

// Nothing is read for a context that has ended.
func TestSourceEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	for name, source := range map[string]func(context.Context) (string, error){
		"file": FromFile("/dev/null"), "environment": FromEnvironment("PATH"), "command": FromCommand("caisson-test-none"),
	} {
		if got, err := source(ctx); got != "" || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
