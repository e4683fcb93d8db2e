package policyfile_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
)

// TestLoad reads a file that has every key.
func TestLoad(t *testing.T) {
	p, err := policyfile.Load("testdata/whole.policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	zero := policy.Duration(0)
	minute, hour := policy.Duration(time.Minute), policy.Duration(time.Hour)
	want := &policy.Rules{
		Version: 1, People: []policy.Person{{Principal: "alice", Clients: []string{"editor", "desk *"}}},
		Pins:  &policy.Pins{Mode: policy.PinsEnforce, MaxAge: &zero},
		Audit: &policy.Audit{File: filepath.Join("testdata", "audit.jsonl"), Content: policy.ContentArguments, MaxBytes: 1 << 20, Files: 3, Redact: []string{"password", "/user/*/token"}},
		Servers: []policy.Source{
			{
				Name: "files", Commands: []string{"/usr/bin/files"}, Environment: []string{"FILES_ROOT"}, Asks: []policy.Asking{policy.AskRoots},
				Limits: policy.Limits{Rate: &policy.Rate{MaxTokens: 100, RefillPeriod: minute}, Concurrency: 4},
				Tools: []policy.Rule{
					{Name: []string{"read_file"}},
					{
						Name:      []string{"write_file", "append_file"},
						Arguments: json.RawMessage(`{"properties":{"path":{"type":"string","pattern":"^/work/[a-z]+$"}},"required":["path"]}`),
						Ask:       &policy.Ask{Who: "alice", Text: "May it write?", Lasts: "8h", Covers: policy.CoversTool, Within: policy.Duration(5 * time.Minute)},
						Limits:    policy.Limits{Rate: &policy.Rate{MaxTokens: 2, RefillPeriod: hour}, MaxArgumentBytes: 65536, MaxResultBytes: 65536},
						Redact:    &policy.Redact{Arguments: []string{"/content"}, Result: []string{"/content/*/text"}},
					},
					{Name: []string{"delete_*"}, Deny: true},
				},
				Resources: []policy.Rule{{Name: []string{"file:///work/**"}}},
				Prompts:   []policy.Rule{{Name: []string{"summary"}}},
				Methods:   []policy.Rule{{Name: []string{"tasks/*"}}},
			},
			{
				Name: "web *", ReadOnly: true, Principals: []string{"alice"}, Callers: []policy.Caller{policy.CallerProgram, policy.CallerCommandLine},
				Origins: []string{"https://api.example.com", "http://localhost:8080"},
				Limits:  policy.Limits{MaxArgumentBytes: 100, MaxResultBytes: 100},
				Tools:   []policy.Rule{{Name: []string{"**"}, ReadOnly: true, Principals: []string{"a*"}, Callers: []policy.Caller{policy.CallerScript}, Limits: policy.Limits{Concurrency: 1}}},
			},
		},
		Plugins: []policy.Source{{Name: "sum", Tools: []policy.Rule{{Name: []string{"add"}}}, Folders: []policy.Folder{{Path: "/data", Access: policy.AccessRead}}, Secrets: map[string]string{"API_KEY": "${keyring:caisson/sum}", "TOKEN": "${file:/run/secrets/sum}"}}},
		Scripts: []policy.Source{{Name: "report", Tools: []policy.Rule{{Name: []string{"*"}}}}},
	}
	if diff := cmp.Diff(want, p.Rules()); diff != "" {
		t.Error(diff)
	}
	// The same in JSON is the same policy.
	text, err := os.ReadFile("testdata/whole.policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := policyfile.ToJSON("a.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := policyfile.Parse(filepath.Join("testdata", "p.json"), asJSON)
	if err != nil {
		t.Fatal(err)
	}
	again.Rules().Audit.File = p.Rules().Audit.File
	if diff := cmp.Diff(p.Rules(), again.Rules()); diff != "" {
		t.Error(diff)
	}
}

// wrong are files that are wrong, and what their errors say. Those that only the rules know of are marked.
var wrong = []struct {
	text, want string
	schema     bool // the schema takes it
}{
	{text: "", want: "p.yaml: the file is empty"},
	{text: "# nothing\n", want: "p.yaml: the file is empty"},
	{text: "version: 2\n", want: "p.yaml:1: version: the version must be 1, and is 2"},
	{text: "servers: {}\n", want: "version: the version must be 1, and is 0"},
	{text: "version: 1\nserver: {}\n", want: "p.yaml:2: server: the key is not known: is it servers?"},
	{text: "version: 1\nservers:\n  files:\n    tool: [a]\n", want: "p.yaml:4: servers.files.tool: the key is not known: is it tools?"},
	{text: "version: 1\nservers:\n  files:\n    tools:\n    - name: a\n      argument: {}\n", want: "p.yaml:6: servers.files.tools[0].argument: the key is not known: is it arguments?"},
	{text: "version: 1\nservers:\n  files:\n    Tools: [a]\n", want: "p.yaml:4: servers.files.Tools: the key is not known: is it tools?"},
	{text: "version: 1\nservers:\n  files: {}\n  files: {}\n", want: "p.yaml:4: servers.files: the key is there twice: first in line 3", schema: true},
	{text: "version: 1\nservers:\n  files:\n", want: "p.yaml:3: servers.files: it is empty, and must be an object"},
	{text: "version: 1\nservers: [files]\n", want: "p.yaml:2: servers: it is a list, and must be an object"},
	{text: "version: 1\nservers:\n  no: {tools: [a]}\n  1: {}\n", want: "p.yaml:4: servers: a key is the number 1, and must be a text: write it in quotes", schema: true},
	{text: "version: 1\nservers:\n  files:\n    tools: read_file\n", want: "p.yaml:4: servers.files.tools: it is a text, and must be a list"},
	{text: "version: 1\nservers:\n  files:\n    tools: [true]\n", want: "p.yaml:4: servers.files.tools[0]: it is the truth value true, and must be a name or a rule: write it in quotes"},
	{text: "version: 1\nservers:\n  files:\n    tools: [{deny: true}]\n", want: "servers.files.tools[0].name: it is missing"},
	{text: "version: 1\nservers:\n  files:\n    tools: [{name: a, deny: yes}]\n", want: "servers.files.tools[0].deny: it is a text, and must be true or false"},
	{text: "version: 1\nservers:\n  files:\n    tools: ['a***']\n", want: "servers.files.tools[0].name[0]: a pattern has three * in a row", schema: true},
	{text: "version: 1\nservers:\n  files:\n    tools: ['']\n", want: "servers.files.tools[0].name[0]: a name is empty"},
	{text: "version: 1\nservers:\n  files:\n    asks: [sample]\n", want: `p.yaml:4: servers.files.asks[0]: "sample" is not one of sampling, elicitation, roots`},
	{text: "version: 1\nservers:\n  files:\n    callers: [scripts]\n", want: "is it script?"},
	{text: "version: 1\nservers:\n  files:\n    resources: [{name: a, arguments: {}}]\n", want: "p.yaml:4: servers.files.resources[0].arguments: a resource has no arguments", schema: true},
	{text: "version: 1\nservers:\n  files:\n    prompts: [{name: a, readOnly: true}]\n", want: "readOnly: only tools are annotated", schema: true},
	{text: "version: 1\nservers:\n  files:\n    tools: [{name: a, deny: true, ask: {}}]\n", want: "a rule that denies has no arguments", schema: true},
	{text: "version: 1\nservers:\n  files:\n    rate: {maxTokens: 0, refillPeriod: 1m}\n", want: "servers.files.rate.maxTokens: it must be more than 0"},
	{text: "version: 1\nservers:\n  files:\n    rate: {maxTokens: 1}\n", want: "servers.files.rate.refillPeriod: it must be more than 0"},
	{text: "version: 1\nservers:\n  files:\n    rate: {maxTokens: 1, refillPeriod: 1 minute}\n", want: "it is no duration"},
	{text: "version: 1\nservers:\n  files:\n    rate: {maxTokens: 1.5, refillPeriod: 1m}\n", want: "it is the number 1.5, and must be a whole number"},
	{text: "version: 1\nservers:\n  files:\n    concurrency: -1\n", want: "concurrency: it must not be negative"},
	{text: "version: 1\nservers:\n  files:\n    origins: ['https://example.com/path']\n", want: "is no origin"},
	{text: "version: 1\nservers:\n  files:\n    origins: ['https://Example.com']\n", want: "is no origin", schema: true},
	{text: "version: 1\nservers:\n  files:\n    environment: ['A=b']\n", want: "it is no name of a variable"},
	{text: "version: 1\nservers:\n  files:\n    folders: [{path: /a}]\n", want: "folders[0].access: it is missing"},
	{text: "version: 1\nservers:\n  files:\n    ports: [443, 0]\n", want: "p.yaml:4: servers.files.ports[1]: it must be 1 to 65535, and is 0"},
	{text: "version: 1\nservers:\n  files:\n    ports: [70000]\n", want: "ports[0]: it must be 1 to 65535, and is 70000"},
	{text: "version: 1\nplugins:\n  sum:\n    ports: [443]\n", want: "plugins.sum.ports: only a server's command is confined to ports"},
	{text: "version: 1\nplugins:\n  sum:\n    stateless: true\n", want: "p.yaml:4: plugins.sum.stateless: only a server has sessions"},
	{text: "version: 1\nplugins:\n  sum:\n    resources: ['a:b']\n", want: "p.yaml:4: plugins.sum.resources: only a server has it"},
	{text: "version: 1\nplugins:\n  sum:\n    prompts: [a]\n", want: "p.yaml:4: plugins.sum.prompts: only a server has it"},
	{text: "version: 1\nplugins:\n  sum:\n    methods: [a]\n", want: "p.yaml:4: plugins.sum.methods: only a server has it"},
	{text: "version: 1\nplugins:\n  sum:\n    asks: []\n", want: "p.yaml:4: plugins.sum.asks: only a server asks"},
	{text: "version: 1\nplugins:\n  sum:\n    commands: [a]\n", want: "p.yaml:4: plugins.sum.commands: only a server is a command"},
	{text: "version: 1\nscripts:\n  sum:\n    ports: []\n", want: "p.yaml:4: scripts.sum.ports: only a server's command"},
	{text: "version: 1\nscripts:\n  sum:\n    resources: []\n", want: "p.yaml:4: scripts.sum.resources: only a server has it"},
	{text: "version: 1\nscripts:\n  sum:\n    tools: ['*']\n    folders: []\n", want: "p.yaml:5: scripts.sum.folders: a script reaches nothing but tools"},
	{text: "version: 1\nscripts:\n  sum:\n    origins: ['https://example.com']\n", want: "p.yaml:4: scripts.sum.origins: a script reaches nothing but tools"},
	{text: "version: 1\nscripts:\n  sum:\n    environment: []\n", want: "p.yaml:4: scripts.sum.environment: a script reaches nothing but tools"},
	{text: "version: 1\nscripts:\n  sum:\n    secrets: {A: '${env:A}'}\n", want: "p.yaml:4: scripts.sum.secrets: secrets are for plugins"},
	{text: "version: 1\nservers:\n  files:\n    tools: [{name: a, ask: {who: 'a***'}}]\n", want: "p.yaml:4: servers.files.tools[0].ask.who: a pattern has three * in a row", schema: true},
	{text: "version: 1\nservers:\n  files:\n    tools: [{name: a, ask: {lasts: forever}}]\n", want: `ask.lasts: "forever" is not one of once, session, or a duration`},
	{text: "version: 1\nservers:\n  files:\n    tools: [{name: a, ask: {covers: tool}}]\n", want: "ask.covers: a yes for one call is for its arguments", schema: true},
	{text: "version: 1\nservers:\n  files:\n    tools: [{name: a, redact: {arguments: ['a/b']}}]\n", want: "redact.arguments[0]: a pointer begins with /"},
	{text: "version: 1\npeople: [alice]\n", want: "p.yaml:2: people[0]: it is a text, and must be an object"},
	{text: "version: 1\npeople: [{principal: alice}]\n", want: "p.yaml:2: people[0].clients: it is missing"},
	{text: "version: 1\npeople: [{clients: [editor]}]\n", want: "p.yaml:2: people[0].principal: it is missing"},
	{text: "version: 1\npeople: [{principal: alice, clients: ['']}]\n", want: "people[0].clients[0]: a name is empty"},
	{text: "version: 1\nplugins:\n  p:\n    secrets: {A: hunter2}\n", want: "p.yaml:4: plugins.p.secrets.A: it must be one reference"},
	{text: "version: 1\nplugins:\n  p:\n    secrets: {A: 'x${env:A}'}\n", want: "plugins.p.secrets.A: it must be one reference"},
	{text: "version: 1\nplugins:\n  p:\n    secrets: {A: '${exec:A}'}\n", want: "plugins.p.secrets.A: it must be one reference"},
	{text: "version: 1\nplugins:\n  p:\n    secrets: {A: 1}\n", want: "plugins.p.secrets.A: it is the number 1, and must be a text"},
	{text: "version: 1\nplugins:\n  p:\n    secrets: [A]\n", want: "plugins.p.secrets: it is a list, and must be an object of texts"},
	{text: "version: 1\nplugins:\n  p:\n    secrets: {A=: '${env:A}'}\n", want: "it is no name of a variable"},
	{text: "version: 1\nplugins:\n  p:\n    environment: [A]\n    secrets: {A: '${env:A}'}\n", want: "environment has the name too", schema: true},
	{text: "version: 1\nservers:\n  p:\n    secrets: {A: '${env:A}'}\n", want: "p.yaml:4: servers.p.secrets: secrets are for plugins"},
	{text: "version: 1\npins: {}\n", want: "p.yaml:2: pins.mode: it is missing"},
	{text: "version: 1\npins: {mode: on}\n", want: `pins.mode: "on" is not one of off, warn, enforce`},
	{text: "version: 1\naudit: {}\n", want: "audit.file: it is missing"},
	{text: "version: 1\naudit: {file: a, maxBytes: 5}\n", want: "audit.maxBytes: it must be 4096 or more", schema: true},
	{text: "version: 1\nservers: &a {}\nplugins: *a\n", want: "no anchors", schema: true},
	{text: "version: !!int 1\n", want: "no tags", schema: true},
	{text: "version: 1\n---\nversion: 1\n", want: "a second document", schema: true},
	{text: "version: 1\n  bad: [\n", want: "p.yaml: line"},
	{text: "version: 1\n---\nservers: [\n", want: "p.yaml: line", schema: true},
	// Schemas of arguments.
	{text: schemaFile("properties: {path: {patern: a}}"), want: `p.yaml:7: servers.files.tools[0].arguments.properties.path.patern: the keyword "patern" is not known: is it "pattern"?`, schema: true},
	{text: schemaFile("propertys: {}"), want: `the keyword "propertys" is not known: is it "properties"?`, schema: true},
	{text: schemaFile("properties: {mail: {format: email}}"), want: `the keyword "format" checks nothing in JSON Schema: write a pattern`, schema: true},
	{text: schemaFile("properties: {path: {pattern: '('}}"), want: "the schema cannot be used", schema: true},
	{text: schemaFile("allOf: {a: b}"), want: "it is no list of schemas", schema: true},
	{text: schemaFile("properties: [a]"), want: "it is no object of schemas", schema: true},
	{text: schemaFile("properties: {path: 5}"), want: "it is no schema", schema: true},
	{text: schemaFile("$ref: 'https://example.com/schema'"), want: "a reference stays in the schema", schema: true},
	{text: schemaFile("$ref: '#'"), want: `p.yaml:7: servers.files.tools[0].arguments: the schema at "#" refers to itself for the same value`, schema: true},
	{text: schemaFile("{properties: {a: {$ref: '#/$defs/b'}}, $defs: {b: {not: {$ref: '#/%24defs/b'}}}}"), want: `the schema at "#/$defs/b" refers to itself`, schema: true},
	{text: schemaFile("$schema: http://json-schema.org/draft-07/schema#"), want: "$schema\": schemas are those of JSON Schema 2020-12", schema: true},
	{text: schemaFile("type: sting"), want: "sting is not one of array, boolean", schema: true},
	{text: schemaFile("minimum: .inf"), want: "is not as JSON has it", schema: true},
}

func schemaFile(schema string) string {
	return "version: 1\nservers:\n  files:\n    tools:\n      - name: a\n        arguments:\n          " + schema + "\n"
}

// TestWrong finds that whatever is wrong is an error that names the file, the line and the key.
func TestWrong(t *testing.T) {
	for _, w := range wrong {
		p, err := policyfile.Parse("p.yaml", []byte(w.text))
		if p != nil || err == nil || !strings.Contains(err.Error(), w.want) {
			t.Errorf("%s\ngave %v\nand not %s", w.text, err, w.want)
			continue
		}
		var typed *policyfile.Error
		if !errors.As(err, &typed) || typed.File != "p.yaml" {
			t.Errorf("%s\ngave %T", w.text, err)
		}
	}
}

// TestSchema finds that the published schema takes and refuses the same files, as far as it can know.
func TestSchema(t *testing.T) {
	parsed := &jsonschema.Schema{}
	if err := json.Unmarshal(policyfile.Schema, parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := parsed.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	validate := func(text string) error {
		asJSON, err := policyfile.ToJSON("p.yaml", []byte(text))
		if err != nil {
			return err
		}
		var value any
		if err := json.Unmarshal(asJSON, &value); err != nil {
			return err
		}
		return schema.Validate(value)
	}
	whole, err := os.ReadFile("testdata/whole.policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(string(whole)); err != nil {
		t.Error(err)
	}
	for _, w := range wrong {
		if err := validate(w.text); !w.schema && err == nil {
			t.Errorf("the schema takes\n%s", w.text)
		}
	}
}

// TestJSON finds that JSON has lines too, and that its texts mean what JSON says.
func TestJSON(t *testing.T) {
	for text, want := range map[string]string{
		"{\n \"version\": 1,\n \"server\": {}\n}":                           "p.json:3: server: the key is not known: is it servers?",
		"{\n \"version\": 1,\n \"servers\": {\"a\": {},\n\"\\u0061\": {}}}": "p.json:4: servers.a: the key is there twice: first in line 3",
		"{\"version\": 1":     "p.json:1: the file is not valid JSON",
		"{\"version\": 1} 2":  "there is more after the end",
		"version: 1":          "the file is not valid JSON",
		"{\"version\": null}": "it is empty, and must be a whole number",
	} {
		if _, err := policyfile.Parse("p.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngave %v\nand not %s", text, err, want)
		}
	}
	p, err := policyfile.Parse("p.json", []byte("{\"version\":1,\"servers\":{\"\\ud83d\\ude00\\/\":{}}}"))
	if err != nil || p.Rules().Servers[0].Name != "😀/" {
		t.Errorf("%v", err)
	}
}

// TestSmallFileStaysSmall finds that aliases cannot make a small file large.
func TestSmallFileStaysSmall(t *testing.T) {
	text := "version: 1\na: &a [x]\n"
	for i := range 30 {
		text += fmt.Sprintf("%c: &%c [*%c, *%c, *%c]\n", 'b'+i%25, 'b'+i%25, 'a'+i%25, 'a'+i%25, 'a'+i%25)
	}
	if _, err := policyfile.Parse("p.yaml", []byte(text)); err == nil {
		t.Error("it was taken")
	}
}

func FuzzParse(f *testing.F) {
	whole, _ := os.ReadFile("testdata/whole.policy.yaml")
	f.Add(true, string(whole))
	f.Add(false, `{"version":1,"servers":{"a":{"tools":["b"]}}}`)
	for _, w := range wrong {
		f.Add(true, w.text)
	}
	f.Fuzz(func(t *testing.T, yaml bool, text string) {
		path := "p.json"
		if yaml {
			path = "p.yaml"
		}
		p, err := policyfile.Parse(path, []byte(text))
		if (p == nil) == (err == nil) {
			t.Fatalf("%v, %v", p, err)
		}
		if p != nil {
			p.Decide(&policy.Call{Server: "a", Kind: policy.Tool, Name: "b", Arguments: []byte(`{"a":1}`)})
		}
	})
}

// A relative path of a folder begins at the folder of the file.
func TestRelativeFolders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.yaml")
	if err := os.WriteFile(path, []byte("version: 1\nplugins: {a: {folders: [{path: data, access: read}]}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := policyfile.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Rules().Plugins[0].Folders[0].Path, filepath.Join(filepath.Dir(path), "data"); got != want {
		t.Errorf("the folder is %s, not %s", got, want)
	}
}
