package caisson_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

type fields struct {
	A int `json:"a"`
}

type asText struct{ A int }

func (asText) MarshalText() ([]byte, error) { return []byte("text"), nil }

type asObject []int

func (asObject) MarshalJSON() ([]byte, error) { return []byte(`{"a":1}`), nil }

type refusing struct{}

func (refusing) MarshalJSON() ([]byte, error) { return nil, errors.New("it fails") }

// TestArgumentsOfAllKinds calls a tool with arguments of all kinds: what marshals to an object is sent as it is,
// what marshals to nothing as an empty one, and nothing else.
func TestArgumentsOfAllKinds(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var sent []string
	s := answeringSession(t, sharedRuntime(t), func(method string, params json.RawMessage) string {
		if method == "tools/call" {
			var p struct{ Arguments json.RawMessage }
			_ = json.Unmarshal(params, &p)
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, string(p.Arguments))
		}
		return `{"content":[]}`
	})
	last := func() (int, string) {
		mu.Lock()
		defer mu.Unlock()
		if len(sent) == 0 {
			return 0, ""
		}
		return len(sent), sent[len(sent)-1]
	}
	for _, test := range []struct {
		given any
		want  string // the text that is sent, or what the error says
		fails bool
	}{
		{nil, `{}`, false},
		{map[string]any(nil), `{}`, false},
		{map[string]int(nil), `{}`, false},
		{(*fields)(nil), `{}`, false},
		{json.RawMessage(nil), `{}`, false},
		{json.RawMessage("null"), `{}`, false},
		{map[string]any{"a": 1}, `{"a":1}`, false},
		{map[string]int{"a": 1}, `{"a":1}`, false},
		{fields{1}, `{"a":1}`, false},
		{&fields{1}, `{"a":1}`, false},
		{asObject{1}, `{"a":1}`, false},
		{json.RawMessage(" \n{\"a\":1}"), `{"a":1}`, false},
		{json.RawMessage(`[1]`), "a list", true},
		{json.RawMessage(`{"a":`), "unexpected end", true},
		{json.RawMessage(`x`), "invalid character", true},
		{[]int{1}, "[]int marshals to a list", true},
		{"x", "string marshals to a text", true},
		{5, "a number", true},
		{true, "a boolean", true},
		{asText{1}, "a text", true},
		{time.Time{}, "a text", true},
		{refusing{}, "it fails", true},
		{make(chan int), "unsupported type", true},
		{struct{ C chan int }{}, "unsupported type", true},
	} {
		before, _ := last()
		params := &mcp.CallToolParams{Name: "the tool", Arguments: test.given}
		_, err := s.CallTool(testContext(t), params)
		_, _, errAs := caisson.CallToolAs[any](testContext(t), s, params)
		after, text := last()
		if !test.fails {
			if err != nil || text != test.want {
				t.Errorf("%#v is sent as %s, %v; want %s", test.given, text, err, test.want)
			}
			continue
		}
		for _, err := range []error{err, errAs} {
			if caisson.CodeOf(err) != caisson.CodeInvalidArgument || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), `"the tool"`) {
				t.Errorf("%#v fails with %v", test.given, err)
			}
		}
		if after != before {
			t.Errorf("%#v is sent as %s", test.given, text)
		}
	}
}
