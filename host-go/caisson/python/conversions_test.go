package python_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// mirror is a server whose tool answers with its arguments, and keeps them.
type mirror struct{ arguments json.RawMessage }

func (*mirror) Tools(context.Context) ([]*mcp.Tool, error) { return nil, nil }

func (*mirror) ListTools(context.Context, *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	return &mcp.ListToolsResult{Tools: []*mcp.Tool{{Name: "same", InputSchema: map[string]any{"type": "object"}}}}, nil
}

func (m *mirror) CallTool(_ context.Context, p *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	var err error
	m.arguments, err = json.Marshal(p.Arguments)
	return &mcp.CallToolResult{Content: []mcp.Content{}, StructuredContent: m.arguments}, err
}

// before is what a source in a table may use.
const before = `import collections, dataclasses, datetime, decimal, enum, re
@dataclasses.dataclass
class Point:
    x: int
class Color(enum.Enum):
    RED = "red"
`

// ofGo has the Go values of the table.
var ofGo = map[string]any{
	"nil": nil, "true": true, "1<<53 - 1": int64(1<<53 - 1), "1<<53 + 1": int64(1<<53 + 1),
	"new(big.Int).Lsh(big.NewInt(-1), 100)": new(big.Int).Lsh(big.NewInt(-1), 100),
	"math.Copysign(0, -1)":                  math.Copysign(0, -1),
	"0.1":                                   0.1, "1e21": 1e21, `"ü"`: "ü", "[]byte{255, 0}": []byte{255, 0},
	"time.Unix(0, 0).UTC()": time.Unix(0, 0).UTC(), `[]any{1, "a"}`: []any{1, "a"}, "map[int]bool{1: true}": map[int]bool{1: true},
}

// rows are those of the table under a heading of docs/conversions.md: the texts of their cells.
func rows(t *testing.T, heading string, columns int) [][]string {
	t.Helper()
	document, err := os.ReadFile("../../../docs/conversions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(document), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var all [][]string
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|--") || strings.HasPrefix(line, "| Go | JSON") || strings.HasPrefix(line, "| JavaScript | Python") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != columns {
			t.Fatalf("%s has %d cells", line, len(cells))
		}
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		all = append(all, cells)
	}
	if len(all) < 10 {
		t.Fatalf("the table %q has %d rows", heading, len(all))
	}
	return all
}

// languages are those of the tables. Each runs an expression, as the source's value or as an argument of a tool.
var languages = []struct {
	name     string
	language caisson.Language
	value    func(expression string) string
	argument func(expression string) string
	// same says whether the input is the value of an expression, as itself.
	same   func(expression string) string
	module string // has functions: `same` gives its argument
}{
	{
		"JavaScript", caisson.JavaScript,
		func(e string) string { return e },
		func(e string) string {
			return "const given = (() => { " + regexp.MustCompile(`(.*; )?(.+)`).ReplaceAllString(e, "${1}return ${2}") + " })(); return (await tools.mirror.same({ v: given })).v"
		},
		func(e string) string {
			return "const same = (a, b) => Object.is(a, b) || (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null && Array.isArray(a) === Array.isArray(b) && Object.keys(a).join() === Object.keys(b).join() && Object.keys(a).every(k => same(a[k], b[k])));\nreturn same(input, " + e + ")"
		},
		"export const same = async v => (await tools.mirror.same({ v })).v",
	},
	{
		"Python", python.Language,
		func(e string) string { return before + e },
		func(e string) string { return before + "(await tools.mirror.same(v=" + e + "))['v']" },
		func(e string) string { return before + "repr(input) == repr(" + e + ")" },
		"async def same(v): return (await tools.mirror.same(v=v))['v']",
	},
}

func conversion(t *testing.T, m *mirror, language caisson.Language, source string, input any) (string, error) {
	t.Helper()
	set, err := caisson.NewToolSet(map[string]caisson.Caller{"mirror": m})
	if err != nil {
		t.Fatal(err)
	}
	r, err := shared(t).RunScript(t.Context(), caisson.Script{
		Language: language, Source: source, Input: input, Tools: set, Limits: caisson.ScriptLimits{OutputBytes: 1 << 20},
	})
	if err != nil {
		return "", err
	}
	return string(r.Value), nil
}

