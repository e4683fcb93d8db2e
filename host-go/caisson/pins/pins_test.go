package pins_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/pins"
)

func define(t testing.TB, tool string) *pins.Definition {
	t.Helper()
	d, err := pins.Define(json.RawMessage(tool))
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return d
}

// TestDefine finds that all that a model reads is in the hash, and nothing else, however it is written.
func TestDefine(t *testing.T) {
	const base = `{"name":"a","title":"A","description":"d","inputSchema":{"type":"object"},"outputSchema":{"type":"object"},"annotations":{"readOnlyHint":true},"execution":{"taskSupport":"optional"}}`
	d := define(t, base)
	if !d.ReadOnly || d.Name != "a" || len(d.Hash) != 64 {
		t.Errorf("%+v", d)
	}
	for _, same := range []string{
		`{ "title":"\u0041", "name":"a","description":"d","inputSchema":{"type":"object"},"outputSchema":{"type":"object"},"annotations":{"readOnlyHint":true},"execution":{"taskSupport":"optional"}}`,
		strings.Replace(base, `"name"`, `"_meta":{"x":1},"icons":[],"name"`, 1),
	} {
		if define(t, same).Hash != d.Hash {
			t.Errorf("%s is another", same)
		}
	}
	for _, change := range [][2]string{
		{`"name":"a"`, `"name":"b"`},
		{`"title":"A"`, `"title":"B"`},
		{`"description":"d"`, `"description":"d\u200b"`},
		{`"inputSchema":{`, `"inputSchema":{"description":"x",`},
		{`"outputSchema":{`, `"outputSchema":{"description":"x",`},
		{`"readOnlyHint":true`, `"readOnlyHint":false`},
		{`"title":"A",`, ``},
		{`"optional"`, `"required"`},
		{`"name"`, `"new":"member","name"`},
	} {
		if define(t, strings.Replace(base, change[0], change[1], 1)).Hash == d.Hash {
			t.Errorf("%s is the same", change[1])
		}
	}
	for _, wrong := range []string{``, `[]`, `null`, `{}`, `{"name":""}`, `{"name":5}`, `{"name":"a","name":"b"}`, `{"name":"a","inputSchema":{"x":1,"x":2}}`, `{"name":"\ud800"}`, `{"Name":"a"}`} {
		if d, err := pins.Define(json.RawMessage(wrong)); err == nil {
			t.Errorf("%s is %+v", wrong, d)
		}
	}
	// A number that no double holds is no reason not to have a hash: servers in Rust have such bounds.
	define(t, `{"name":"a","inputSchema":{"maximum":18446744073709551615}}`)
	if define(t, `{"name":"a","annotations":{"readOnlyHint":"true"}}`).ReadOnly || define(t, `{"name":"a","annotations":{"ReadOnlyHint":true}}`).ReadOnly {
		t.Error("it is read-only")
	}
}

func TestIdentity(t *testing.T) {
	a := &pins.Identity{Command: "npx", ArgumentsHash: "1", Files: []string{"f"}}
	l := pins.New("")
	tool := define(t, `{"name":"a"}`)
	l.Approve("s", a, tool)
	for _, test := range []struct {
		name     string
		identity pins.Identity
		want     pins.State
	}{
		{"s", *a, pins.Approved},
		{"s", pins.Identity{Command: "npx", ArgumentsHash: "1", Files: []string{"g"}}, pins.Changed},
		{"s", pins.Identity{Command: "npx", ArgumentsHash: "1"}, pins.Changed},
		{"s", pins.Identity{Command: "npx", ArgumentsHash: "2", Files: []string{"f"}}, pins.Changed},
		{"s", pins.Identity{Command: "node", ArgumentsHash: "1", Files: []string{"f"}}, pins.Changed},
		{"s", pins.Identity{Origin: "https://a"}, pins.Changed},
		{"s", pins.Identity{}, pins.Changed},
		{"t", *a, pins.Pending},
	} {
		if got := l.Tool(test.name, &test.identity, tool); got != test.want {
			t.Errorf("%s %+v is %s", test.name, test.identity, got)
		}
	}
	// The file of another machine is added, and what was approved stays.
	other := &pins.Identity{Command: "npx", ArgumentsHash: "1", Files: []string{"g"}}
	l.Approve("s", other)
	if l.Tool("s", a, tool) != pins.Approved || l.Tool("s", other, tool) != pins.Approved {
		t.Error("it is not approved on both machines")
	}
	// Another command has none of it.
	l.Approve("s", &pins.Identity{Command: "node", Files: []string{"f"}})
	if got := l.Tool("s", &pins.Identity{Command: "node", Files: []string{"f"}}, tool); got != pins.Pending {
		t.Errorf("it is %s", got)
	}
	web := &pins.Identity{Origin: "https://a", Issuer: "https://i"}
	l.Approve("w", web)
	for issuer, want := range map[string]pins.State{"https://i": pins.Approved, "https://j": pins.Changed, "": pins.Approved} {
		if got := l.Server("w", &pins.Identity{Origin: "https://a", Issuer: issuer}); got != want {
			t.Errorf("with the issuer %q it is %s", issuer, got)
		}
	}
}

