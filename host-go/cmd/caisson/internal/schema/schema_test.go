package schema

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestSignature(t *testing.T) {
	for schema, want := range map[string]string{
		``:                  "no arguments",
		`null`:              "no arguments",
		`{"type":"object"}`: "no arguments",
		`{"properties":{"b":{"type":"string"},"a":{"type":"number"}},"required":["a"]}`:                   "b?: string, a: number",
		`{"properties":{"a":{"type":["string","null"]},"b":{"type":"array","items":{"type":"integer"}}}}`: "a?: string|null, b?: integer[]",
		`{"properties":{"a":{"type":"string","enum":["x","y"]},"b":{"const":3}}}`:                         `a?: "x"|"y", b?: 3`,
		`{"properties":{"a":{"enum":[1,2,3,4,5,6,7,8]}}}`:                                                 `a?: 1|2|3|4|5|6|…`,
		`{"properties":{"a":{"anyOf":[{"type":"string"},{"type":"null"},{"type":"string"}]}}}`:            "a?: string|null",
		`{"properties":{"a":{"type":"array","items":{"oneOf":[{"type":"string"},{"type":"number"}]}}}}`:   "a?: (string|number)[]",
		`{"properties":{"a":{"type":"array"},"b":{},"c":true,"d":{"type":"object"}}}`:                     "a?: any[], b?: any, c?: any, d?: object",
		`{"properties":{"a":{"$ref":"#/$defs/x~1y"}},"$defs":{"x/y":{"type":"boolean"}}}`:                 "a?: boolean",
		`{"properties":{"a":{"$ref":"https://example.com/"},"b":{"$ref":"#/none"},"c":{"$ref":7}}}`:       "a?: any, b?: any, c?: any",
		`{"properties":{"a":{"$ref":"#/properties/a"}}}`:                                                  "a?: any",
		`{"properties":[1],"required":7}`:                                                                 "no arguments",
		`{"properties":{"a":{"type":7},"b":{"type":[7]},"c":{"anyOf":7,"enum":[]}},"required":[7]}`:       "a?: any, b?: any, c?: any",
	} {
		if got := Parse(json.RawMessage(schema)).Signature(); got != want {
			t.Errorf("%s\nis %s\nwant %s", schema, got, want)
		}
	}
}

func TestParseWord(t *testing.T) {
	const refused = "refused"
	for _, test := range []struct{ schema, word, want string }{
		{`{"type":"string"}`, "5", `"5"`},
		{`{"type":"string"}`, "null", `"null"`},
		{`{"type":"string"}`, `"quoted"`, `"\"quoted\""`},
		{`{"type":"string"}`, "<a&b> \u2028", `"<a&b> \u2028"`},
		{`{"type":"string"}`, "", `""`},
		{`{"type":"integer"}`, "5", `5`},
		{`{"type":"integer"}`, "-0", `-0`},
		{`{"type":"integer"}`, "9007199254740993", `9007199254740993`},
		{`{"type":"integer"}`, "123456789012345678901234567890", `123456789012345678901234567890`},
		{`{"type":"integer"}`, "1e3", `1e3`},
		{`{"type":"integer"}`, "5.5", refused},
		{`{"type":"integer"}`, "five", refused},
		{`{"type":"integer"}`, "", refused},
		{`{"type":"integer"}`, `"5"`, refused},
		{`{"type":"number"}`, "5.50", `5.50`},
		{`{"type":"number"}`, "NaN", refused},
		{`{"type":"number"}`, "1e999", refused},
		{`{"type":"boolean"}`, "true", `true`},
		{`{"type":"boolean"}`, "yes", refused},
		{`{"type":"null"}`, "null", `null`},
		{`{"type":"array"}`, `[1,"a"]`, `[1,"a"]`},
		{`{"type":"array"}`, `1`, refused},
		{`{"type":"object"}`, `{"a":1}`, `{"a":1}`},
		{`{"type":"object"}`, `{"a":`, refused},
		{`{"type":["string","null"]}`, "null", `null`},
		{`{"type":["string","null"]}`, "nil", `"nil"`},
		{`{"enum":["1",2]}`, "1", `"1"`},
		{`{"enum":["1",2]}`, "2", `2`},
		{`{"enum":["1",2]}`, "3", refused},
		{`{"type":"string","enum":["on","off"]}`, "on", `"on"`},
		{`{"const":true}`, "true", `true`},
		{`{"anyOf":[{"type":"string"},{"type":"number"}]}`, "5", `5`},
		{`{"anyOf":[{"type":"string"},{"type":"number"}]}`, "x", `"x"`},
		{`{"oneOf":[{"type":"boolean"},{"type":"array"}]}`, "x", refused},
		{`{"anyOf":[{"type":"integer"},{"type":"null"}]}`, "null", `null`},
		{`{"allOf":[{"type":"integer"},{"enum":[1]}]}`, "1", `1`},
		{`{"allOf":[{"type":"integer"},{"enum":[1]}]}`, "2", refused},
		{`{"$ref":"#/$defs/n"}`, "5", `5`},
		{`{"$ref":"#/$defs/n"}`, "x", refused},
		{`{"$ref":"https://example.com/n"}`, "5", `5`},
		{`{}`, "5", `5`},
		{`true`, "x", `"x"`},
		{`false`, "x", refused},
		{`{"not":{}}`, "x", `"x"`}, // This keyword is not checked: the server decides.
	} {
		s := Parse(json.RawMessage(`{"properties":{"a":` + test.schema + `},"$defs":{"n":{"type":"number"}}}`))
		sub, known := s.Property("a")
		if !known {
			t.Fatalf("%s: the argument is not known", test.schema)
		}
		got := refused
		if value, ok := s.ParseWord(sub, test.word); ok {
			got = string(value)
			if !json.Valid(value) {
				t.Errorf("%s: %q becomes %s, which is not JSON", test.schema, test.word, value)
			}
		}
		if got != test.want {
			t.Errorf("%s: %q becomes %s, want %s", test.schema, test.word, got, test.want)
		}
	}
}

