package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/caisson-dev/caisson/daemon/internal/access"
)

func toolNames(t *testing.T, result []byte) []string {
	t.Helper()
	var page struct{ Tools []struct{ Name string } }
	if err := json.Unmarshal(result, &page); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range page.Tools {
		names = append(names, tool.Name)
	}
	return names
}

// An operation is a path of the document.
type operation struct {
	Post struct {
		RequestBody struct{ Content content }
		Responses   map[string]struct{ Content content }
	}
}

type content map[string]struct{ Schema *jsonschema.Schema }

func (c content) check(t *testing.T, what string, text []byte) {
	t.Helper()
	resolved, err := c["application/json"].Schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%s: %s: %v", what, text, err)
	}
	if err := resolved.Validate(value); err != nil {
		t.Errorf("%s is not what the document says: %s: %v", what, text, err)
	}
}

// TestPlain calls each plain path as curl does, and checks all bodies against the document that is served.
func TestPlain(t *testing.T) {
	d := start(t, servers("up", newUpstream(t).url))
	r, err := http.Get(d.url + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var document struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]operation
	}
	if err := json.NewDecoder(r.Body).Decode(&document); err != nil || document.OpenAPI != "3.1.0" {
		t.Fatalf("%v, %v", document, err)
	}
	// overHTTP1 is a client whose requests are curl's.
	overHTTP1 := func(name string) *http.Client {
		return &http.Client{Transport: &access.WithToken{Token: d.token(name), Next: http.DefaultTransport}}
	}
	tried := map[string]bool{}
	alice := overHTTP1("alice")
	for _, test := range []struct {
		path, body string
		status     int
		want       string // a part of the answer
	}{
		{"/connect", `{"id":"s","server":"up"}`, 200, `"id":"s"`},
		{"/connect", `{"id":"s","server":"up"}`, 409, `already_exists`},
		{"/connect", `{"name":"x","command":"true"}`, 403, `caisson:inline-command`},
		{"/connect", `{"name":"x","url":"http://127.0.0.1:1"}`, 403, `caisson:inline-url`},
		{"/connect", `{}`, 400, `the server is missing`},
		{"/connect", `{"servr":"up"}`, 400, `servr`},
		{"/connect", `{"server":"none"}`, 400, `there is no server of this name`},
		{"/list-tools", `{"session":"s"}`, 200, `"name":"echo"`},
		{"/list-tools", `{"server":"up"}`, 200, `"name":"echo"`},
		{"/list-tools", `{}`, 400, `the target is missing`},
		{"/call-tool", `{"server":"up","name":"echo","arguments":{"text":"é"}}`, 200, `"text":"é"`},
		{"/call-tool", `{"server":"up","name":"fail"}`, 200, `"isError":true`},
		{"/call-tool", `{"server":"up","name":"echo","arguments":[]}`, 400, `not a JSON object`},
		{"/call-tool", `{"session":"gone","name":"echo"}`, 404, `not_found`},
		{"/call-tool", `nonsense`, 400, `openapi.json`},
		{"/list-resources", `{"server":"up"}`, 200, `"resources":[]`},
		{"/run-script", `{"source":"console.log('hi'); const r = await tools.up.echo({text: 'from a script'}); return [input, r]","input":7,"servers":["up"]}`, 200, `[7,"from a script"]`},
		{"/run-script", `{"source":"throw new Error('no')"}`, 200, `"kind":"runtime"`},
		{"/run-script", `{"source":"1","language":"cobol"}`, 400, `cobol`},
		{"/disconnect", `{"session":"s"}`, 200, `{}`},
		{"/disconnect", `{"session":"s"}`, 404, `not_found`},
	} {
		status, answer := d.post(alice, test.path, test.body)
		if status != test.status || !strings.Contains(answer, test.want) {
			t.Errorf("%s %s: %d %s", test.path, test.body, status, answer)
		}
		operation, ok := document.Paths[test.path]
		if !ok {
			t.Errorf("%s is not in the document", test.path)
			continue
		}
		if status == 200 {
			tried[test.path] = true
			operation.Post.RequestBody.Content.check(t, test.path+"'s body", []byte(test.body))
			operation.Post.Responses["200"].Content.check(t, test.path+"'s answer", []byte(answer))
		} else {
			operation.Post.Responses["default"].Content.check(t, test.path+"'s failure", []byte(answer))
		}
	}
	for path := range document.Paths {
		if !tried[path] {
			t.Errorf("%s is in the document, and not tried", path)
		}
	}
	if status, answer := d.post(overHTTP1("only-scripts"), "/call-tool", `{"server":"up","name":"echo"}`); status != 403 {
		t.Errorf("without the scope: %d %s", status, answer)
	}
	r, err = http.Post(d.url+"/call-tool", "text/plain", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != 401 {
		t.Errorf("without a token: %s", r.Status)
	}
}

// TestOneValue refuses a body that two readers could take for two requests.
func TestOneValue(t *testing.T) {
	d := start(t, "")
	for _, body := range []string{`{"server":"none"} {"server":"up"}`, `{"server":"none"}x`} {
		if status, text := d.post(client(d.token("alice")), "/list-tools", body); status != http.StatusBadRequest || !strings.Contains(text, "behind it") {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
}
