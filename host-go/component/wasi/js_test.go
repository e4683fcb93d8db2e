package wasi

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// JavaScript can use fetch on the granted origins.
func TestJavaScript(t *testing.T) {
	if os.Getenv("CAISSON_JS_COMPONENTS") != "1" {
		t.Skip("CAISSON_JS_COMPONENTS=1 builds a component with the repository's componentize-js, and runs it")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	app := filepath.Join(t.TempDir(), "app.wasm")
	if out, err := exec.CommandContext(ctx, "node", "testdata/js/build.mjs", app).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(app)
	if err != nil {
		t.Fatal(err)
	}
	r, err := component.NewRuntime(ctx, &component.Config{Interpreter: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(ctx)
	c, err := r.Compile(ctx, b)
	if err != nil {
		t.Fatal(err)
	}
	s := server(t, echo)
	l := component.NewLinker()
	AddToLinker(l, &Config{AllowedOrigins: []string{s.URL}})
	in, err := c.Instantiate(ctx, l)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close(ctx)
	got, _ := call(t, in, "send", s.URL+"/path?q", "from JavaScript").(component.Result)
	text, _ := got.Value.(string)
	if !got.OK || !strings.HasPrefix(text, "202 text/plain POST /path?q ") || !strings.HasSuffix(text, ` x=["1"] trailer=[] from JavaScript`) {
		t.Error(got)
	}
	denied, _ := call(t, in, "send", "http://127.0.0.1:1/", "x").(component.Result)
	if text, _ := denied.Value.(string); denied.OK || text == "" {
		t.Error(denied)
	}
}
