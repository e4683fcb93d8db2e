package caisson_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/sleep"
)

// TestSleepHostile wakes bytes that are not those of a run that may wake here. Each is refused with its code, nothing is
// claimed, and the true bytes wake afterwards.
func TestSleepHostile(t *testing.T) {
	t.Parallel()
	c := sleeper(t, func(o *caisson.ClientOptions) { o.MaxSleepBytes = 1 << 20 })
	asleep := asleepOf(t, c, caisson.Script{Source: `const kept = 'kept'; await sleep(PAUSE); kept`})
	wake := func(b []byte) error {
		run, err := c.Wake(testContext(t), b, caisson.Waking{})
		if err == nil {
			t.Error("it wakes")
			_, _ = run.Wait()
		}
		return err
	}
	changed := func(at int) []byte {
		b := slices.Clone(asleep)
		b[at] ^= 0x40
		return b
	}
	// The head byte by byte, and the rest here and there.
	for at := 0; at < len(asleep); at += 1 + at/100*37 {
		want := []caisson.SleepCode{caisson.SleepChanged}
		switch {
		case at == 14:
			want = []caisson.SleepCode{caisson.SleepVersion}
		case at > 14 && at < 63:
			want = []caisson.SleepCode{caisson.SleepOtherKey}
		case at >= 63 && at < 71: // the length
			want = []caisson.SleepCode{caisson.SleepChanged, caisson.SleepTruncated, caisson.SleepTooLarge}
		}
		if code := sleepCode(wake(changed(at))); !slices.Contains(want, code) {
			t.Errorf("byte %d changed: %q", at, code)
		}
	}
	for n := 0; n < len(asleep); n += 1 + n/100*41 {
		if code := sleepCode(wake(asleep[:n])); code != caisson.SleepTruncated {
			t.Errorf("the first %d bytes: %q", n, code)
		}
	}
	giant := slices.Clone(asleep)
	binary.LittleEndian.PutUint64(giant[63:], 1<<62)
	seal := func(key []byte, fill func(w io.Writer) error) []byte {
		b, err := sleep.Seal(key, 1<<30, fill)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	zeros := func(n int) func(w io.Writer) error {
		return func(w io.Writer) error {
			b := make([]byte, 1<<20)
			for range n {
				if _, err := w.Write(b); err != nil {
					return err
				}
			}
			return nil
		}
	}
	for name, test := range map[string]struct {
		b    []byte
		code caisson.SleepCode
	}{
		"nothing":                     {nil, caisson.SleepTruncated},
		"text":                        {[]byte("not a run"), caisson.SleepChanged},
		"something behind it":         {append(slices.Clone(asleep), 0), caisson.SleepChanged},
		"twice":                       {append(slices.Clone(asleep), asleep...), caisson.SleepChanged},
		"a giant length":              {giant, caisson.SleepTooLarge},
		"more than there may be":      {append(slices.Clone(asleep), make([]byte, 1<<20)...), caisson.SleepTooLarge},
		"another key":                 {seal(bytes.Repeat([]byte("x"), 32), zeros(1)), caisson.SleepOtherKey},
		"nothing, sealed":             {seal(sleepKey, zeros(0)), caisson.SleepChanged},
		"zeros, sealed":               {seal(sleepKey, zeros(1)), caisson.SleepChanged},
		"a giant head, sealed":        {seal(sleepKey, func(w io.Writer) error { _, err := w.Write([]byte{255, 255, 255, 255}); return err }), caisson.SleepTooLarge},
		"a head cut short, sealed":    {seal(sleepKey, func(w io.Writer) error { _, err := w.Write([]byte{100, 0, 0, 0, '{', '}'}); return err }), caisson.SleepChanged},
		"a head that is none, sealed": {seal(sleepKey, func(w io.Writer) error { _, err := w.Write([]byte{2, 0, 0, 0, '{', '}'}); return err }), caisson.SleepChanged},
	} {
		if code := sleepCode(wake(test.b)); code != test.code {
			t.Errorf("%s: %q, and should be %q", name, code, test.code)
		}
	}
	for name, test := range map[string]struct {
		change func(o *caisson.ClientOptions)
		code   caisson.SleepCode
	}{
		"another key":       {func(o *caisson.ClientOptions) { o.SleepKey = bytes.Repeat([]byte("x"), 32) }, caisson.SleepOtherKey},
		"a longer key":      {func(o *caisson.ClientOptions) { o.SleepKey = append(slices.Clone(sleepKey), 'x') }, caisson.SleepOtherKey},
		"another principal": {func(o *caisson.ClientOptions) { o.Policy, o.Principal = rules(t, "version: 1\nservers: {}\n"), "eve" }, caisson.SleepPrincipal},
		"a smaller bound":   {func(o *caisson.ClientOptions) { o.MaxSleepBytes = 1000 }, caisson.SleepTooLarge},
	} {
		if _, err := sleeper(t, test.change).Wake(testContext(t), asleep, caisson.Waking{}); sleepCode(err) != test.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if result, err := wakeUp(t, c, asleep, nil).Wait(); err != nil || string(result.Value) != `"kept"` {
		t.Errorf("the true bytes: %+v, %v", result, err)
	}
	if code := sleepCode(wake(asleep)); code != caisson.SleepClaimed {
		t.Errorf("replayed: %q", code)
	}

	short := sleeper(t, func(o *caisson.ClientOptions) { o.MaxSleep = time.Nanosecond })
	late := asleepOf(t, short, caisson.Script{Source: `await sleep(PAUSE)`})
	if code := sleepCode(wake(late)); code != caisson.SleepExpired {
		t.Errorf("too late: %q", code)
	}
}

// opened is the run in sealed bytes: its head, and the guest.
func opened(t testing.TB, asleep []byte) (head map[string]any, guest []byte) {
	t.Helper()
	_, from, err := sleep.Open(sleepKey, asleep, 1<<30, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	all, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	n := 4 + int(binary.LittleEndian.Uint32(all))
	if err := json.Unmarshal(all[4:n], &head); err != nil {
		t.Fatal(err)
	}
	return head, all[n:]
}

func resealed(t testing.TB, head map[string]any, guest []byte) []byte {
	t.Helper()
	text, err := json.Marshal(head)
	if err != nil {
		t.Fatal(err)
	}
	b, err := sleep.Seal(sleepKey, 1<<30, func(w io.Writer) error {
		_, err := w.Write(slices.Concat(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text, guest))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSleepSealedWrong has bytes of somebody who has the key, and of another build.
func TestSleepSealedWrong(t *testing.T) {
	t.Parallel()
	c := sleeper(t)
	asleep := asleepOf(t, c, caisson.Script{Source: `await sleep(PAUSE); 1`})
	state := func(head map[string]any) map[string]any { return head["state"].(map[string]any) }
	for name, test := range map[string]struct {
		change func(head map[string]any, guest []byte) []byte
		code   caisson.SleepCode
	}{
		"another build":     {func(h map[string]any, g []byte) []byte { h["build"] = "x"; return g }, caisson.SleepBuild},
		"another component": {func(h map[string]any, g []byte) []byte { h["component"] = "python"; return g }, caisson.SleepBuild},
		"another language":  {func(h map[string]any, g []byte) []byte { h["language"] = "Python"; return g }, caisson.SleepLanguage},
		"no state":          {func(h map[string]any, g []byte) []byte { delete(h, "state"); return g }, caisson.SleepChanged},
		"much memory": {func(h map[string]any, g []byte) []byte {
			state(h)["limits"].(map[string]any)["MemoryBytes"] = 1 << 40
			return g
		}, caisson.SleepTooLarge},
		"a limit below 0": {func(h map[string]any, g []byte) []byte {
			state(h)["limits"].(map[string]any)["FailureBytes"] = -1
			return g
		}, caisson.SleepChanged},
		"no random numbers": {func(h map[string]any, g []byte) []byte { state(h)["random"] = "AAAA"; return g }, caisson.SleepChanged},
		"a file of the host": {func(h map[string]any, g []byte) []byte {
			state(h)["wasi"] = map[string]any{"held": []any{map[string]any{"rep": 9, "is": "mount", "mount": 7}}}
			return g
		}, caisson.SleepLanguage},
		"another operation": {func(h map[string]any, g []byte) []byte { state(h)["operation"] = 7; return g }, caisson.SleepChanged},
		"a call of no record": {func(h map[string]any, g []byte) []byte {
			state(h)["calls"] = []any{map[string]any{"id": 1, "record": 5}}
			return g
		}, caisson.SleepChanged},
		"no guest":         {func(h map[string]any, _ []byte) []byte { return nil }, caisson.SleepChanged},
		"half a guest":     {func(h map[string]any, g []byte) []byte { return g[:len(g)/2] }, caisson.SleepChanged},
		"a guest of zeros": {func(h map[string]any, g []byte) []byte { return make([]byte, len(g)) }, caisson.SleepChanged},
	} {
		head, guest := opened(t, asleep)
		_, err := c.Wake(testContext(t), resealed(t, head, test.change(head, guest)), caisson.Waking{})
		if sleepCode(err) != test.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A bomb: a little that becomes more than a run may have.
	head, _ := opened(t, asleep)
	small := sleeper(t, func(o *caisson.ClientOptions) { o.MaxMemoryBytes = 1 << 20 })
	bomb := resealed(t, head, slices.Concat([]byte{1, 0}, make([]byte, 300<<20)))
	if _, err := small.Wake(testContext(t), bomb, caisson.Waking{}); err == nil {
		t.Errorf("a bomb of %d bytes: %v", len(bomb), err)
	}
}

// FuzzWake has somebody with the key change what a guest is: it wakes, or it is refused, and its run ends.
func FuzzWake(f *testing.F) {
	c := sleeper(f, func(o *caisson.ClientOptions) { o.Logger = nil })
	asleep := asleepOf(f, c, caisson.Script{Source: `await sleep(PAUSE); 1`, Limits: caisson.ScriptLimits{Computing: 5 * time.Second, Time: 5 * time.Second, MemoryBytes: 64 << 20}})
	head, guest := opened(f, asleep)
	f.Add(uint32(0), []byte{1})
	f.Add(uint32(2), []byte{255, 255, 255, 255, 255})
	f.Add(uint32(40), []byte{128, 1, 0, 7})
	f.Add(uint32(300), bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, at uint32, with []byte) {
		changed := slices.Clone(guest)
		copy(changed[int(at)%len(changed):], with)
		run, err := c.Wake(testContext(t), resealed(t, head, changed), caisson.Waking{})
		var refused *caisson.SleepError
		var limited *caisson.ScriptError
		switch {
		case err == nil:
			_, _ = run.Wait()
		case !errors.As(err, &refused) && !errors.As(err, &limited):
			t.Errorf("%v", err)
		}
	})
}

// TestSleepClaims claims ids many times at once: of one id, one claim is the first.
func TestSleepClaims(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "claims")
	open := func() caisson.SleepClaims {
		claims, err := caisson.NewFileClaims(folder)
		if err != nil {
			t.Fatal(err)
		}
		return claims
	}
	until := time.Now().Add(time.Hour)
	for name, claims := range map[string][]caisson.SleepClaims{
		"memory": {caisson.NewMemoryClaims()},
		"files":  {open(), open()},
	} {
		var mu sync.Mutex
		firsts := map[string]int{}
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				id := []string{"00112233445566778899", "aabbccddeeff00112233"}[i/2%2]
				first, err := claims[i%len(claims)].Claim(context.Background(), id, until)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if first {
					mu.Lock()
					firsts[id]++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if len(firsts) != 2 || firsts["00112233445566778899"] != 1 || firsts["aabbccddeeff00112233"] != 1 {
			t.Errorf("%s: %v", name, firsts)
		}
	}
	for _, id := range []string{"", "../../00112233445566778899", "ABCDEF", "00112233445566778899/"} {
		if _, err := open().Claim(context.Background(), id, until); err == nil {
			t.Errorf("the id %q is claimed", id)
		}
	}
	// What has expired just now is not forgotten: somebody may have looked at the clock before.
	for name, claims := range map[string]caisson.SleepClaims{"memory": caisson.NewMemoryClaims(), "files": open()} {
		var firsts []bool
		for i, id := range []string{"11112222333344445555", "66667777888899990000", "11112222333344445555"} {
			first, err := claims.Claim(context.Background(), id, time.Now().Add(time.Duration(i-1)*time.Minute))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			firsts = append(firsts, first)
		}
		if !slices.Equal(firsts, []bool{true, true, false}) {
			t.Errorf("%s: what has expired is claimed again: %v", name, firsts)
		}
	}
	// What has expired long ago is forgotten, and nothing else.
	old := filepath.Join(folder, "ffffffffffffffffffff")
	other := filepath.Join(folder, "a file of somebody else's")
	for _, path := range []string{old, other} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		long := time.Now().Add(-1000 * time.Hour)
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	if first, err := open().Claim(context.Background(), "00112233445566778899", until); err != nil || first {
		t.Errorf("claimed again: %v, %v", first, err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an expired claim: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
	// A store that fails wakes nothing, and the run may wake later.
	c := sleeper(t)
	asleep := asleepOf(t, c, caisson.Script{Source: `await sleep(PAUSE); 1`})
	broken := sleeper(t, func(o *caisson.ClientOptions) { o.SleepClaims = brokenClaims{} })
	if _, err := broken.Wake(testContext(t), asleep, caisson.Waking{}); !errors.Is(err, errBroken) {
		t.Errorf("a broken store: %v", err)
	}
	if _, err := wakeUp(t, c, asleep, nil).Wait(); err != nil {
		t.Error(err)
	}
}

var errBroken = errors.New("the store is broken")

type brokenClaims struct{}

func (brokenClaims) Claim(context.Context, string, time.Time) (bool, error) { return false, errBroken }

// TestSleepExpiresInTheQueue has a run expire while it waits for a place: it does not wake.
func TestSleepExpiresInTheQueue(t *testing.T) {
	t.Parallel()
	r, err := caisson.New(context.Background(), &caisson.RuntimeOptions{MaxScripts: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	const length = 3 * time.Second
	c, err := r.NewClient(&caisson.ClientOptions{Sleeping: caisson.Sleeping{SleepKey: sleepKey, SleepClaims: caisson.NewMemoryClaims(), MaxSleep: length}})
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	asleep := putToSleep(t, startScript(t, c, caisson.Script{Source: "await sleep(60_000)"}))
	occupant := startScript(t, c, caisson.Script{Source: "await sleep(50_000)"})
	woken := make(chan error, 1)
	go func() {
		_, err := c.Wake(testContext(t), asleep, caisson.Waking{})
		woken <- err
	}()
	select {
	case err := <-woken:
		if time.Since(before) < length {
			t.Fatalf("it does not wait for its place: %v", err)
		}
		t.Skip("the machine is too slow: it has expired before it was read")
	case <-time.After(time.Until(time.Now().Add(length))):
	}
	putToSleep(t, occupant)
	if err := <-woken; sleepCode(err) != caisson.SleepExpired {
		t.Errorf("it wakes: %v", err)
	}
}
