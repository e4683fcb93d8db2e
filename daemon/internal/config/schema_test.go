package config

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"

	"github.com/caisson-dev/caisson/daemon/internal/access"
)

// A node is a part of a schema, as far as the test looks.
type node struct {
	Description          string           `json:"description"`
	Type                 any              `json:"type"`
	Ref                  string           `json:"$ref"`
	Enum                 []string         `json:"enum"`
	Properties           map[string]*node `json:"properties"`
	AdditionalProperties json.RawMessage  `json:"additionalProperties"`
	Defs                 map[string]*node `json:"$defs"`
}

// TestSchemaHasEveryKey holds the schema and the Go types against each other: the keys, and what sort of value they have.
func TestSchemaHasEveryKey(t *testing.T) {
	var whole node
	if err := json.Unmarshal(schema, &whole); err != nil {
		t.Fatal(err)
	}
	compare(t, "", reflect.TypeFor[File](), &whole)
	var scopes []string
	for _, scope := range access.Scopes {
		scopes = append(scopes, string(scope))
	}
	if !slices.Equal(whole.Defs["scope"].Enum, scopes) {
		t.Errorf("$defs.scope has %v, and there are %v", whole.Defs["scope"].Enum, scopes)
	}
}

func compare(t *testing.T, at string, of reflect.Type, n *node) {
	t.Helper()
	keys := map[string]reflect.Type{}
	for i := range of.NumField() {
		if key := of.Field(i).Tag.Get("yaml"); key != "-" {
			keys[key] = of.Field(i).Type
		}
	}
	for key := range n.Properties {
		if keys[key] == nil {
			t.Errorf("caisson.schema.json has %s, and the Go type %s has not", at+key, of.Name())
		}
	}
	if string(n.AdditionalProperties) != "false" {
		t.Errorf("caisson.schema.json takes unknown keys in %q", at)
	}
	for key, is := range keys {
		property := n.Properties[key]
		if property == nil {
			t.Errorf("caisson.schema.json does not have %s, which the Go type %s has", at+key, of.Name())
			continue
		}
		if property.Description == "" {
			t.Errorf("%s has no description", at+key)
		}
		if is.Kind() == reflect.Pointer {
			is = is.Elem()
		}
		if is.Kind() == reflect.Map && is.Elem().Kind() == reflect.Struct {
			each := &node{}
			if err := json.Unmarshal(property.AdditionalProperties, each); err != nil {
				t.Errorf("%s does not say what its entries have: %v", at+key, err)
			}
			compare(t, at+key+".NAME.", is.Elem(), each)
			continue
		}
		if is.Kind() == reflect.Struct && is != reflect.TypeFor[yaml.Node]() && !readsItself(is) {
			compare(t, at+key+".", is, property)
			continue
		}
		if want := sort(is); want != "" && property.Type != want && property.Ref != want {
			t.Errorf("%s is %v%s in caisson.schema.json, and %s in Go", at+key, property.Type, property.Ref, want)
		}
	}
}

// readsItself says whether a type has a form of its own in YAML.
func readsItself(of reflect.Type) bool {
	return reflect.PointerTo(of).Implements(reflect.TypeFor[yaml.Unmarshaler]())
}

// sort is how the schema describes a Go type; "" for one that describes itself.
func sort(of reflect.Type) string {
	switch {
	case of == reflect.TypeFor[Words]():
		return "#/$defs/words"
	case of == reflect.TypeFor[Duration]():
		return "#/$defs/duration"
	case readsItself(of):
		return ""
	case of.Kind() == reflect.String:
		return "string"
	case of.Kind() == reflect.Bool:
		return "boolean"
	case of.ConvertibleTo(reflect.TypeFor[int]()):
		return "#/$defs/count"
	}
	return "object"
}

// TestSchema shows that an editor with the schema takes what the daemon takes, and marks what it refuses.
func TestSchema(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var parsed jsonschema.Schema
	if err := json.Unmarshal(text, &parsed); err != nil {
		t.Fatal(err)
	}
	whole, err := parsed.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := (&jsonschema.Schema{Ref: policyID, Defs: parsed.Defs}).Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, good := range map[string]bool{
		"{}": true,
		"listen: [127.0.0.1:0, 'unix:/run/caisson.sock']\nmetrics: 127.0.0.1:9\npolicy: p.yaml\ndrainTimeout: 1m30s":                                                         true,
		"mcpServers: {a: {command: x, args: [y], own: 1}, b: {url: 'https://x', headers: {A: b}, oauth: false}}":                                                             true,
		"access: {tokens: t, origins: 'https://a.example', scopes: {alice: caisson:admin, '*': [caisson:mcp]}, unixMode: '0660', tls: {certificate: c, key: k}}":             true,
		"sessions: {max: 5, idle: 1h}\nscripts: {modules: m, tools: {own: t}, limits: {computing: 2s, memoryBytes: 9, fuel: 1000000000}}":                                    true,
		"mcpServers: {a: {command: x}}\npools: {a: {instances: cores, warm: true}, all: {servers: [a], balance: order, warm: [alice]}}\nhealth: {interval: 5s, failures: 3}": true,
		"pools: {a: {instances: 0}}":        false,
		"pools: {a: {balance: random}}":     false,
		"lissten: x":                        false,
		"listen: {a: b}":                    false,
		"mcpServers: {a: {}}":               false,
		"mcpServers: {a: {command: [x]}}":   false,
		"mcpServers: {}\nservers: x.json":   false,
		"access: {scopes: {alice: [all]}}":  false,
		"access: {tls: {certificate: x}}":   false,
		"sessions: {idle: soon}":            false,
		"isolation: process\nmaxWorkers: 4": true,
		"isolation: none":                   false,
		"sessions: {max: -1}":               false,
		"scripts: {limits: {memory: 1000}}": false,
	} {
		value := read(t, text)
		if err := whole.Validate(value); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
		_, err := Parse(filepath.Join(t.TempDir(), "caisson.yaml"), []byte(text))
		if good && err != nil {
			t.Errorf("the schema takes what the daemon does not: %v", err)
		}
	}
	for text, good := range map[string]bool{"version: 1\nservers: {files: {tools: [{name: read}]}}": true, "version: 1\nservers: {files: {tols: []}}": false} {
		if err := policy.Validate(read(t, text)); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func read(t *testing.T, text string) any {
	t.Helper()
	var value map[string]any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(asJSON, &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

// TestDocumented shows that docs/daemon.md has every key.
func TestDocumented(t *testing.T) {
	document, err := os.ReadFile("../../../docs/daemon.md")
	if err != nil {
		t.Fatal(err)
	}
	var whole node
	if err := json.Unmarshal(schema, &whole); err != nil {
		t.Fatal(err)
	}
	var visit func(at string, n *node)
	visit = func(at string, n *node) {
		for _, key := range slices.Sorted(maps.Keys(n.Properties)) {
			if property := n.Properties[key]; len(property.Properties) > 0 && at+key != "scripts.limits" && at+key != "access.tls" {
				visit(at+key+".", property)
			} else if !strings.Contains(string(document), "`"+at+key+"`") && !strings.Contains(string(document), ", `"+key+"`") {
				t.Errorf("docs/daemon.md does not have %s", at+key)
			}
		}
	}
	visit("", &whole)
}
