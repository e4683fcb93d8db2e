package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// A sleeper runs the program in processes of one user, whose configuration is a folder of the test's.
type sleeper struct{ folder, configuration string }

func newSleeper(t *testing.T) *sleeper {
	t.Helper()
	return &sleeper{t.TempDir(), t.TempDir()}
}

func (s *sleeper) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), self(t), args...)
	cmd.Dir = s.folder
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+s.configuration, "AppData="+s.configuration, "HOME="+s.configuration)
	if cache, err := os.UserCacheDir(); err == nil { // The compiled core is no user's.
		cmd.Env = append(cmd.Env, "XDG_CACHE_HOME="+cache)
	}
	return cmd
}

// run runs the program in a process of its own.
func (s *sleeper) run(t *testing.T, args ...string) outcome {
	t.Helper()
	cmd := s.command(t, args...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), stderr.String()}
}

func (s *sleeper) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *sleeper) read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s *sleeper) has(name string) bool {
	_, err := os.Stat(filepath.Join(s.folder, name))
	return err == nil
}

// TestSleep puts a run to sleep, wakes it in another process, has it sleep again in the same file, and wakes it to its end.
// A copy of the file wakes nothing.
func TestSleep(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	s := newSleeper(t)
	s.write(t, "answers.yaml", "- server: a\n  tool: b\n  answers: [{ answer: 7 }]\n")
	s.write(t, "later.yaml", "- server: a\n  tool: b\n  answers: [{ answer: 8 }]\n")
	s.write(t, "s.js", `console.log('begun'); const first = await tools.a.b(); await sleep(1000); console.log('woken');
const second = await tools.a.b(); await sleep(1500); if (input.fail) throw new Error('in the end'); return [first, second, input.k]`)
	for _, test := range []struct {
		words []string
		code  int
		out   string
		says  string
	}{
		{[]string{"k=1"}, exitOK, "[7,8,1]\n", "info: woken"},
		{[]string{"k=1", "fail=true"}, exitScript, "", "s.js:2:76: runtime: Error: in the end"},
	} {
		o := s.run(t, append([]string{"run", "s.js", "--answers", "answers.yaml", "--sleep-to", "x.run", "--sleep-after", "0"}, test.words...)...)
		if o.expect(t, exitAsleep, "the run sleeps in x.run"); o.out != "" {
			t.Errorf("it prints %q", o.out)
		}
		time.Sleep(time.Second) // The script's own timer comes meanwhile, so that it goes on when it wakes.
		asleep := s.read(t, "x.run")
		if bytes.Contains(asleep, []byte("begun")) {
			t.Error("the file is not encrypted")
		}
		if info, err := os.Stat(filepath.Join(s.folder, "x.run")); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
			t.Errorf("the file is %v, %v", info, err)
		}
		o = s.run(t, "wake", "x.run", "--answers", "later.yaml", "--sleep-to", "x.run", "--sleep-after", "0", "--json")
		o.expect(t, exitAsleep)
		var printed scriptJSON
		if err := json.Unmarshal([]byte(o.out), &printed); err != nil || printed.Asleep != "x.run" || len(printed.Logs) != 2 || len(printed.Calls) != 2 {
			t.Errorf("it prints %s, %v", o.out, err)
		}
		s.write(t, "copy.run", string(asleep))
		s.run(t, "wake", "copy.run").expect(t, exitUsage, "copy.run: the run has woken already")
		o = s.run(t, "wake", "x.run")
		if o.expect(t, test.code, "info: begun", test.says); o.out != test.out {
			t.Errorf("it prints %q, want %q", o.out, test.out)
		}
		if s.has("x.run") || !s.has("copy.run") {
			t.Error("the file of a run that has woken is there, or that of one that has not is gone")
		}
	}
}

// TestSleepNot has runs end before they are to sleep, and be what does not sleep.
func TestSleepNot(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	s := newSleeper(t)
	o := s.run(t, "run", "-e", "await sleep(1); return 1", "--sleep-to", "x.run", "--sleep-after", "1h")
	if o.expect(t, exitOK); o.out != "1\n" || s.has("x.run") {
		t.Errorf("it prints %q", o.out)
	}
	s.run(t, "run", "-e", "await sleep(1); throw new Error('no')", "--sleep-to", "x.run").expect(t, exitScript, "Error: no")
	s.write(t, "there.run", "x")
	for line, says := range map[string]string{
		"run -e 1 --sleep-after 1s":                        "--sleep-after needs --sleep-to",
		"run -e 1 --sleep-to x.run --sleep-after -1s":      "--sleep-after is negative",
		"run -e 1 --sleep-to there.run":                    "there.run: the file is there already",
		"run -e 1 --sleep-to none/x.run":                   "--sleep-to: ",
		"run -e 1 --sleep-to x.run --record y":             "a run that is recorded cannot sleep",
		"run there.run --lang js --sleep-to x.run --watch": "--watch runs a script many times",
		"run -e 1 --sleep-to x.run --memory 1000000000":    "at most 536870912 bytes of --memory",
		"wake none.run":                 "none.run",
		"wake":                          "no file is given",
		"wake there.run --allow-tool x": "SERVER.TOOL",
		"wake there.run --tools none":   "none",
	} {
		s.run(t, strings.Fields(line)...).expect(t, exitUsage, says)
	}
	if string(s.read(t, "there.run")) != "x" || s.has("x.run") {
		t.Error("a file was written")
	}
}