// TestConversionsGiven has scripts give each value of the table: as their result, and as an argument of a tool, whose
// answer they give back.
func TestConversionsGiven(t *testing.T) {
	for _, row := range rows(t, "What a script gives", 3) {
		for i, l := range languages {
			expression, want := row[i], row[2]
			if expression == "" {
				continue
			}
			t.Run(l.name+" "+expression, func(t *testing.T) {
				got, err := conversion(t, &mirror{}, l.language, l.value(expression), nil)
				through := &mirror{}
				again, errAgain := conversion(t, through, l.language, l.argument(expression), nil)
				if message, fails := strings.CutPrefix(want, "error: "); fails {
					var e *caisson.ScriptError
					if !errors.As(err, &e) || e.Kind != caisson.ScriptInvalidArguments || !strings.Contains(e.Message, message) {
						t.Errorf("it gives %s, %v", got, err)
					}
					if !errors.As(errAgain, &e) || e.Kind != caisson.ScriptRuntime || through.arguments != nil {
						t.Errorf("as an argument it is %s, %v", through.arguments, errAgain)
					}
					return
				}
				if err != nil || got != want {
					t.Errorf("it gives %s, %v", got, err)
				}
				if errAgain != nil || !sameJSON(t, []byte(again), []byte(want)) && expression != "[undefined, { a: undefined }]" {
					t.Errorf("through a tool it is %s, %v", again, errAgain)
				}
			})
		}
	}
}

// TestConversionsGotten gives scripts each value of the table: as their input, and as an argument of a function, which
// gives it to a tool and gives back the answer.
func TestConversionsGotten(t *testing.T) {
	for _, row := range rows(t, "What a script gets", 4) {
		if row[0] != "" {
			value, known := ofGo[row[0]]
			text, err := json.Marshal(value)
			if !known || err != nil || string(text) != row[1] {
				t.Errorf("%s marshals to %s, %v", row[0], text, err)
			}
		}
		for i, l := range languages {
			expression := row[2+i]
			t.Run(l.name+" "+row[1], func(t *testing.T) {
				message, fails := strings.CutPrefix(expression, "error: ")
				if fails {
					expression = "null"
				}
				got, err := conversion(t, &mirror{}, l.language, l.same(expression), json.RawMessage(row[1]))
				var e *caisson.ScriptError
				switch {
				case fails && (!errors.As(err, &e) || e.Kind != caisson.ScriptInvalidArguments || !strings.Contains(e.Message, message)):
					t.Errorf("it is %s, %v", got, err)
				case !fails && (err != nil || got != "true"):
					t.Errorf("it is not %s: %s, %v", expression, got, err)
				}
			})
		}
	}
}

// TestConversionsOfAnswers has a tool answer with what a script cannot have: the call fails, and the script goes on.
func TestConversionsOfAnswers(t *testing.T) {
	for _, answer := range []string{"1e999", strings.Repeat("9", 5000)} {
		fs := raw(answer)
		set, err := caisson.NewToolSet(map[string]caisson.Caller{"raw": fs})
		if err != nil {
			t.Fatal(err)
		}
		for language, source := range map[caisson.Language]string{
			caisson.JavaScript: "try { await tools.raw.get(); return 'got it' } catch (e) { return [e instanceof ToolError, e.code] }",
			python.Language:    "try:\n    await tools.raw.get()\n    return 'got it'\nexcept ToolError as e:\n    return [True, e.code]",
		} {
			r, err := shared(t).RunScript(t.Context(), caisson.Script{Language: language, Source: source, Tools: set})
			if err != nil || string(r.Value) != `[true,"protocol"]` {
				t.Errorf("%.20s in %s: %+v, %v", answer, language.Name(), r, err)
			}
		}
	}
}

// raw is a server whose tool answers with this structured content.
type raw string

func (raw) Tools(context.Context) ([]*mcp.Tool, error) { return nil, nil }

func (raw) ListTools(context.Context, *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	return &mcp.ListToolsResult{Tools: []*mcp.Tool{{Name: "get", InputSchema: map[string]any{"type": "object"}}}}, nil
}

func (r raw) CallTool(context.Context, *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	return &mcp.CallToolResult{Content: []mcp.Content{}, StructuredContent: json.RawMessage(r)}, nil
}

