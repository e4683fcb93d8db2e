package plugin

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A plugin in JavaScript can use fetch on the granted origins, and on no others.
func TestOrigins(t *testing.T) {
	if os.Getenv("CAISSON_JS_COMPONENTS") != "1" {
		t.Skip("CAISSON_JS_COMPONENTS=1 builds a component with the repository's componentize-js, and calls it")
	}
	app := filepath.Join(t.TempDir(), "app.wasm")
	if out, err := exec.Command("node", "../../component/wasi/testdata/js/build.mjs", app).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(append([]byte("got "), body...))
	}))
	defer server.Close()
	r, err := New(context.Background(), &RuntimeOptions{NoCache: true, Interpreter: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, granted := range []bool{false, true} {
		o := &Options{}
		if granted {
			o.Grants.Origins = []string{server.URL}
		}
		p, err := r.Load(context.Background(), app, o)
		if err != nil {
			t.Fatal(err)
		}
		result, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: "send", Arguments: map[string]string{"url": server.URL, "text": "words"}})
		if err != nil {
			t.Fatal(err)
		}
		if result.IsError == granted || granted && !strings.Contains(textOf(result), "got words") {
			t.Errorf("granted %v: %q", granted, textOf(result))
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