// TestStates has random sequences of what a server and a person do, beside a model of a few lines. Nothing but
// a person's approval makes anything approved, and looking at it changes nothing.
func TestStates(t *testing.T) {
	for seed := range uint64(100) {
		sequence(t, rand.New(rand.NewPCG(seed, 1)), seed)
	}
}

func sequence(t *testing.T, r *rand.Rand, seed uint64) {
	path := filepath.Join(t.TempDir(), pins.Name)
	l := pins.New(path)
	servers, tools := []string{"a", "b"}, []string{"x", "y", "z"}
	identities := []*pins.Identity{{Command: "c", Files: []string{"1"}}, {Command: "d", Files: []string{"2"}}, {Origin: "https://o"}}
	offered := map[string]map[string]int{"a": {}, "b": {}} // a tool's version; none for a tool that is not there
	who := map[string]*pins.Identity{"a": identities[0], "b": identities[2]}
	approvedTool := map[string]map[string]int{"a": {}, "b": {}}
	approvedWho := map[string]*pins.Identity{}
	definitions := map[string]*pins.Definition{}
	definition := func(name string, version int) *pins.Definition {
		text := fmt.Sprintf(`{"name":%q,"description":"%d"}`, name, version)
		if definitions[text] == nil {
			definitions[text] = define(t, text)
		}
		return definitions[text]
	}
	var done []string
	for range 80 {
		s, tool := servers[r.IntN(2)], tools[r.IntN(3)]
		switch op := r.IntN(9); op {
		case 0, 1:
			offered[s][tool] = 1 + r.IntN(3)
			done = append(done, fmt.Sprintf("%s offers %s %d", s, tool, offered[s][tool]))
		case 2:
			delete(offered[s], tool)
			done = append(done, s+" drops "+tool)
		case 3:
			who[s] = identities[r.IntN(3)]
			done = append(done, fmt.Sprintf("%s becomes %+v", s, *who[s]))
		case 4, 5:
			if version := offered[s][tool]; version > 0 {
				l.Approve(s, who[s], definition(tool, version))
				if approvedWho[s] != who[s] {
					approvedTool[s] = map[string]int{}
				}
				approvedWho[s], approvedTool[s][tool] = who[s], version
				done = append(done, "approved "+s+" "+tool)
			}
		case 6:
			if r.IntN(2) == 0 {
				l.Reset(s, tool)
				delete(approvedTool[s], tool)
				done = append(done, "reset "+s+" "+tool)
			} else {
				l.Reset(s)
				approvedTool[s] = map[string]int{}
				delete(approvedWho, s)
				done = append(done, "reset "+s)
			}
		case 7:
			if err := l.Save(); err != nil {
				t.Fatal(err)
			}
			var err error
			if l, err = pins.Load(path); err != nil {
				t.Fatal(err)
			}
			done = append(done, "saved and loaded")
		}
		for _, s := range servers {
			for name, version := range offered[s] {
				want := pins.Pending
				switch pinned := approvedTool[s][name]; {
				case approvedWho[s] == nil:
				case approvedWho[s] != who[s]:
					want = pins.Changed
				case pinned == version:
					want = pins.Approved
				case pinned > 0:
					want = pins.Changed
				}
				for range 2 {
					if got := l.Tool(s, who[s], definition(name, version)); got != want {
						t.Fatalf("seed %d: %s %s is %s, and not %s, after\n%s", seed, s, name, got, want, strings.Join(done, "\n"))
					}
				}
			}
		}
	}
}

