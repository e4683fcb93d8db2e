package link

import (
	"errors"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/build"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// linked links a component of the runtime's testdata.
func linked(t *testing.T, name string) *Program {
	t.Helper()
	b, err := os.ReadFile("../../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := binary.Decode(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Link(tree, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// An error of stop ends linking, in the first of its two passes and in the second.
func TestStop(t *testing.T) {
	tree, err := binary.Decode(build.Component(build.TypeDefs(build.Times(5000, func(i int) build.Bytes {
		return build.Cat(build.Bytes{0x6d, 1}, build.Name("c"+strconv.Itoa(i)))
	})...)), nil)
	if err != nil {
		t.Fatal(err)
	}
	stopped := errors.New("stopped")
	questions := 0
	if _, err := Link(tree, func() error { questions++; return nil }); err != nil || questions < 2 {
		t.Fatalf("%d questions, %v", questions, err)
	}
	for last := 1; last <= questions; last++ {
		asked := 0
		if _, err := Link(tree, func() error {
			if asked++; asked == last {
				return stopped
			}
			return nil
		}); !errors.Is(err, stopped) || asked != last {
			t.Errorf("question %d of %d: %v", asked, questions, err)
		}
	}
}

// Nested components are gone from the program. The program still says which instance a call comes from, and
// which instance it enters.
func TestChain(t *testing.T) {
	p := linked(t, "chain.wasm")
	if len(p.Components) != 5 || len(p.Lifts) != 4 || len(p.Builtins) != 3 || len(p.Modules) != 2 {
		t.Fatalf("%d components, %d lifts, %d builtins, %d modules", len(p.Components), len(p.Lifts), len(p.Builtins), len(p.Modules))
	}
	for i, c := range p.Components {
		if want := min(i, 1) - 1; c.Parent != want {
			t.Errorf("the parent of component instance %d is %d, not %d", i, c.Parent, want)
		}
	}
	for i, b := range p.Builtins {
		// The first instance of the chain is instance 1. Each builtin belongs to the instance after it.
		if b.Component != i+2 || b.Func.Host || p.Lifts[b.Func.Index].Component != i+1 || !reflect.DeepEqual(b.Enter, []int{i + 1}) {
			t.Errorf("builtin %d: %+v", i, b)
		}
	}
	if len(p.Exports) != 1 || p.Exports[0].Name.Text != "f" || p.Lifts[p.Exports[0].Func.Index].Component != 4 {
		t.Errorf("%+v", p.Exports)
	}
}

// An export of an import is the host's function, and its resource is the host's.
func TestReexport(t *testing.T) {
	p := linked(t, "reexport.wasm")
	if len(p.Lifts) != 0 || len(p.Instances) != 0 || len(p.Imports) != 5 {
		t.Fatalf("%+v", p)
	}
	if !reflect.DeepEqual(p.Resources, []Resource{{Name: "file", Host: true, Interface: "t:io/files", Component: -1}}) {
		t.Errorf("%+v", p.Resources)
	}
	for _, e := range p.Exports {
		if e.Sort == binary.SortFunc && (!e.Func.Host || p.Imports[e.Func.Index].Name+"-again" != e.Name.Text) {
			t.Errorf("%s: %+v", e.Name.Text, e.Func)
		}
	}
}

// caught returns the message of the *Error that f panics with, or "".
func caught(f func()) (msg string) {
	defer func() {
		if x := recover(); x != nil {
			msg = x.(*Error).Msg
		}
	}()
	f()
	return ""
}

func TestNames(t *testing.T) {
	fn := &types.Extern{Sort: binary.SortFunc, Func: &types.Func{}}
	for name, valid := range map[string]bool{
		"a": true, "a-b": true, "a1-B2-c": true, "HTTP-get": true, "a-1b": true,
		"": false, "A-b-": false, "-a": false, "1a": false, "a--b": false, "aB": false, "a_b": false, "ä": false,
		"a:b/c": true, "a:b/c@1.2.3": true, "a-b:c-d/e-f@0.2.0-rc.1+x": true,
		"a:b": false, "a:b/c/d": false, "a:B/c": false, "a:b/C": true, ":b/c": false, "a:b/": false,
		"a:b/c@": false, "a:b/c@1": false, "a:b/c@1.2": false, "a:b/c@1.2.03": false, "a:b/c@1.2.3-": false,
		"a:b/c@1.2.3-01": false, "a:b/c@1.2.3-0a": true, "a:b/c@1.2.3+01": true, "a:b/c@1.2.3-a..b": false,
		"[method]a": false, "[other]a": false, "[": false, "[static]r.f": false,
	} {
		msg := caught(func() { newNamespace("export").add(0, binary.Name{Text: name}, fn) })
		if (msg == "") != valid {
			t.Errorf("%q: %q", name, msg)
		}
	}
}

// Names must differ in more than case. A method must not have its resource's name (Explainer.md,
// "strongly-unique").
func TestUniqueNames(t *testing.T) {
	for _, c := range []struct {
		a, b     string
		conflict bool
	}{
		{"a", "b", false},
		{"a", "a", true},
		{"foo", "FOO", true},
		{"a:b/c@1.0.0", "a:b/c@1.0.1", false},
		{"[constructor]r", "r", false},
		{"[method]r.f", "[static]r.f", true},
		{"[method]r.f", "[method]r.g", false},
		{"[method]r.r", "r", true},
	} {
		key := func(name string) string {
			kind, rest := annotation(name)
			return uniqueKey(kind, rest, name)
		}
		if (key(c.a) == key(c.b)) != c.conflict {
			t.Errorf("%s and %s: keys %s and %s", c.a, c.b, key(c.a), key(c.b))
		}
	}
	ns := newNamespace("import")
	fn := &types.Extern{Sort: binary.SortFunc, Func: &types.Func{}}
	ns.add(0, binary.Name{Text: "foo"}, fn)
	if msg := caught(func() { ns.add(0, binary.Name{Text: "FOO"}, fn) }); !strings.Contains(msg, "import name `FOO` conflicts with previous name `foo`") {
		t.Errorf("%q", msg)
	}
}

func TestLabels(t *testing.T) {
	for _, c := range []struct {
		labels []string
		want   string
	}{
		{[]string{"a", "b-c"}, ""},
		{[]string{"a", "A"}, "conflicts"},
		{[]string{""}, "empty"},
		{[]string{"a_b"}, "kebab"},
	} {
		msg := caught(func() { checkLabels(0, "record field", c.labels) })
		if (msg == "") != (c.want == "") || !strings.Contains(msg, c.want) {
			t.Errorf("%q: %q", c.labels, msg)
		}
	}
}
