package caisson_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"

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

// quickStart is the code in the package's comment.
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
