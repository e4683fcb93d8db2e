package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/audit"
)

func open(t testing.TB, path string, o *audit.Options) *audit.Log {
	t.Helper()
	l, err := audit.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func add(t testing.TB, l *audit.Log, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := l.Append(&audit.Record{Event: audit.Decision, Name: name}); err != nil {
			t.Fatal(err)
		}
	}
}

func verify(t testing.TB, path string) *audit.Report {
	t.Helper()
	report, err := audit.Verify(path, "")
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func names(t testing.TB, path string) string {
	t.Helper()
	var all []string
	for r, err := range audit.Records(path) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.Name)
	}
	return strings.Join(all, " ")
}

// TestLog writes records, goes on in another log, and verifies all.
func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "audit.jsonl")
	first := open(t, path, nil)
	add(t, first, "a", "b")
	second := open(t, path, nil)
	add(t, second, "c")
	add(t, first, "d")
	add(t, second, "e")
	report := verify(t, path)
	if report.Records != 5 || report.First != 1 || report.Last != 5 || report.Files != 1 || names(t, path) != "a b c d e" {
		t.Errorf("%+v: %s", report, names(t, path))
	}
	if runtime.GOOS != "windows" {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
	}
	add(t, first, "f")
	if _, err := audit.Verify(path, report.Head); err != nil {
		t.Error(err)
	}
	if _, err := audit.Verify(path, strings.Repeat("a", 64)); err == nil {
		t.Error("a strange anchor is in the log")
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if err := first.Append(&audit.Record{}); err == nil {
		t.Error("a closed log takes a record")
	}
}

// TestEdits finds that each edit of a record shows: of each byte, and of each line.
func TestEdits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path, nil)
	add(t, l, "a", "b", "c")
	_ = l.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := func(what string, text []byte) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		var damage *audit.DamageError
		if _, err := audit.Verify(path, ""); !errors.As(err, &damage) {
			t.Errorf("%s does not show: %v", what, err)
		}
	}
	for i := range text {
		changed := bytes.Clone(text)
		changed[i] ^= 1
		edited(fmt.Sprintf("byte %d", i), changed)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))[:3]
	edited("a line gone", bytes.Join([][]byte{lines[0], lines[2]}, nil))
	edited("lines moved", bytes.Join([][]byte{lines[0], lines[2], lines[1]}, nil))
	edited("a line twice", bytes.Join([][]byte{lines[0], lines[1], lines[1], lines[2]}, nil))
	edited("a piece of a line", text[:len(text)-5])
	edited("an empty line", append([]byte("\n"), text...))
	// What a chain does not prove: only an anchor shows that the end was cut off.
	if err := os.WriteFile(path, bytes.Join(lines[:2], nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Verify(path, ""); err != nil {
		t.Error(err)
	}
	head := string(lines[2][len(lines[2])-67 : len(lines[2])-3])
	if _, err := audit.Verify(path, head); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("the anchor %s: %v", head, err)
	}
}

func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	o := &audit.Options{MaxBytes: 1000, Files: 3}
	l, other := open(t, path, o), open(t, path, o)
	for i := range 40 {
		add(t, l, fmt.Sprint("a", i))
		add(t, other, fmt.Sprint("b", i))
	}
	report := verify(t, path)
	if report.Files != 3 || report.First == 1 || report.Last != 80 {
		t.Errorf("%+v", report)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Size() > 1000 {
			t.Errorf("%s has %d bytes", e.Name(), info.Size())
		}
	}
	// A file in the middle that is gone shows.
	if err := os.Rename(path+".1", path+".9"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".2", path+".1"); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Verify(path, ""); err == nil {
		t.Error("a file that is gone does not show")
	}
}

// TestRotationWhileReading has the log written to, and rotated, while its records are read.
func TestRotationWhileReading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path, &audit.Options{MaxBytes: 600, Files: 4})
	add(t, l, "a", "b", "c", "d", "e")
	before := verify(t, path)
	if before.Files < 2 {
		t.Fatalf("%+v", before)
	}
	read := uint64(0)
	for r, err := range audit.Records(path) {
		if err != nil {
			t.Fatalf("after %d records: %v", read, err)
		}
		read++
		add(t, l, "later than "+r.Name)
	}
	if read != uint64(before.Records) {
		t.Errorf("%d records were read of %d", read, before.Records)
	}
	if after := verify(t, path); after.Last != before.Last+read || after.First <= before.First {
		t.Errorf("%+v, and then %+v", before, after)
	}
}

