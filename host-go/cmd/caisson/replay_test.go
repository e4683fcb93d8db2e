package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// TestRecord has a command record its session, and replays the recording.
func TestRecord(t *testing.T) {
	manyRuntimes(t)
	file := filepath.Join(t.TempDir(), "session.jsonl")
	caissonRun(t, append([]string{"list-tools", "--record", file}, demoArgs(t)...)...).expect(t, exitOK)
	o := caissonRun(t, "replay", file)
	o.expect(t, exitOK)
	if !strings.HasPrefix(o.out, "the same  ") || !strings.HasSuffix(o.out, "end       closed\n") {
		t.Errorf("the output is\n%s", o.out)
	}
	o = caissonRun(t, append([]string{"list-tools", "--record", filepath.Dir(file)}, demoArgs(t)...)...)
	o.expect(t, exitUsage, "--record: ")
}

// recording records a session with the demo server and returns the file.
func recording(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	runtime, err := caisson.New(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.Close()
	client, err := runtime.NewClient(&caisson.ClientOptions{Record: caisson.RecordTo(dir)})
	if err != nil {
		t.Fatal(err)
	}
	session, err := client.Connect(context.Background(), caisson.Server{Name: "demo/../x", Command: self(t), Args: []string{"demo-server"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.ListTools(context.Background(), nil); err != nil {
		t.Error(err)
	}
	_ = session.Close()
	files, err := filepath.Glob(filepath.Join(dir, "demo-..-x-*.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the recordings are %v, %v", files, err)
	}
	return files[0]
}

func TestReplay(t *testing.T) {
	manyRuntimes(t)
	file := recording(t)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	change := func(name, old, changed string) string {
		t.Helper()
		if !bytes.Contains(text, []byte(old)) {
			t.Fatalf("the recording has no %s", old)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, bytes.Replace(text, []byte(old), []byte(changed), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}

	o := caissonRun(t, "replay", file)
	o.expect(t, exitOK)
	if !bytes.HasPrefix([]byte(o.out), []byte("the same  demo/../x, recorded 20")) || !bytes.HasSuffix([]byte(o.out), []byte("end       closed\n")) {
		t.Errorf("the output is\n%s", o.out)
	}

	o = caissonRun(t, "replay", file, "--json")
	o.expect(t, exitOK)
	var outcome replayOutcome
	if err := json.Unmarshal([]byte(o.out), &outcome); err != nil || !outcome.Same || outcome.Calls == 0 || outcome.End != caisson.ReplayClosed {
		t.Errorf("the outcome is %+v, %v", outcome, err)
	}

	other := change("other.jsonl", "tools/list", "tools/lost")
	o = caissonRun(t, "replay", other)
	o.expect(t, exitDifference, other+": line ", "recorded: ", "tools/lost", "replayed: ", "tools/list")
	o = caissonRun(t, "replay", other, "--json")
	o.expect(t, exitDifference)
	outcome = replayOutcome{}
	if err := json.Unmarshal([]byte(o.out), &outcome); err != nil || outcome.Same || outcome.Error != caisson.ReplayDifference || outcome.Line == 0 {
		t.Errorf("the outcome is %+v, %v", outcome, err)
	}

	caissonRun(t, "replay", change("name.jsonl", "demo/../x", "demo/../y")).expect(t, exitDifference, "the checksum is wrong: the file was changed")
	core := change("core.jsonl", `"core":"`, `"core":"0`)
	caissonRun(t, "replay", core).expect(t, exitUsage, "the recording is of another build of the core, ")
	caissonRun(t, "replay", "none.jsonl").expect(t, exitUsage, "none.jsonl")
	caissonRun(t, "replay").expect(t, exitUsage, "no file is given")
}

// TestRecordScript has a script recorded and replayed, in each language, and one that is changed.
func TestRecordScript(t *testing.T) {
	manyRuntimes(t)
	for _, test := range []struct{ lang, source string }{
		{"js", `console.log(Date.now()); return [Math.random(), input.a]`},
		{"ts", `const x: number = Math.random(); return [x, input.a]`},
		{"py", "import random\n[random.random(), input['a']]"},
	} {
		file := filepath.Join(t.TempDir(), "run.jsonl")
		ran := caissonRun(t, "run", "-e", test.source, "--lang", test.lang, "a=1", "--record", file, "--json")
		ran.expect(t, exitOK)
		var was struct{ Value json.RawMessage }
		if err := json.Unmarshal([]byte(ran.out), &was); err != nil {
			t.Fatal(err)
		}
		o := caissonRun(t, "replay", file)
		o.expect(t, exitOK)
		if !strings.HasPrefix(o.out, "the same  eval, recorded ") || !strings.HasSuffix(o.out, "end       closed\n") {
			t.Errorf("%s: the output is\n%s", test.lang, o.out)
		}
		o = caissonRun(t, "replay", file, "--json")
		o.expect(t, exitOK)
		var is struct {
			Same   bool
			Script struct{ Value json.RawMessage }
		}
		if err := json.Unmarshal([]byte(o.out), &is); err != nil || !is.Same || !bytes.Equal(is.Script.Value, was.Value) {
			t.Errorf("%s: the replay is %s, and it was %s", test.lang, o.out, ran.out)
		}
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: the file is %v, %v", test.lang, info, err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, bytes.Replace(text, []byte("andom()"), []byte("andom(1)"), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		caissonRun(t, "replay", file).expect(t, exitDifference, file+": line ")
	}
	caissonRun(t, "run", "-e", "1", "--record", t.TempDir()).expect(t, exitUsage, "--record: ")
}
