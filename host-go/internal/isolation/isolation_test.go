package isolation

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component"
)

// ending has this program end at once, in place of running tests: it is no worker.
const ending = "a program that is no worker"

func TestMain(m *testing.M) {
	if os.Args[0] == Name {
		os.Stderr.WriteString(ending + strings.Repeat("!", 2*mostPrinted) + "\n")
		os.Exit(3)
	}
	os.Exit(m.Run())
}

// TestNoWorker has programs that are no workers: the error says what is wrong, and nothing is left.
func TestNoWorker(t *testing.T) {
	log := &strings.Builder{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	if _, err := New("", 1, logger); !errors.Is(err, ErrNobody) {
		t.Errorf("a main that does not call isolate.Main: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := component.Prepare([]byte("\x00asm\x0d\x00\x01\x00"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]string{self: "it has ended: exit status 3", self + " is not there": "cannot be started"} {
		w, err := New(program, 1, logger)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // The place is free again.
			if _, err := w.Start(context.Background(), Run, p, component.RemoteConfig{CacheDir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, and not %q", program, err, want)
			}
		}
		w.Close()
		if len(w.PIDs()) > 0 {
			t.Errorf("%s: %v", program, w.PIDs())
		}
		if _, err := w.Start(context.Background(), Run, p, component.RemoteConfig{}); err == nil {
			t.Error("a worker of a runtime that is closed")
		}
	}
	if n := log.Len(); n > 3*mostPrinted || !strings.Contains(log.String(), "a worker process prints") {
		t.Errorf("%d bytes are logged", n)
	}
}