// TestCutOffWhileWriting has records cut off, and a file removed, while a process writes to the log: it goes on with the
// numbers that it knows, so that what is missing shows.
func TestCutOffWhileWriting(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "cut.jsonl")
	l := open(t, path, nil)
	add(t, l, "a")
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	add(t, l, "b", "c")
	if err := os.WriteFile(path, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	add(t, l, "d")
	var damage *audit.DamageError
	if _, err := audit.Verify(path, ""); !errors.As(err, &damage) || damage.Line != 2 {
		t.Errorf("a log without records in its middle gets %v", err)
	}

	path = filepath.Join(folder, "removed.jsonl")
	l = open(t, path, nil)
	add(t, l, "a", "b")
	if runtime.GOOS == "windows" {
		t.Skip("an open file is not removed there")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	add(t, l, "c")
	if report := verify(t, path); report.First != 3 {
		t.Errorf("a log whose file was removed begins with record %d", report.First)
	}
}

// TestUnfinished cuts a record at each of its bytes, as a process that was killed does.
func TestUnfinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path, nil)
	add(t, l, "a", "b")
	_ = l.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(text, '\n') + 1
	for end := range len(text) {
		if err := os.WriteFile(path, text[:end], 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, path, nil)
		add(t, l, "c")
		_ = l.Close()
		want := []string{}
		if end >= first {
			want = append(want, "a")
		}
		if end != 0 && end != first {
			want = append(want, "") // the repair
		}
		if got := names(t, path); got != strings.Join(append(want, "c"), " ") {
			t.Errorf("at byte %d of %d (%d): %q", end, len(text), first, got)
		}
	}
}

// TestDamagedEnd finds that nothing is appended to a log whose last record was changed.
func TestDamagedEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path, nil)
	add(t, l, "a")
	text, _ := os.ReadFile(path)
	if err := os.WriteFile(path, bytes.Replace(text, []byte(`"name":"a"`), []byte(`"name":"ab"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(&audit.Record{Name: "b"}); err == nil || !strings.Contains(err.Error(), "move the file away") {
		t.Errorf("%v", err)
	}
	if _, err := audit.Open(path, nil); err == nil {
		t.Error("it was opened")
	}
}

// TestOtherFile finds that a file that is no log stays as it is.
func TestOtherFile(t *testing.T) {
	for _, text := range []string{"my notes", "my notes\n", "{\"a\":1}", strings.Repeat("x", 1<<20)} {
		path := filepath.Join(t.TempDir(), "notes")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := audit.Open(path, nil); err == nil {
			t.Errorf("%.20q is a log", text)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != text {
			t.Errorf("%.20q became %.20q (%v)", text, now, err)
		}
	}
}

// TestBounds finds that a record is bounded, and stays JSON.
func TestBounds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path, nil)
	large, _ := json.Marshal(strings.Repeat("x", 1<<20))
	r := &audit.Record{Name: strings.Repeat("é", 5000), Server: "\xff\u2028", Arguments: large, Result: large}
	if err := l.Append(r); err != nil {
		t.Fatal(err)
	}
	info, _ := os.Stat(path)
	if report := verify(t, path); report.Records != 1 || info.Size() > 3000 {
		t.Errorf("%+v, %d bytes", report, info.Size())
	}
	if err := l.Append(&audit.Record{Arguments: json.RawMessage("{")}); err == nil {
		t.Error("what is not JSON was written")
	}
	add(t, l, "b")
	verify(t, path)
}

// TestProcesses has goroutines of several processes write to one log.
func TestProcesses(t *testing.T) {
	path := os.Getenv("CAISSON_TEST_AUDIT")
	child := path != ""
	if !child {
		path = filepath.Join(t.TempDir(), "audit.jsonl")
	}
	l := open(t, path, &audit.Options{MaxBytes: 5000, Files: 100})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 25 {
				if err := l.Append(&audit.Record{Name: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if child {
		all.Wait()
		return
	}
	for range 3 {
		all.Go(func() {
			command := exec.Command(os.Args[0], "-test.run=^TestProcesses$")
			command.Env = append(os.Environ(), "CAISSON_TEST_AUDIT="+path)
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
	if report := verify(t, path); report.Records != 400 || report.First != 1 {
		t.Errorf("%+v", report)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"sequence":1,"time":"2026-01-01T00:00:00Z","previous":"","event":"x","hash":"0000000000000000000000000000000000000000000000000000000000000000"}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if report, err := audit.Verify(path, ""); err == nil && report.Records == 0 && len(text) > 0 {
			t.Errorf("%q has no records, and is whole", text)
		}
		if l, err := audit.Open(path, nil); err == nil {
			if err := l.Append(&audit.Record{Name: "x"}); err != nil {
				t.Error(err)
			}
			_ = l.Close()
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "audit.jsonl"), nil)
	for b.Loop() {
		if err := l.Append(&audit.Record{Event: audit.Decision, Name: "a"}); err != nil {
			b.Fatal(err)
		}
	}
}
