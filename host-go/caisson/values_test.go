package caisson_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/without"
)

// values are JSON texts that must come through unchanged, as arguments and as results.
var values = map[string]string{
	"null":                `null`,
	"booleans":            `[true,false]`,
	"numbers":             `[0,-1,1.5,1e100,-2.5e-10,123456789012]`,
	"2^53":                `[9007199254740991,9007199254740992,-9007199254740991,-9007199254740992]`,
	"strings":             `["","a","\u0000\u0001\u001f\"\\/\b\f\n\r\t"]`,
	"beyond the BMP":      `["😀","𝒳","👩‍👩‍👧‍👦","\ud83d\ude00"]`,
	"lone surrogates":     `["\ud83d","\ude00\ud83d","a\udfffz"]`,
	"line separators":     "[\"\u2028\u2029\ufeff\"]",
	"empty and absent":    `{"empty":"","list":[],"object":{},"null":null}`,
	"keys":                `{"":1,"__proto__":2,"constructor":3,"toString":4,"é":5,"a b":6}`,
	"nested":              strings.Repeat(`{"a":[`, 100) + "1" + strings.Repeat(`]}`, 100),
	"a megabyte":          `"` + strings.Repeat("0123456789abcdef", 1<<16) + `"`,
	"a megabyte of é":     `"` + strings.Repeat("é", 1<<19) + `"`,
	"a megabyte of emoji": `"` + strings.Repeat("😀", 1<<18) + `"`,
	"a long list":         `[` + strings.TrimSuffix(strings.Repeat("1,", 20000), ",") + `]`,
}

// TestArguments sends each value as an argument to a server that sends it back.
func TestArguments(t *testing.T) {
	t.Parallel()
	s := connect(t, sharedRuntime(t), childServer(t, "echo"))
	for name, value := range values {
		t.Run(name, func(t *testing.T) {
			raw, err := s.Request(testContext(t), "tools/call", map[string]any{
				"name": "any", "arguments": json.RawMessage(`{"value":` + value + `}`),
			})
			if err != nil {
				t.Fatal(err)
			}
			var result struct {
				StructuredContent struct{ Value json.RawMessage }
			}
			if err := json.Unmarshal(raw, &result); err != nil {
				t.Fatal(err)
			}
			sameJSON(t, string(result.StructuredContent.Value), value)
		})
	}
}

// TestManyValues sends a million objects there and back: far more than what the core's engine would
// hold by itself, and less than its memory does.
func TestManyValues(t *testing.T) {
	if without.FastPath || without.Validators || without.Collector {
		t.Skip("it would take minutes")
	}
	t.Parallel()
	s := connect(t, sharedRuntime(t), childServer(t, "echo"))
	value := `[` + strings.TrimSuffix(strings.Repeat(`{"x":1},`, 1<<20), ",") + `]`
	raw, err := s.Request(testContext(t), "tools/call", map[string]any{
		"name": "any", "arguments": json.RawMessage(`{"value":` + value + `}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), value) {
		t.Errorf("%d bytes came back, without the %d that were sent", len(raw), len(value))
	}
}

// TestResults has a server send results, known and unknown fields at every depth, and finds them
// untouched.
func TestResults(t *testing.T) {
	t.Parallel()
	s := connect(t, sharedRuntime(t), childServer(t, "verbatim"))
	results := map[string]string{
		"unknown fields": `{"content":[{"type":"text","text":"x","new":1,"annotations":{"priority":0.5,"new":[2]},"_meta":{"a/b":3}}],"new":{"deep":{"er":null}},"_meta":{"k":[4]}}`,
		"no content":     `{"content":[]}`,
		"is error":       `{"content":[{"type":"text","text":"no"}],"isError":true,"new":1}`,
		"key order":      `{"zebra":1,"content":[],"apple":2,"_meta":{"z":1,"a":2}}`,
	}
	for name, value := range values {
		results[name] = `{"content":[],"structuredContent":{"value":` + value + `}}`
	}
	for name, want := range results {
		t.Run(name, func(t *testing.T) {
			raw, err := s.Request(testContext(t), "tools/call", &mcp.CallToolParams{Name: "any", Arguments: map[string]any{"result": want}})
			if name == "lone surrogates" || name == "beyond the BMP" {
				// Go's encoder cannot carry an escape inside a string through: send it as it stands.
				raw, err = s.Request(testContext(t), "tools/call", json.RawMessage(fmt.Sprintf(`{"name":"any","arguments":{"result":%s}}`, quote(want))))
			}
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, string(raw), want)
		})
	}
}

// quote makes a JSON string of ASCII text without changing what is in it.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// sameJSON compares two texts, escapes and number forms aside: the order of keys counts.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	if canonical(t, got) != canonical(t, want) {
		t.Errorf("it is\n%.500s\nwant\n%.500s", got, want)
	}
}

// canonical rewrites a JSON text token by token, so that a surrogate without its other half, which
// Go's strings cannot hold, is kept as the escape it is.
func canonical(t *testing.T, text string) string {
	t.Helper()
	// An escape of a lone surrogate becomes a marker before Go sees it.
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		if text[i+1] != 'u' {
			b.WriteString(text[i : i+2])
			i++
			continue
		}
		var high, low rune
		_, _ = fmt.Sscanf(text[i+2:i+6], "%04x", &high)
		if high >= 0xd800 && high < 0xdc00 && i+12 <= len(text) && text[i+6:i+8] == `\u` {
			_, _ = fmt.Sscanf(text[i+8:i+12], "%04x", &low)
		}
		switch {
		case low >= 0xdc00 && low < 0xe000:
			b.WriteString(text[i : i+12])
			i += 11
		case high >= 0xd800 && high < 0xe000:
			fmt.Fprintf(&b, "<lone %04x>", high)
			i += 5
		default:
			b.WriteString(text[i : i+6])
			i += 5
		}
	}
	decoder := json.NewDecoder(strings.NewReader(b.String()))
	var out strings.Builder
	for {
		token, err := decoder.Token()
		if err != nil {
			if b.Len() > 0 && out.Len() == 0 {
				t.Fatalf("not JSON: %v: %.200s", err, text)
			}
			return out.String()
		}
		fmt.Fprintf(&out, "%T %v\n", token, token)
	}
}

// TestRequest sends methods that the Go SDK's types do not know.
func TestRequest(t *testing.T) {
	t.Parallel()
	s := connect(t, sharedRuntime(t), childServer(t, "silent"))
	raw, err := s.Request(testContext(t), "ping", nil)
	if err != nil || string(raw) != "{}" {
		t.Errorf("ping gives %s, %v", raw, err)
	}
	for name, params := range map[string]any{"a list": []int{1}, "a string": "x", "a channel": make(chan int)} {
		if _, err := s.Request(testContext(t), "ping", params); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
			t.Errorf("%s as params gives %v, want invalid argument", name, err)
		}
	}
}
