package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/fieldname"
)

// methods are the ways to authorize by the type in a file, each with what it needs at least.
var methods = map[string]struct {
	method auth.Method
	least  map[string]any
}{
	"oauth":              {&auth.OAuth{}, map[string]any{"clientId": "c"}},
	"bearer":             {&auth.Bearer{}, map[string]any{"token": "t"}},
	"client-credentials": {&auth.ClientCredentials{}, map[string]any{"clientId": "c", "clientSecret": "x"}},
	"enterprise":         {&auth.EnterpriseManaged{}, map[string]any{"clientId": "c", "clientSecret": "x", "idToken": "t", "identityProvider": "https://i.example.com", "identityProviderClientId": "i"}},
	"workload":           {&auth.WorkloadIdentity{}, map[string]any{"assertion": "t"}},
}

// inProgram are the fields that a file cannot have.
var inProgram = map[string]bool{"Store": true, "OnEvent": true, "Ask": true, "Device": true}

// eachField calls f with the full name of each field of a way to authorize that a file can have.
func eachField(method auth.Method, f func(name string, field reflect.StructField)) {
	var visit func(prefix string, of reflect.Type)
	visit = func(prefix string, of reflect.Type) {
		for i := range of.NumField() {
			field := of.Field(i)
			switch {
			case inProgram[field.Name]:
			case field.Type.Kind() == reflect.Struct:
				visit("auth."+field.Name+".", field.Type)
			default:
				f(prefix+field.Name, field)
			}
		}
	}
	of := reflect.TypeOf(method).Elem()
	visit("auth."+of.Name()+".", of)
}

