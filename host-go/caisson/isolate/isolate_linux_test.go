package isolate

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/caisson-dev/caisson/host-go/internal/isolation"
)

// trying has this program restrict itself as a worker does, and then try what a guest might that has left its sandbox.
const trying = "CAISSON_ISOLATE_TRY"

func TestMain(m *testing.M) {
	if what := os.Getenv(trying); what != "" {
		try(what, os.Args[1], os.Args[2], os.Args[3])
		return
	}
	os.Exit(m.Run())
}

// try prints what becomes of each attempt.
func try(what, folder, scratch, outside string) {
	if err := restrict(what, folder, scratch); err != nil {
		fmt.Println("restrict:", err)
		return
	}
	entry := filepath.Join(folder, "entry")
	for _, attempt := range []struct {
		name string
		try  func() error
	}{
		{"read compiled code", func() error { _, err := os.ReadFile(entry); return err }},
		{"link compiled code", func() error { return os.Link(entry, filepath.Join(scratch, "link")) }},
		{"make a folder of its own", func() error { return os.Mkdir(filepath.Join(scratch, "sub"), 0o700) }},
		{"write to its own folder", func() error { return os.WriteFile(filepath.Join(scratch, "file"), []byte("x"), 0o600) }},
		{"change compiled code", func() error { return os.WriteFile(entry, []byte("theirs"), 0o600) }},
		{"change it by its link", func() error { return os.WriteFile(filepath.Join(scratch, "link"), []byte("theirs"), 0o600) }},
		{"remove compiled code", func() error { return os.Remove(entry) }},
		{"put its own in place", func() error { return os.Rename(filepath.Join(scratch, "link"), filepath.Join(folder, "other")) }},
		{"read another file", func() error { _, err := os.ReadFile(outside); return err }},
		{"list the root", func() error { _, err := os.ReadDir("/"); return err }},
		{"read its parent's environment", func() error { _, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", os.Getppid())); return err }},
		{"make a socket", func() error { _, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); return err }},
		{"connect", func() error { _, err := net.Dial("tcp", "127.0.0.1:1"); return err }},
		{"run a program", func() error { return exec.Command("/bin/true").Run() }},
		{"signal its parent", func() error { return syscall.Kill(os.Getppid(), 0) }},
		{"use what is open", func() error { return unix.Fstat(100, new(unix.Stat_t)) }},
	} {
		err := attempt.try()
		outcome := "ok"
		switch {
		case errors.Is(err, os.ErrPermission), errors.Is(err, unix.EXDEV):
			outcome = "denied"
		case errors.Is(err, unix.EBADF):
			outcome = "gone"
		case err != nil:
			outcome = err.Error()
		}
		fmt.Printf("%s: %s\n", attempt.name, outcome)
	}
}

// TestRestrict has workers of each kind try what they may and what they may not. A kernel without Landlock fails the
// test.
func TestRestrict(t *testing.T) {
	// Somebody has a secret open, without FD_CLOEXEC.
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	leaked, err := syscall.Open(secret, syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(leaked)
	if err := syscall.Dup3(leaked, 100, 0); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(100)
	denied := map[string]string{
		"read compiled code": "ok", "link compiled code": "ok", "make a folder of its own": "ok", "write to its own folder": "denied",
		"change compiled code": "denied", "change it by its link": "denied", "remove compiled code": "denied", "put its own in place": "denied",
		"read another file": "denied", "list the root": "denied", "read its parent's environment": "denied", "make a socket": "denied", "connect": "denied",
		"run a program": "denied", "signal its parent": "denied", "use what is open": "gone",
	}
	for name, test := range map[string]struct {
		what    string
		beside  bool // its own folder is beside the compiled code
		differs map[string]string
	}{
		"a guest's": {isolation.Run, true, nil},
		"a guest's, with a folder elsewhere": {isolation.Run, false, map[string]string{
			"link compiled code": "denied", "write to its own folder": "ok", "change it by its link": "ok", "put its own in place": "denied",
		}},
		"one that compiles": {isolation.Compile, true, map[string]string{
			"change compiled code": "ok", "remove compiled code": "ok", "put its own in place": "ok",
			"write to its own folder": "ok", "change it by its link": "ok",
		}},
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "entry"), []byte("code"), 0o600); err != nil {
			t.Fatal(err)
		}
		scratch := t.TempDir()
		if test.beside {
			scratch = filepath.Join(folder, "scratch")
			if err := os.Mkdir(scratch, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		worker := exec.Command(os.Args[0], folder, scratch, secret)
		worker.Env = []string{trying + "=" + test.what}
		out, err := worker.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		seen := 0
		for line := range strings.Lines(string(out)) {
			attempt, got, _ := strings.Cut(strings.TrimSpace(line), ": ")
			want, known := denied[attempt]
			if other, ok := test.differs[attempt]; ok {
				want = other
			}
			if !known || got != want {
				t.Errorf("%s: %s: %s, and not %s", name, attempt, got, want)
			}
			seen++
		}
		if seen != len(denied) {
			t.Errorf("%s: %d attempts, and not %d: %s", name, seen, len(denied), out)
		}
	}
}
