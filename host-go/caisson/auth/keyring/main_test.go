package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caisson/auth/keyring"
)

// childMode names, in the environment of a child process, what this test binary is to do in place of tests. The
// real keyring is asked in children alone: the tests in this process have one in memory.
const childMode = "CAISSON_TEST_CHILD"

func TestMain(m *testing.M) {
	mode := os.Getenv(childMode)
	if mode == "" {
		os.Exit(m.Run())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := children[mode](ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const patience = 2 * time.Minute

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

const childCounts = 10

// children do something with the store in a folder.
var children = map[string]func(ctx context.Context, folder string) error{
	"increments": func(ctx context.Context, folder string) error {
		store, err := auth.OpenFileStore(auth.FileStoreOptions{Folder: folder, Key: keyring.Key{Timeout: patience}})
		for range childCounts {
			if err == nil {
				err = increment(ctx, store)
			}
		}
		return err
	},
	// It says where the key is, and why.
	"or file": func(ctx context.Context, folder string) error {
		source := keyring.OrFile()
		source.Timeout = childTimeout
		store, err := auth.OpenFileStore(auth.FileStoreOptions{Folder: folder, Key: source})
		if err == nil {
			err = increment(ctx, store)
		}
		place, why := source.Taken()
		fmt.Printf("%s %v\n", place, why)
		return err
	},
	// It asks twice, and says how often the keyring was not available, and why.
	"asks": func(ctx context.Context, folder string) error {
		var err error
		for range 2 {
			var unavailable *keyring.UnavailableError
			if _, err = (keyring.Key{Timeout: childTimeout}).Key(ctx, folder, true); !errors.As(err, &unavailable) {
				return fmt.Errorf("not unavailable: %w", err)
			}
		}
		fmt.Println(err)
		return nil
	},
}

// childTimeout is for a keyring that never answers.
const childTimeout = 300 * time.Millisecond

func increment(ctx context.Context, store auth.Store) error {
	unlock, err := store.Lock(ctx, "number")
	if err != nil {
		return err
	}
	defer unlock()
	entry, err := store.Load(ctx, "number")
	if err != nil {
		return err
	}
	n := 0
	if entry != nil {
		if n, err = strconv.Atoi(string(entry)); err != nil {
			return err
		}
	}
	return store.Save(ctx, "number", []byte(strconv.Itoa(n+1)))
}

// environment is that of this process without what leads to a session bus, and with more.
func environment(more ...string) []string {
	var all []string
	for _, one := range os.Environ() {
		name, _, _ := strings.Cut(one, "=")
		switch name {
		case "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY":
		default:
			all = append(all, one)
		}
	}
	return append(all, more...)
}

// run runs this test binary in one of its modes, and gives what it says.
func run(t testing.TB, mode, folder string, env []string) (said string, err error) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(testContext(t), path, folder)
	cmd.Env = append(slices.Clone(env), childMode+"="+mode)
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, errors.String())
	}
	return strings.TrimSpace(out.String()), nil
}
