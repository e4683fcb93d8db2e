package form

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFieldParse(t *testing.T) {
	for _, test := range []struct {
		schema, line string
		want         any
		err          string
	}{
		{`{"type":"string","maxLength":2}`, "äö", "äö", ""},
		{`{"type":"string","maxLength":2}`, "abc", nil, "its length must be 2 or less"},
		{`{"type":"string","format":"uri"}`, "https://example.com/", "https://example.com/", ""},
		{`{"type":"string","format":"uri"}`, "example", nil, "it must be a URI, such as https://example.com/"},
		{`{"type":"string","format":"date"}`, "2026-02-28", "2026-02-28", ""},
		{`{"type":"string","format":"date"}`, "2026-02-30", nil, "it must be a date, such as 2026-07-28"},
		{`{"type":"string","format":"date-time"}`, "2026-02-28T10:00:00+02:00", "2026-02-28T10:00:00+02:00", ""},
		{`{"type":"string","format":"date-time"}`, "noon", nil, "it must be a date and time, such as 2026-07-28T12:00:00Z"},
		{`{"type":"string","format":"email"}`, "Ada <a@b.c>", nil, "it must be an email address"},
		{`{"type":"string","enum":["a","2","1"],"enumNames":["A"]}`, "A", "a", ""},
		{`{"type":"string","enum":["a","2","1"]}`, "2", "2", ""},
		{`{"type":"string","enum":["a","2","b"]}`, "3", "b", ""},
		{`{"type":"string","enum":["a"]}`, "0", nil, `"0" is not a choice: give a choice or its number`},
		{`{"type":"array","items":{"anyOf":[{"const":"r","title":"Red"},{"const":"g"}]},"minItems":2}`, "Red, 2,r", []string{"r", "g"}, ""},
		{`{"type":"array","items":{"enum":["r","g"]},"minItems":2}`, "r,1", nil, "how many there are must be 2 or more"},
		{`{"type":"number","maximum":1.5}`, "1.25", 1.25, ""},
		{`{"type":"number","maximum":1.5}`, "2", nil, "it must be 1.5 or less"},
		{`{"type":"number"}`, "inf", nil, "it must be a number"},
		{`{"type":"number"}`, "NaN", nil, "it must be a number"},
		{`{"type":"integer"}`, "9007199254740993", int64(9007199254740993), ""},
		{`{"type":"boolean"}`, "Y", true, ""},
		{`{"type":"object"}`, `{"a":[1]}`, map[string]any{"a": []any{1.0}}, ""},
		{`{"type":"object"}`, `{`, nil, "it must be JSON: unexpected end of JSON input"},
		{`{}`, "any", "any", ""},
	} {
		fields, err := Fields(map[string]any{"properties": map[string]any{"f": json.RawMessage(test.schema)}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := fields[0].Parse(test.line)
		message := ""
		if err != nil {
			message, got = err.Error(), nil
		}
		if diff := cmp.Diff([]any{test.want, test.err}, []any{got, message}); diff != "" {
			t.Errorf("%s with %q (-want +got):\n%s", test.schema, test.line, diff)
		}
	}
}

// A server may send anything as a form.
func TestOddForms(t *testing.T) {
	for _, schema := range []string{`null`, `{}`, `{"properties":{}}`} {
		if fields, err := Fields(json.RawMessage(schema)); err != nil || len(fields) != 0 {
			t.Errorf("%s gives %v, %v", schema, fields, err)
		}
	}
	for _, schema := range []string{`7`, `{"properties":[]}`, `{"properties":{"a":7}}`, `{"properties":{"a":{"enum":[1]}}}`} {
		if fields, err := Fields(json.RawMessage(schema)); err == nil {
			t.Errorf("%s gives %v", schema, fields)
		}
	}
}