func TestKnownArguments(t *testing.T) {
	for _, test := range []struct {
		schema string
		known  bool
	}{
		{`{"properties":{"b":{}}}`, false},
		{`{"properties":{"a":{}}}`, true},
		{`{"additionalProperties":false}`, false},
		{`{"additionalProperties":true}`, true},
		{`{"additionalProperties":{"type":"number"}}`, true},
		{``, false},
	} {
		if _, known := Parse(json.RawMessage(test.schema)).Property("a"); known != test.known {
			t.Errorf("%s: known is %v", test.schema, known)
		}
	}
}

// A schema comes from a server. Reading any schema must end soon.
func TestSchemaIsBounded(t *testing.T) {
	branch := strings.TrimSuffix(strings.Repeat(`{"$ref":"#/properties/a"},`, 1000), ",")
	hostile := fmt.Sprintf(`{"properties":{"a":{"anyOf":[%s],"oneOf":[%s],"allOf":[%s],"items":{"$ref":"#"}}}}`, branch, branch, branch)
	deep := `{"properties":{"a":` + strings.Repeat(`{"items":`, 5000) + `{}` + strings.Repeat(`}`, 5000) + `}}`
	for _, schema := range []string{hostile, deep} {
		s := Parse(json.RawMessage(schema))
		if got := s.Signature(); len(got) > 10*2000 {
			t.Errorf("the signature has %d bytes", len(got))
		}
		sub, _ := s.Property("a")
		if _, ok := Parse(json.RawMessage(schema)).ParseWord(sub, "x"); !ok {
			t.Error("what is too much to look at is not allowed")
		}
	}
}

func FuzzSchema(f *testing.F) {
	f.Add([]byte(`{"properties":{"a":{"type":["string","null"],"enum":[1]}},"required":["a"]}`), "1")
	f.Add([]byte(`{"properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"anyOf":[{"$ref":"#"}]}},"additionalProperties":{}}`), "null")
	f.Fuzz(func(t *testing.T, text []byte, word string) {
		s := Parse(text)
		_ = s.Signature()
		for _, name := range append(s.properties, "other") {
			if sub, known := s.Property(name); known {
				if value, ok := s.ParseWord(sub, word); ok && !json.Valid(value) {
					t.Errorf("%q becomes %s, which is not JSON", word, value)
				}
			}
		}
	})
}
