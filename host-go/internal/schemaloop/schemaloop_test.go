package schemaloop

import (
	"encoding/json"
	"testing"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"$ref":"#"}`: "",
		`{"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"anyOf":[true,{"$ref":"#/%24defs/a"}]}}}`: "/$defs/a",
		`{"properties":{"x":{"not":{"$ref":"#/properties/x"}}}}`:                                                          "/properties/x",
		`{"if":{"then":{"else":{"oneOf":[{"$ref":"#/if"}]}}}}`:                                                            "/if",
		`{"dependentSchemas":{"a/b":{"$ref":"#/dependentSchemas/a~1b"}}}`:                                                 "/dependentSchemas/a~1b",
		`{"$defs":{"":{"$ref":"#/$defs/"}}}`:                                                                              "/$defs/",
		`{"allOf":[{"$ref":"#/allOf/00"}]}`:                                                                               "/allOf/0",
		`{"$anchor":"a","$ref":"#a"}`:                                                                                     "",
		`{"$dynamicAnchor":"a","$dynamicRef":"#a"}`:                                                                       "",
		`{"$defs":{"x":{"$anchor":"a","anyOf":[{"$ref":"#b"}]},"y":{"$anchor":"b","$ref":"#a"}}}`:                         "/$defs/x",
		`{"$id":"http://x.example/s","$ref":"http://x.example/s"}`:                                                        "",
		`{"$defs":{"x":{"$id":"x","$ref":"x#"}}}`:                                                                         "/$defs/x",
		`{"$defs":{"x":{"$id":"x","not":{"$ref":"#/not"}}}}`:                                                              "/$defs/x/not",
	} {
		if at, found := Find(decoded(t, text)); !found || at != want {
			t.Errorf("%s: %q, %t", text, at, found)
		}
	}
	for _, text := range []string{
		`true`, `{}`, `{"$ref":"#/$defs/a","$defs":{"a":{}}}`,
		`{"properties":{"child":{"$ref":"#"}},"items":{"$ref":"#"},"additionalProperties":{"$ref":"#"},"contains":{"$ref":"#"}}`, // a tree
		`{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}],"$defs":{"a":{"anyOf":[{},{}]}}}`,
		`{"const":{"$ref":"#/const"},"enum":[{"$ref":"#/enum/0"}]}`,
		`{"$ref":"#/none"}`, `{"$ref":"#a"}`, `{"$ref":"#a","$defs":{"x":{"$anchor":"a"}}}`, `{"$id":"x","properties":{"a":{"$ref":"x"}}}`, `{"$ref":"x#"}`, `{"$ref":"#/%zz"}`, `{"$ref":1}`, `{"$ref":"#/allOf/7","allOf":[1]}`, `{"$ref":"#/type/x","type":"object"}`,
	} {
		if at, found := Find(decoded(t, text)); found {
			t.Errorf("%s: there is a loop at %q", text, at)
		}
	}
}

func decoded(t *testing.T, text string) (schema any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}