// TestConversionsAtRandom sends values at random from Go through a script, and through a function of a module, a tool
// and back, in each language.
func TestConversionsAtRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(20261129, 16))
	var values []json.RawMessage
	for range 200 {
		values = append(values, json.RawMessage(anyJSON(random, 5)))
	}
	for _, l := range languages {
		through := &mirror{}
		set, err := caisson.NewToolSet(map[string]caisson.Caller{"mirror": through})
		if err != nil {
			t.Fatal(err)
		}
		got, err := conversion(t, &mirror{}, l.language, "input", values)
		if err != nil {
			t.Fatal(l.name, err)
		}
		all, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		if !sameJSON(t, []byte(got), all) {
			t.Errorf("%s: a script gives another input back", l.name)
		}
		m, err := shared(t).Load(t.Context(), caisson.Script{Language: l.language, Source: l.module, Tools: set})
		if err != nil {
			t.Fatal(err)
		}
		for i, value := range values {
			r, err := m.RunFunction(t.Context(), "same", value)
			if err != nil {
				t.Fatalf("%s: %s: %v", l.name, value, err)
			}
			if !sameJSON(t, r.Value, value) {
				t.Errorf("%s: value %d is\n%s\nand comes back as\n%s", l.name, i, value, r.Value)
			}
			if want := fmt.Sprintf(`{"v":%s}`, value); !sameJSON(t, through.arguments, []byte(want)) {
				t.Errorf("%s: value %d is\n%s\nand the tool gets\n%s", l.name, i, value, through.arguments)
			}
		}
		_ = m.Close()
	}
}

// anyJSON is a JSON value at random.
func anyJSON(random *rand.Rand, depth int) string {
	names := []string{"a", "b", "", "ü", "1", "__proto__", "constructor", "toJSON", "then", "😀", `\ud800`, `\"`}
	kinds := 9
	if depth == 0 {
		kinds = 7
	}
	switch random.IntN(kinds) {
	case 0:
		return []string{"null", "true", "false", "0", "-0", "1e-320", "9007199254740991", "9007199254740992", "-9007199254740993"}[random.IntN(9)]
	case 1:
		return strconv.FormatInt(int64(random.Uint64()), 10)
	case 2:
		return new(big.Int).Lsh(big.NewInt(random.Int64()), uint(random.IntN(300))).String()
	case 3:
		return strconv.Itoa(random.IntN(1000) - 500)
	case 4, 5:
		f := math.Float64frombits(random.Uint64())
		if math.IsNaN(f) || math.IsInf(f, 0) {
			f = 0.5
		}
		text, _ := json.Marshal(f)
		return string(text)
	case 6:
		return `"` + names[random.IntN(len(names))] + strings.Repeat("x", random.IntN(3)) + `"`
	}
	var parts []string
	isList := random.IntN(2) == 0
	for _, i := range random.Perm(len(names))[:random.IntN(5)] {
		part := anyJSON(random, depth-1)
		if !isList {
			part = `"` + names[i] + `":` + part
		}
		parts = append(parts, part)
	}
	if isList {
		return "[" + strings.Join(parts, ",") + "]"
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// sameJSON reports whether two texts are the same value: integers with all their digits, fractions as numbers of 64
// bits, and the members of objects in any order. A lone surrogate counts as its escape.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	return normal(t, a) == normal(t, b)
}

func normal(t *testing.T, text []byte) string {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(bytes.ReplaceAll(text, []byte(`\ud800`), []byte("lone"))))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	plain, err := json.Marshal(normalized(value))
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func normalized(value any) any {
	switch v := value.(type) {
	case json.Number:
		text := string(v)
		f, err := v.Float64()
		switch {
		case f == 0 && strings.HasPrefix(text, "-"):
			return "negative zero"
		case !strings.ContainsAny(text, ".eE"), err != nil:
			i, _ := new(big.Int).SetString(text, 10)
			if f, exact := new(big.Float).SetInt(i).Float64(); exact == big.Exact {
				return f // A language may write a large float with all its digits.
			}
			return i
		}
		return f
	case []any:
		for i := range v {
			v[i] = normalized(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = normalized(v[name])
		}
	}
	return value
}
