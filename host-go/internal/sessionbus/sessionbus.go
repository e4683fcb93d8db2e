// Package sessionbus is for tests: a D-Bus session bus that is a test's own, on which the test can start a Secret
// Service of its own.
package sessionbus

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// variable says, in the environment, that the session bus is the test's own.
const variable = "CAISSON_TEST_SESSION"

// patience is how long the whole test may take.
const patience = 2 * time.Minute

// config is of a bus that starts no service.
const config = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// Inside reports whether this process has a bus of its own.
func Inside() bool { return os.Getenv(variable) != "" }

// Own runs the test that calls it once more, in a process with a bus and a home of its own. It reports true in
// that process, and false when that process has ended. Where the machine cannot have a bus, it skips the test.
func Own(t *testing.T) bool {
	t.Helper()
	for _, program := range []string{"dbus-run-session", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s: on Debian, apt-get install dbus gnome-keyring", program)
		}
	}
	if Inside() {
		return true
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	file := filepath.Join(home, "bus.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dbus-run-session", "--config-file="+file, "--", path,
		"-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout="+(patience/2).String())
	for _, one := range os.Environ() {
		switch name, _, _ := strings.Cut(one, "="); name {
		case "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY":
		default:
			cmd.Env = append(cmd.Env, one)
		}
	}
	if cache, err := os.UserCacheDir(); err == nil { // The compiled core is no user's.
		cmd.Env = append(cmd.Env, "XDG_CACHE_HOME="+cache)
	}
	cmd.Env = append(cmd.Env, variable+"=1", "HOME="+home, "XDG_DATA_HOME="+home+"/data", "XDG_CONFIG_HOME="+home+"/config", "XDG_RUNTIME_DIR="+home)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v", err)
	}
	return false
}

// StartKeyring starts a GNOME Keyring on the bus, with the password that unlocks it or without. It returns before
// the keyring is ready. The function that it returns ends the keyring, as the end of the test does.
func StartKeyring(t *testing.T, unlock bool) (end func()) {
	t.Helper()
	args := []string{"--components=secrets", "--foreground"}
	if unlock {
		args = append(args, "--unlock")
	}
	cmd := exec.Command("gnome-keyring-daemon", args...)
	if unlock {
		cmd.Stdin = strings.NewReader("a password")
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(end)
	return end
}