// TestFile finds that a file that was edited so that it lies is refused.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), pins.Name)
	l := pins.New(path)
	l.Approve("s", &pins.Identity{Origin: "https://a"}, define(t, `{"name":"x","description":"<b> & \u200b"}`))
	if err := l.Save(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`"<b>`, `"<c>`},
		{`"name": "x"`, `"name": "y"`},
		{`"version": 1`, `"version": 2`},
		{`"identity"`, `"identitty"`},
		{`"servers": {`, `"servers": {"s": null,`},
		{`"tools": {`, `"tools": {"z": null,`},
		{`"hash"`, `"hash": "x", "hash"`},
		{`{`, ``},
	} {
		changed := strings.Replace(string(text), change[0], change[1], 1)
		if changed == string(text) {
			t.Fatalf("%s is not in\n%s", change[0], text)
		}
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := pins.Load(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("with %s: %v", change[1], err)
		}
	}
	if l, err := pins.Load(filepath.Join(t.TempDir(), "none")); err != nil || len(l.Servers()) != 0 {
		t.Error(err)
	}
}

func TestDifference(t *testing.T) {
	show := func(before, after string) string {
		var all []string
		for _, c := range pins.Difference(json.RawMessage(before), json.RawMessage(after)) {
			all = append(all, c.String())
		}
		return strings.Join(all, "\n")
	}
	for _, test := range [][3]string{
		{`{"description":"Reads a file."}`, `{"description":"Reads a file, and sends it."}`, "description: Reads a file{+, and sends it+}."},
		{`{"description":"a b c"}`, `{"description":"a x c"}`, "description: a [-b-]{+x+} c"},
		{`{"description":"safe"}`, `{"description":"safe\u200b\u202e"}`, `description: [-safe-]{+safe\u{200b}\u{202e}+}`},
		{`{"a":{"b":[1,{"c":"x"}]}}`, `{"a":{"b":[1,{"c":"y"},true]}}`, "a.b[1].c: [-x-]{+y+}\na.b[2]: {+true+}"},
		{``, `{"name":"x"}`, "name: {+x+}"},
		{`{"name":"x"}`, ``, "name: [-x-]"},
		{`{"a":"1"}`, `{"a":"1"}`, ""},
		{`{"a":"one\ntwo"}`, `{"a":"one\nthree"}`, `a: one\n[-two-]{+three+}`},
		{`{"a":{}}`, `{"a":{"b":1}}`, "a: [-{}-]\na.b: {+1+}"},
	} {
		if got := show(test[0], test[1]); got != test[2] {
			t.Errorf("%s and %s:\n%s\nand not\n%s", test[0], test[1], got, test[2])
		}
	}
	large, _ := json.Marshal(map[string]string{"d": strings.Repeat("a b ", 20000)})
	other, _ := json.Marshal(map[string]string{"d": strings.Repeat("c d ", 20000)})
	if got := show(string(large), string(other)); !strings.HasPrefix(got, "d: [-a b") {
		t.Errorf("%.100s", got)
	}
}

func FuzzDefine(f *testing.F) {
	f.Add([]byte(`{"name":"a","annotations":{"readOnlyHint":true}}`), []byte(`{"name":"b"}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		pins.Difference(a, b)
		d, err := pins.Define(a)
		if err != nil {
			return
		}
		again, err := pins.Define(d.Text)
		if err != nil || again.Hash != d.Hash || again.Name != d.Name || again.ReadOnly != d.ReadOnly {
			t.Fatalf("%s became %+v (%v)", a, again, err)
		}
		if changes := pins.Difference(d.Text, again.Text); len(changes) > 0 {
			t.Fatalf("%v", changes)
		}
	})
}