// TestWakeRefused has bytes of which none is a run that may wake here. The file stays.
func TestWakeRefused(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	s := newSleeper(t)
	s.run(t, "run", "-e", "await sleep(3000); return 'woken'", "--sleep-to", "x.run", "--sleep-after", "0").expect(t, exitAsleep)
	asleep := s.read(t, "x.run")
	refused := func(name string, b []byte, says string) {
		t.Helper()
		s.write(t, name, string(b))
		o := s.run(t, "wake", name)
		if o.expect(t, exitUsage, name+": ", says); o.out != "" || !bytes.Equal(s.read(t, name), b) {
			t.Errorf("it prints %q, or the file has changed", o.out)
		}
	}
	refused("nothing", nil, "cut short")
	refused("text", []byte("a text"), "not the bytes of a run that sleeps")
	refused("cut", asleep[:len(asleep)/2], "cut short")
	changed := bytes.Clone(asleep)
	changed[len(changed)/2] ^= 1
	refused("changed", changed, "it was changed after it was sealed")
	newer := bytes.Clone(asleep)
	newer[len("caisson sleep\n")]++
	refused("newer", newer, "its form has version")
	refused("large", make([]byte, mostAsleep+1), "not the bytes of a run that sleeps")
	refused("larger", append(bytes.Clone(asleep), make([]byte, mostAsleep)...), "may have 33554432")

	other := &sleeper{s.folder, t.TempDir()}
	other.run(t, "wake", "x.run").expect(t, exitUsage, "another key", "sleep-key-v1")
	s.write(t, "caisson.policy.yaml", "version: 1\n")
	s.run(t, "wake", "x.run", "--policy", "caisson.policy.yaml").expect(t, exitUsage, "another user of a policy, or without a policy")
	if err := os.Remove(filepath.Join(s.folder, "caisson.policy.yaml")); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(s.configuration, "caisson", "sleep-key-v1", "key")
	was, err := os.ReadFile(key)
	if err != nil {
		t.Skipf("the configuration is elsewhere: %v", err) // on systems where no variable says where
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(key, 0o644); err != nil {
			t.Fatal(err)
		}
		s.run(t, "wake", "x.run").expect(t, exitUsage, "key has the mode 0644")
		if err := os.Chmod(key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(key, was[:31], 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, "wake", "x.run").expect(t, exitUsage, "key is not a key of 32 bytes")
	if err := os.WriteFile(key, was, 0o600); err != nil {
		t.Fatal(err)
	}
	o := s.run(t, "wake", "x.run")
	if o.expect(t, exitOK); o.out != "woken\n" || s.has("x.run") {
		t.Errorf("after all that it prints %q", o.out)
	}
}

// TestSleepKey has several processes be the first to need the key: they have one.
func TestSleepKey(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	s := newSleeper(t)
	var all sync.WaitGroup
	for _, name := range []string{"a", "b", "c"} {
		all.Go(func() {
			s.run(t, "run", "-e", "await sleep(3000); return 1", "--sleep-to", name, "--sleep-after", "0").expect(t, exitAsleep)
		})
	}
	all.Wait()
	for _, name := range []string{"a", "b", "c"} {
		s.run(t, "wake", name).expect(t, exitOK)
	}
}

// TestSleepPython has a script in Python sleep where it awaits. In a synchronous call it says that it cannot, and goes on.
func TestSleepPython(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	s := newSleeper(t)
	s.write(t, "s.py", "import asyncio, time\nprint('begun')\ntime.sleep(input['blocks'])\nawait asyncio.sleep(input['awaits'])\nreturn 'awake'\n")
	sleeping := []string{"run", "s.py", "--sleep-to", "x.run", "--sleep-after", "0", "--computing", "5m", "--time", "10m"}
	o := s.run(t, append(sleeping, "blocks=0", "awaits=600")...)
	o.expect(t, exitAsleep)
	s.run(t, "wake", "x.run", "--sleep-to", "x.run", "--sleep-after", "0").expect(t, exitAsleep, "the run sleeps in x.run")
	if err := os.Remove(filepath.Join(s.folder, "x.run")); err != nil {
		t.Fatal(err)
	}
	o = s.run(t, append(sleeping, "blocks=0.2", "awaits=0")...)
	if o.expect(t, exitOK, "a script that is to sleep waits by await"); o.out != "awake\n" {
		t.Errorf("it prints %q", o.out)
	}
}

// TestWriteDown writes runs down where another file has come meanwhile, and where the folder has gone: none is lost, and none
// is in another's place.
func TestWriteDown(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	a := &app{err: terminal.New(io.Discard)}
	path := filepath.Join(folder, "x.run")
	for i, want := range []string{"one", "two", "three"} {
		file, err := a.writeDown(path, []byte(want))
		if err != nil || (file == path) != (i == 0) || filepath.Dir(file) != folder {
			t.Fatalf("%s is in %s, %v", want, file, err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s has %q, %v", file, got, err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "one" {
		t.Errorf("the first one is %q, %v", got, err)
	}
	file, err := a.writeDown(filepath.Join(folder, "gone", "x.run"), []byte("four"))
	if err != nil || filepath.Dir(file) == filepath.Join(folder, "gone") {
		t.Fatalf("it is in %s, %v", file, err)
	}
	defer os.Remove(file)
	if got, err := os.ReadFile(file); err != nil || string(got) != "four" {
		t.Errorf("%s has %q, %v", file, got, err)
	}
}
