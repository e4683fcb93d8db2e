//lint:file-ignore SA1019 The newest revision deprecates logging; plugins go on using it.

package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// result returns what a function of a plugin with these grants returns.
func reached[T any](t *testing.T, p *Plugin, tool string) T {
	t.Helper()
	value, _, err := caisson.CallToolAs[struct{ Result T }](context.Background(), p, &mcp.CallToolParams{Name: tool})
	if err != nil {
		t.Fatal(err)
	}
	return value.Result
}

func loadReach(t *testing.T, grants Grants) *Plugin {
	t.Helper()
	p, err := testRuntime(t).Load(context.Background(), "testdata/reach.wasm", &Options{Grants: grants})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A plugin reaches nothing that is not named.
func TestNothingGranted(t *testing.T) {
	p := loadReach(t, Grants{})
	t.Setenv("SECRET", "x")
	for _, tool := range []string{"environment", "folders"} {
		if got := reached[[]any](t, p, tool); len(got) > 0 {
			t.Errorf("%s: %v", tool, got)
		}
	}
	if got := reached[uint64](t, p, "wall"); got != 0 {
		t.Errorf("the date is %d s after 1970", got)
	}
	if got := reached[uint64](t, p, "monotonic"); got%uint64(time.Millisecond) != 0 {
		t.Errorf("the clock has %d ns", got)
	}
	first := reached[uint64](t, p, "random")
	if again := reached[uint64](t, p, "random"); again != first {
		t.Errorf("the random number was %d, and is %d", first, again)
	}
	if other := reached[uint64](t, loadReach(t, Grants{Seed: [32]byte{1}}), "random"); other == first {
		t.Error("another seed gives the same random number")
	}
}

// A plugin reaches what is named.
func TestGranted(t *testing.T) {
	p := loadReach(t, Grants{
		Env: map[string]string{"B": "2", "A": "1"}, Clocks: true, Random: true,
		Folders: []Folder{{Path: "/data", Host: t.TempDir(), Write: true}, {Path: "/docs", FS: fstest.MapFS{}}},
	})
	if diff := cmp.Diff([]any{[]any{"A", "1"}, []any{"B", "2"}}, reached[[]any](t, p, "environment")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var names []any
	for _, f := range reached[[][]any](t, p, "folders") {
		names = append(names, f[1])
	}
	if diff := cmp.Diff([]any{"/data", "/docs"}, names); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := reached[uint64](t, p, "wall"); got < 1_700_000_000 {
		t.Errorf("the date is %d s after 1970", got)
	}
	if one, two := reached[uint64](t, p, "random"), reached[uint64](t, p, "random"); one == two {
		t.Errorf("the random number is %d twice", one)
	}
	if _, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: "random", Arguments: json.RawMessage(`{"seed": 1}`)}); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Error(err)
	}
}

