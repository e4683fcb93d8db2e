package auth_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// The first argument of each is the folder of a store.
func init() {
	maps.Copy(auth.Children, map[string]func(args []string) error{
		"increments":   incrementing,
		"takes turns":  takingTurns,
		"holds":        holding,
		"saves always": savingAlways,
	})
}

// childMode names, in the environment of a child process, what this test binary is to do in place of tests.
const childMode = "CAISSON_TEST_CHILD"

// patience bounds every wait of a test: far more than anything takes, also on a busy machine with the race
// detector on.
const patience = 2 * time.Minute

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

const childCounts = 25

// increment adds one to the number in an entry, under its lock.
func increment(ctx context.Context, store auth.Store, key string) error {
	unlock, err := store.Lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	entry, err := store.Load(ctx, key)
	if err != nil {
		return err
	}
	n := 0
	if entry != nil {
		if n, err = strconv.Atoi(string(entry)); err != nil {
			return err
		}
	}
	return store.Save(ctx, key, []byte(strconv.Itoa(n+1)))
}

func childStore(args []string) (context.Context, *auth.FileStore, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	time.AfterFunc(patience, cancel) // The process ends before.
	store, err := auth.OpenFileStore(auth.FileStoreOptions{Folder: args[0]})
	return ctx, store, err
}

// incrementing increments the number of all, and saves one of its own meanwhile, which it needs no lock for.
func incrementing(args []string) error {
	ctx, store, err := childStore(args)
	own := args[1]
	for n := range childCounts {
		if err == nil {
			err = increment(ctx, store, "number")
		}
		if err == nil {
			err = store.Save(ctx, own, []byte(strconv.Itoa(n+1)))
		}
		if err != nil {
			return err
		}
		if entry, err := store.Load(ctx, own); err != nil || string(entry) != strconv.Itoa(n+1) {
			return fmt.Errorf("%s saved %d, and loads %q (%w)", own, n+1, entry, err)
		}
	}
	return nil
}

// takingTurns takes the turn again and again, until each of the others has had it a few times.
func takingTurns(args []string) error {
	ctx, store, err := childStore(args)
	if err != nil {
		return err
	}
	for {
		over, err := takeTurn(ctx, store, args[1], args[2])
		if over || err != nil {
			return err
		}
	}
}

const turnsEach = 3

func takeTurn(ctx context.Context, store auth.Store, me, number string) (over bool, err error) {
	unlock, err := store.Lock(ctx, "turns")
	if err != nil {
		return false, err
	}
	defer unlock()
	entry, err := store.Load(ctx, "turns")
	if err != nil {
		return false, err
	}
	all := append(strings.Fields(string(entry)), me)
	had := map[string]int{}
	for _, one := range all {
		had[one]++
	}
	over = strconv.Itoa(len(had)) == number
	for _, n := range had {
		over = over && n >= turnsEach
	}
	return over, store.Save(ctx, "turns", []byte(strings.Join(all, " ")))
}

// holding takes a lock, says so, and keeps it until it is ended.
func holding(args []string) error {
	ctx, store, err := childStore(args)
	if err != nil {
		return err
	}
	if _, err = store.Lock(ctx, "held"); err != nil {
		return err
	}
	fmt.Println("held")
	_, err = os.Stdin.Read(make([]byte, 1))
	return err
}

// savingAlways saves one number after the other under the lock, says which one it has saved, and does not end.
func savingAlways(args []string) error {
	ctx, store, err := childStore(args)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[1])
	for ; err == nil; n++ {
		var unlock func()
		if unlock, err = store.Lock(ctx, "number"); err != nil {
			return err
		}
		if err = store.Save(ctx, "number", numbered(n)); err == nil {
			fmt.Println(n)
		}
		unlock()
	}
	return err
}

// numbered is a long entry with a number in it.
func numbered(n int) []byte {
	return []byte(strconv.Itoa(n) + strings.Repeat(" "+strconv.Itoa(n), 10_000+n%7*1000))
}

// A process is a child of a test.
type process struct {
	*exec.Cmd
	out    *bufio.Reader
	errors strings.Builder
}

// child starts this test binary in one of its modes; the end of the test ends it.
func child(t testing.TB, mode string, args ...string) *process {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(path, args...)}
	p.Env = append(os.Environ(), childMode+"="+mode)
	p.Stderr = &p.errors
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	t.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	_ = p.Process.Kill()
	_ = p.Wait()
}

// line is what it says next, and "" where it has ended.
func (p *process) line() string {
	text, _ := p.out.ReadString('\n')
	return strings.TrimSpace(text)
}

// ends waits for its end, which is to be a good one.
func (p *process) ends(t testing.TB) {
	t.Helper()
	if err := p.Wait(); err != nil {
		t.Errorf("%v: %s", err, p.errors.String())
	}
}