// with is the text of a server, with one more member.
func with(t *testing.T, kind, member string, value any) string {
	t.Helper()
	members := maps.Clone(methods[kind].least)
	members["type"], members[member] = kind, value
	switch member { // What excludes another one, or needs it.
	case "privateKey":
		delete(members, "clientSecret")
	case "identityProviderTokenUrl":
		delete(members, "identityProvider")
	case "authorizationUrl":
		members["tokenUrl"] = "https://t.example.com"
	case "tokenUrl":
		if kind == "oauth" {
			members["authorizationUrl"] = "https://a.example.com"
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return `"auth": ` + string(text)
}

// Each field of each way to authorize has a member, and errors call it by the member's name.
func TestMembersOfFields(t *testing.T) {
	for kind, m := range methods {
		eachField(m.method, func(name string, _ reflect.StructField) {
			member := strings.TrimPrefix(fieldname.InFile(name), "auth.")
			if strings.Contains(member, name) {
				t.Errorf("%s has no name in a file", name)
				return
			}
			// A value that no member can have shows that the member is read.
			if _, err := serverOf(t, with(t, kind, member, []any{map[string]any{"x": []any{}}})); err == nil || !strings.Contains(err.Error(), "auth."+member) {
				t.Errorf("%s of the type %s, for %s, is not read: %v", member, kind, name, err)
			}
		})
	}
}

// Each text about authorization may be a reference to a file, and its error names the member.
func TestReferencesInAuth(t *testing.T) {
	place := filepath.Join(t.TempDir(), "referred")
	if err := os.WriteFile(place, []byte("https://fr0m.example.com/file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, newKey(t), 0o600); err != nil {
		t.Fatal(err)
	}
	to := func(path string) string { return "${file:" + path + "}" }
	tried := 0
	for kind, m := range methods {
		eachField(m.method, func(name string, field reflect.StructField) {
			value := func(path string) any { return to(path) }
			switch field.Type.Kind() {
			case reflect.Bool:
				return
			case reflect.Map:
				value = func(path string) any { return map[string]string{"x": to(path)} }
			}
			member := strings.TrimPrefix(fieldname.InFile(name), "auth.")
			tried++
			good := place
			if member == "privateKey" {
				good = key
			}
			server, err := serverOf(t, with(t, kind, member, value(good)))
			if err != nil {
				t.Errorf("%s of the type %s: %v", member, kind, err)
				return
			}
			if shown := fmt.Sprintf("%+v", reflect.ValueOf(server.Auth).Elem()); field.Type.Kind() == reflect.String && !strings.Contains(shown, "https://fr0m.example.com/file") {
				t.Errorf("%s of the type %s: it is not in %s", member, kind, shown)
			}
			if field.Type.Kind() == reflect.Func || name == "auth.Bearer.Source" {
				return // It is read when a token is needed.
			}
			_, err = serverOf(t, with(t, kind, member, value("/nowhere/at/all")))
			var missing *ReferenceError
			if !errors.As(err, &missing) || missing.Field != "auth."+member && missing.Field != "auth."+member+".x" {
				t.Errorf("%s of the type %s: the error is %v", member, kind, err)
			}
		})
	}
	if tried < 25 {
		t.Errorf("only %d members", tried)
	}
}

// Scopes in a variable are as many as the variable has.
func TestScopesInVariable(t *testing.T) {
	t.Setenv("CAISSON_TEST_SCOPES", "a  b")
	for _, scopes := range []string{`"${CAISSON_TEST_SCOPES} ${CAISSON_TEST_UNSET:-c d}"`, `["${CAISSON_TEST_SCOPES}", "c", "d"]`} {
		server, err := serverOf(t, `"oauth": {"scopes": `+scopes+`}`)
		if err != nil {
			t.Fatal(err)
		}
		if got := server.Auth.(*auth.OAuth).Scopes; strings.Join(got, ",") != "a,b,c,d" {
			t.Errorf("%s are %q", scopes, got)
		}
	}
}

// Where only a reference about authorization is missing, the rest of the server is there.
func TestServerWithoutReference(t *testing.T) {
	for members, whole := range map[string]bool{
		`"headers": {"X": "${CAISSON_TEST_UNSET}"}, "oauth": {"clientId": "c"}`: true,
		`"oauth": {"clientId": "c", "clientSecret": "${CAISSON_TEST_UNSET}"}`:   true,
		`"oauth": {"clientId": "c", "clientSecret": "${"}`:                      false,
		`"oauth": {"clientId": 1}`:                                              false,
	} {
		server, err := serverOf(t, members)
		if err == nil || (server.URL != "") != whole {
			t.Errorf("%s: the server is %+v, and the error %v", members, server, err)
		}
		if m, ok := server.Auth.(*auth.OAuth); whole && (!ok || m.ClientID != "c") {
			t.Errorf("%s: the way to authorize is %+v", members, server.Auth)
		}
	}
	file, err := loadText(t, `{"mcpServers": {"s": {"url": "https://x.example.com/${CAISSON_TEST_UNSET}"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if server, err := file.Server("s"); err == nil || server.URL != "" {
		t.Errorf("the server is %+v, and the error %v", server, err)
	}
}

// No error about a file has a name of Go's.
func TestErrorsWithoutGo(t *testing.T) {
	for _, members := range []string{
		`"oauth": {"clientSecret": "x"}`, `"oauth": {"authorizationUrl": "https://a.example.com"}`,
		`"oauth": {"clientId": "c", "authorizationUrl": "a", "tokenUrl": "b"}`, `"oauth": {"clientMetadataUrl": "http://x"}`, `"oauth": {"callbackPort": -1}`,
		`"oauth": {"issuer": "x"}`, `"auth": {"type": "bearer"}`, `"auth": {"type": "client-credentials"}`, `"auth": {"type": "client-credentials", "clientId": "c"}`,
		`"auth": {"type": "enterprise"}`, `"auth": {"type": "enterprise", "clientId": "c"}`, `"auth": {"type": "enterprise", "clientId": "c", "idToken": "t"}`,
		`"auth": {"type": "workload"}`, `"auth": {"type": "workload", "assertion": "t", "issuer": "x"}`, `"oauth": {}, "headers": {"Authorization": "x"}`,
		`"protocolVersions": ["x"]`, `"headers": {"a b": "c"}`, `"type": "stdio"`,
	} {
		_, err := serverOf(t, members)
		var wrong *caisson.Error
		if !errors.As(err, &wrong) {
			t.Errorf("%s: %v", members, err)
			continue
		}
		for _, word := range []string{"auth.O", "auth.B", "auth.C", "auth.E", "auth.W", "Server.", "ClientOptions", "ClientID", "a Token"} {
			if strings.Contains(wrong.Message, word) {
				t.Errorf("%s: %q has %s in it", members, wrong.Message, word)
			}
		}
	}
}
