package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caisson-dev/caisson/host-go/caisson/isolate"
	"github.com/caisson-dev/caisson/host-go/internal/race"
	"github.com/caisson-dev/caisson/host-go/internal/sessionbus"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMain lets the test binary be the program, so that tests can start the program as a server, or send it a
// signal. The arguments of tests all begin with -test, and the program has no such flag.
func TestMain(m *testing.M) {
	isolate.Main()
	if len(os.Args) > 1 && os.Args[1] == dyingServer {
		serveUntilDeath()
	}
	if os.Getenv(browserVariable) != "" && len(os.Args) == 2 && strings.HasPrefix(os.Args[1], "http://") {
		browse(os.Args[1])
	}
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		main()
	}
	os.Exit(runTests(m))
}

// runTests runs the tests with a configuration and logins of their own.
func runTests(m *testing.M) int {
	folder, err := os.MkdirTemp("", "caisson-test")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	variables := map[string]string{"XDG_CONFIG_HOME": folder, "AppData": folder}
	if !sessionbus.Inside() {
		variables["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nowhere"
	}
	for name, value := range variables {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	return m.Run()
}

// manyRuntimes skips a test under the race detector. There it takes half a minute to load the core, and every
// run of the program loads it. TestCallToolJSON and TestCallToolThatFails run under the race detector.
func manyRuntimes(t *testing.T) {
	t.Helper()
	if race.Enabled {
		t.Skip("with the race detector, loading the core is too slow to do it often")
	}
}

// self returns the path of the program's file.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// An outcome is the result of a run of the program.
type outcome struct {
	code        int
	out, stderr string
}

// caissonWith runs the program in this process, with an input.
func caissonWith(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	var out, stderr bytes.Buffer
	code := run(args, strings.NewReader(stdin), &out, &stderr)
	return outcome{code, out.String(), stderr.String()}
}

// caissonRun runs the program in this process.
func caissonRun(t *testing.T, args ...string) outcome {
	t.Helper()
	return caissonWith(t, "", args...)
}

// goName matches a name of the Go package in an error, which somebody at the command line cannot set.
var goName = regexp.MustCompile(`\b(Server|ClientOptions|RuntimeOptions|Session|auth)\.[A-Z][A-Za-z]+\b`)

// expect checks the exit code, and that standard error contains certain texts, and no name of the Go package.
func (o outcome) expect(t *testing.T, code int, inStderr ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("the exit code is %d, want %d", o.code, code)
	}
	for _, text := range inStderr {
		if !strings.Contains(o.stderr, text) {
			t.Errorf("standard error does not have %q", text)
		}
	}
	if name := goName.FindString(strings.ReplaceAll(o.stderr, "a Go program's ", "Go's:")); name != "" && !strings.Contains(o.stderr, "a Go program's "+name) {
		t.Errorf("standard error has %s", name)
	}
	if t.Failed() {
		t.Logf("standard output:\n%s\nstandard error:\n%s", o.out, o.stderr)
	}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
		t.Errorf("%s (-want +got; go test -update writes it anew):\n%s", path, diff)
	}
}
