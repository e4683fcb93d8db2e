package caisson_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// serverURL is where the example's server listens.
var serverURL string

func Example() {
	server := httptest.NewServer(demoserver.Handler(false, false))
	defer server.Close()
	serverURL = server.URL
	quickStart()
	// Output:
	// 5
}

// quickStart is the README's quick start; TestQuickStart checks that it is the same.
func quickStart() {
	ctx := context.Background()
	runtime, err := caisson.New(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer runtime.Close()
	session, err := runtime.Connect(ctx, caisson.Server{URL: serverURL})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "add", Arguments: map[string]any{"a": 2, "b": 3}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.StructuredContent.(map[string]any)["sum"])
}

// TestQuickStart checks that the README shows the code of quickStart.
func TestQuickStart(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(source), "func quickStart() {\n")
	body, _, _ = strings.Cut(body, "\n}\n")
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```go\n"+body+"\n```") {
		t.Errorf("README.md does not show the body of quickStart:\n%s", body)
	}
}
