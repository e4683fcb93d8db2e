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
		if got := l.State(test.name, &test.identity, tool); got != test.want {
			t.Errorf("%s %+v is %s", test.name, test.identity, got)
		}
	}
	// The file of another machine is added, and what was approved stays.
	other := &pins.Identity{Command: "npx", ArgumentsHash: "1", Files: []string{"g"}}
	l.Approve("s", other)
	if l.State("s", a, tool) != pins.Approved || l.State("s", other, tool) != pins.Approved {
		t.Error("it is not approved on both machines")
	}
	// Another command has none of it.
	l.Approve("s", &pins.Identity{Command: "node", Files: []string{"f"}})
	if got := l.State("s", &pins.Identity{Command: "node", Files: []string{"f"}}, tool); got != pins.Pending {
		t.Errorf("it is %s", got)
	}
	web := &pins.Identity{Origin: "https://a", Issuer: "https://i"}
	l.Approve("w", web)
	for issuer, want := range map[string]pins.State{"https://i": pins.Approved, "https://j": pins.Changed, "": pins.Approved} {
		if got := l.Server("w", &pins.Identity{Origin: "https://a", Issuer: issuer}); got != want {
			t.Errorf("with the issuer %q it is %s", issuer, got)
		}
	}
	// The issuer stays with its origin, and goes to no other.
	l.Approve("w", &pins.Identity{Origin: "https://a"})
	if got := l.Identity("w").Issuer; got != "https://i" {
		t.Errorf("the issuer of the origin is %q", got)
	}
	l.Approve("w", &pins.Identity{Origin: "https://b"})
	if got := l.Identity("w").Issuer; got != "" {
		t.Errorf("the issuer of another origin is %q", got)
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
	// One of each kind that has names, and two tools; the same name in two kinds is two things.
	type thing struct {
		kind pins.Kind
		name string
	}
	servers, things := []string{"a", "b"}, []thing{
		{pins.Tool, "x"}, {pins.Tool, "y"}, {pins.Prompt, "x"}, {pins.Resource, "x:/y"}, {pins.Template, "x:/{y}"}, {pins.Instructions, "instructions"},
	}
	identities := []*pins.Identity{{Command: "c", Files: []string{"1"}}, {Command: "d", Files: []string{"2"}}, {Origin: "https://o"}}
	offered := map[string]map[thing]int{"a": {}, "b": {}} // a thing's version; none for what is not there
	who := map[string]*pins.Identity{"a": identities[0], "b": identities[2]}
	approved := map[string]map[thing]int{"a": {}, "b": {}}
	approvedWho := map[string]*pins.Identity{}
	definition := func(of thing, version int) *pins.Definition {
		key := map[pins.Kind]string{pins.Tool: "name", pins.Prompt: "name", pins.Resource: "uri", pins.Template: "uriTemplate"}[of.kind]
		text := fmt.Sprintf(`{%q:%q,"description":"%d"}`, key, of.name, version)
		if of.kind == pins.Instructions {
			text = fmt.Sprintf(`{"instructions":"%d"}`, version)
		}
		d, err := pins.DefineAs(of.kind, json.RawMessage(text))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	var done []string
	for range 80 {
		s, of := servers[r.IntN(2)], things[r.IntN(len(things))]
		switch op := r.IntN(10); op {
		case 0, 1:
			offered[s][of] = 1 + r.IntN(3)
			done = append(done, fmt.Sprintf("%s offers %v %d", s, of, offered[s][of]))
		case 2:
			delete(offered[s], of)
			done = append(done, fmt.Sprintf("%s drops %v", s, of))
		case 3:
			who[s] = identities[r.IntN(3)]
			done = append(done, fmt.Sprintf("%s becomes %+v", s, *who[s]))
		case 4, 5:
			if version := offered[s][of]; version > 0 {
				l.Approve(s, who[s], definition(of, version))
				if approvedWho[s] != who[s] {
					approved[s] = map[thing]int{}
				}
				approvedWho[s], approved[s][of] = who[s], version
				done = append(done, fmt.Sprintf("approved %s %v", s, of))
			}
		case 6:
			if r.IntN(2) == 0 {
				l.Forget(s, of.kind, of.name)
				delete(approved[s], of)
				done = append(done, fmt.Sprintf("forgot %s %v", s, of))
			} else {
				l.Reset(s)
				approved[s] = map[thing]int{}
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
		case 8:
			l.Cover(s) // It approves nothing.
			done = append(done, "covered "+s)
		}
		for _, s := range servers {
			for of, version := range offered[s] {
				want := pins.Pending
				switch a := approved[s][of]; {
				case approvedWho[s] == nil:
				case approvedWho[s] != who[s]:
					want = pins.Changed
				case a == version:
					want = pins.Approved
				case a > 0:
					want = pins.Changed
				}
				for range 2 {
					if got := l.State(s, who[s], definition(of, version)); got != want {
						t.Fatalf("seed %d: %s %v is %s, and not %s, after\n%s", seed, s, of, got, want, strings.Join(done, "\n"))
					}
				}
			}
		}
	}
}

// TestFileOfVersion1 finds that a file that had only tools approves what it did, that its other kinds are not covered
// until somebody looks at them, and that one server's approval covers no other's.
func TestFileOfVersion1(t *testing.T) {
	path := filepath.Join(t.TempDir(), pins.Name)
	tool := define(t, `{"name":"x"}`)
	entry := fmt.Sprintf(`{"identity":{"origin":"https://a"},"tools":{"x":{"hash":%q,"definition":{"name":"x"}}}}`, tool.Hash)
	if err := os.WriteFile(path, []byte(`{"version":1,"servers":{"s":`+entry+`,"t":`+entry+`}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := pins.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	who := &pins.Identity{Origin: "https://a"}
	prompt, err := pins.DefineAs(pins.Prompt, json.RawMessage(`{"name":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	states := func() string {
		var all []string
		for _, server := range []string{"s", "t"} {
			all = append(all, fmt.Sprintf("%v %s %s %s", l.Covers(server, pins.Prompt), l.State(server, who, tool), l.State(server, who, prompt), l.State(server, &pins.Identity{}, prompt)))
		}
		return strings.Join(all, "; ")
	}
	if got := states(); got != "false approved approved changed; false approved approved changed" {
		t.Error(got)
	}
	l.Cover("s")
	for range 2 {
		if got := states(); got != "true approved pending changed; false approved approved changed" {
			t.Error(got)
		}
		if err := l.Save(); err != nil {
			t.Fatal(err)
		}
		if l, err = pins.Load(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDefineAs finds what the definitions of other kinds have, and that two kinds are never the same.
func TestDefineAs(t *testing.T) {
	hash := func(kind pins.Kind, text string) string {
		t.Helper()
		d, err := pins.DefineAs(kind, json.RawMessage(text))
		if err != nil {
			t.Fatal(err)
		}
		return d.Hash
	}
	const resource = `{"uri":"a:/b","name":"n","description":"d"}`
	if hash(pins.Resource, resource) != hash(pins.Resource, strings.Replace(resource, `"uri"`, `"size":5,"_meta":{},"annotations":{"lastModified":"x"},"uri"`, 1)) {
		t.Error("the content of a resource is a part of its definition")
	}
	for _, other := range []string{`{"uri":"a:/c","name":"n","description":"d"}`, `{"uri":"a:/b","name":"m","description":"d"}`, `{"uri":"a:/b","name":"n","description":"e"}`} {
		if hash(pins.Resource, resource) == hash(pins.Resource, other) {
			t.Errorf("%s is the same", other)
		}
	}
	if hash(pins.Prompt, `{"name":"a"}`) == hash(pins.Tool, `{"name":"a"}`) {
		t.Error("a prompt is a tool")
	}
	if hash(pins.Prompt, `{"name":"a","arguments":[{"name":"x"}]}`) == hash(pins.Prompt, `{"name":"a","arguments":[{"name":"x","description":"y"}]}`) {
		t.Error("the arguments of a prompt are no part of its definition")
	}
	// Many readers take a name in other letters for the name.
	for kind, wrong := range map[pins.Kind]string{pins.Tool: `{"name":"a","Name":"b"}`, pins.Prompt: `{"NAME":"b","name":"a"}`, pins.Resource: `{"uri":"a:b","URI":"a:c","name":"n"}`, pins.Template: `{"uriTemplate":"a:{b}","uritemplate":"a:{c}","name":"n"}`} {
		if _, err := pins.DefineAs(kind, json.RawMessage(wrong)); err == nil {
			t.Errorf("%s is a %s", wrong, kind)
		}
	}
	for kind, wrong := range map[pins.Kind]string{pins.Prompt: `{"uri":"a"}`, pins.Resource: `{"name":"a"}`, pins.Template: `{"uri":"a"}`, pins.Instructions: `{"instructions":"a","x":1}`, "other": `{"name":"a"}`} {
		if _, err := pins.DefineAs(kind, json.RawMessage(wrong)); err == nil {
			t.Errorf("%s is a %s", wrong, kind)
		}
	}
	if d, err := pins.DefineInstructions("a\u200b"); err != nil || d.Name != "instructions" || d.Kind != pins.Instructions {
		t.Error(d, err)
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
		{`"version": 2`, `"version": 3`},
		{`"version": 2`, `"version": 1`}, // Which has only tools.
		{`"prompts": {`, `"prompts": {"p": null`},
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
		// Nothing hides behind the place or the spelling of another value.
		{`{"a":{"b":"x"}}`, `{"a":{"b":"x"},"a.b":"evil"}`, `["a.b"]: {+evil+}`},
		{`{"a":["x"]}`, `{"a":["x"],"a[0]":"evil"}`, `["a[0]"]: {+evil+}`},
		{`{"a":{"":"x"}}`, `{"a":{"":"x"},"a.":"evil"}`, `["a."]: {+evil+}`},
		{`{"a":5}`, `{"a":"5"}`, `a: {+"+}5{+"+}`},
		{`{"a":null}`, `{"a":"null"}`, `a: {+"+}null{+"+}`},
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
	f.Add([]byte(`{"name":"a","b":{"c":"1"}}`), []byte(`{"name":"a","b":{"c":1},"b.c":"x"}`))
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
		if other, err := pins.Define(b); err == nil && (other.Hash != d.Hash) != (len(pins.Difference(d.Text, other.Text)) > 0) {
			t.Fatalf("the difference of %s and %s: %v", d.Text, other.Text, pins.Difference(d.Text, other.Text))
		}
	})
}

// FuzzLoad reads lock files of anybody's, and what it reads it writes so that it reads the same.
func FuzzLoad(f *testing.F) {
	d, err := pins.Define(json.RawMessage(`{"name":"x"}`))
	if err != nil {
		f.Fatal(err)
	}
	entry := fmt.Sprintf(`{"s":{"identity":{"origin":"https://a"},"tools":{"x":{"hash":%q,"definition":{"name":"x"}}}`, d.Hash)
	f.Add([]byte(`{"version":1,"servers":` + entry + `}}}`))
	f.Add([]byte(`{"version":2,"servers":` + entry + `,"prompts":{},"instructions":null}}}`))
	f.Add([]byte(`{"version":3,"servers":{}}`))
	path := filepath.Join(f.TempDir(), pins.Name)
	read := func(t *testing.T, text []byte) (*pins.Lock, error) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return pins.Load(path)
	}
	known := func(l *pins.Lock) string {
		var b strings.Builder
		for _, server := range l.Servers() {
			fmt.Fprintf(&b, "%s %+v\n", server, *l.Identity(server))
			for _, kind := range pins.Kinds {
				fmt.Fprintf(&b, "%s %t", kind, l.Covers(server, kind))
				for _, name := range l.Names(server, kind) {
					fmt.Fprintf(&b, " %q %s", name, l.Definition(server, kind, name))
				}
			}
		}
		return b.String()
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := read(t, text)
		if err != nil {
			return
		}
		if err := l.Save(); err != nil {
			t.Fatal(err)
		}
		again, err := pins.Load(path)
		if err != nil || known(again) != known(l) {
			t.Fatalf("%s\nbecame\n%s\n%v", known(l), known(again), err)
		}
		for _, server := range l.Servers() {
			l.Cover(server)
			l.Approve(server, &pins.Identity{Origin: "https://b"}, d)
			l.Forget(server, pins.Tool, "x")
		}
	})
}