// What a plugin prints is logged line by line, and a long line is cut.
func TestLines(t *testing.T) {
	in := &instance{}
	out := in.lines("stdout")
	var got []string
	c := &call{ctx: context.Background(), onLog: func(_ context.Context, m *mcp.LoggingMessageParams) {
		text := m.Data.(string)
		got = append(got, string(m.Level)+" "+m.Logger+" "+text[:min(len(text), 8)])
		if len(text) > maxLogBytes {
			t.Errorf("a line of %d bytes", len(text))
		}
	}}
	in.call.Store(c)
	for _, text := range []string{"on", "e\r\ntwo\n\n", "\xff\n", string(make([]byte, 3*maxLogBytes)), "x\nlast"} {
		if n, err := out.Write([]byte(text)); n != len(text) || err != nil {
			t.Error(n, err)
		}
	}
	in.flush()
	in.flush()
	c.finish()
	want := []string{"info stdout one", "info stdout two", "info stdout ", "info stdout \uFFFD", "info stdout " + string(make([]byte, 8)), "info stdout last"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := out.Write([]byte("nobody\n")); err != nil {
		t.Error(err)
	}
}

// A policy bounds the grants of a plugin of its name, before anything of the plugin runs.
func TestPolicyBoundsGrants(t *testing.T) {
	folder := t.TempDir()
	rules, err := policy.New(policy.Rules{Version: 1, Plugins: []policy.Source{{
		Name: "reach", Environment: []string{"A"}, Origins: []string{"https://api.example.com"},
		Folders: []policy.Folder{{Path: folder, Access: policy.AccessRead}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	r := testRuntime(t)
	for _, test := range []struct {
		name   string
		grants Grants
		want   caisson.Code // 0 when it is loaded
	}{
		{"", Grants{Env: map[string]string{"A": "1"}, Origins: []string{"https://api.example.com:443/"}, Folders: []Folder{{Path: "/in", Host: folder}}, Clocks: true, Random: true}, 0},
		{"other", Grants{}, 0},
		{"other", Grants{Env: map[string]string{"A": "1"}}, caisson.CodeDenied},
		{"", Grants{Env: map[string]string{"B": "1"}}, caisson.CodeDenied},
		{"", Grants{Origins: []string{"https://example.com"}}, caisson.CodeDenied},
		{"", Grants{Folders: []Folder{{Path: "/in", Host: folder, Write: true}}}, caisson.CodeDenied},
		{"", Grants{Folders: []Folder{{Path: "/in", FS: fstest.MapFS{}}}}, caisson.CodeDenied},
	} {
		p, err := r.Load(context.Background(), "testdata/reach.wasm", &Options{Name: test.name, Grants: test.grants, Policy: rules})
		if test.want == 0 {
			if err != nil {
				t.Errorf("%q %+v: %v", test.name, test.grants, err)
				continue
			}
			_ = p.Close()
			continue
		}
		var no *policy.DeniedError
		if caisson.CodeOf(err) != test.want || !errors.As(err, &no) || no.Reason != policy.NotGranted {
			t.Errorf("%q %+v: %v", test.name, test.grants, err)
		}
	}
}

// A policy fills in secrets by references, which are in no error.
func TestPolicySecrets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from the file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CAISSON_TEST_SECRET", "from the environment")
	load := func(secrets map[string]string, grants Grants) (*Plugin, error) {
		t.Helper()
		rules, err := policy.New(policy.Rules{Version: 1, Plugins: []policy.Source{{Name: "reach", Environment: []string{"GIVEN"}, Secrets: secrets}}})
		if err != nil {
			t.Fatal(err)
		}
		return testRuntime(t).Load(context.Background(), "testdata/reach.wasm", &Options{Grants: grants, Policy: rules})
	}
	given := map[string]string{"GIVEN": "1"}
	p, err := load(map[string]string{"A": "${env:CAISSON_TEST_SECRET}", "B": "${file:" + file + "}"}, Grants{Env: given})
	if err != nil {
		t.Fatal(err)
	}
	got := reached[[][]string](t, p, "environment")
	if want := [][]string{{"A", "from the environment"}, {"B", "from the file"}, {"GIVEN", "1"}}; !cmp.Equal(got, want) {
		t.Errorf("it has %v", got)
	}
	if len(given) != 1 {
		t.Error("the program's own map has the secrets")
	}
	odd := filepath.Join(t.TempDir(), "odd")
	if err := os.WriteFile(odd, []byte("s3cret\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	for variable, test := range map[string]struct {
		reference string
		grants    Grants
		code      caisson.Code
	}{
		"UNSET":    {"${env:CAISSON_TEST_UNSET}", Grants{}, caisson.CodeInvalidArgument},
		"MISSING":  {"${file:" + file + ".missing}", Grants{}, caisson.CodeInvalidArgument},
		"KEYRING":  {"${keyring:a/b}", Grants{}, caisson.CodeInvalidArgument}, // This program links none.
		"ODD":      {"${file:" + odd + "}", Grants{}, caisson.CodeInvalidArgument},
		"REPLACED": {"${file:" + file + "}", Grants{Env: map[string]string{"REPLACED": "other"}}, caisson.CodeDenied},
	} {
		_, err := load(map[string]string{variable: test.reference}, test.grants)
		if caisson.CodeOf(err) != test.code || !strings.Contains(err.Error(), variable) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", variable, err)
		}
	}
}
