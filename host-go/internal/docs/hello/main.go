// Hello lists the tools of a server, and calls one.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

func main() {
	ctx := context.Background()
	runtime, err := caisson.New(ctx, nil) // one for the program
	if err != nil {
		log.Fatal(err)
	}
	defer runtime.Close()
	session, err := runtime.Connect(ctx, caisson.Server{Command: "caisson", Args: []string{"demo-server"}})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	for tool, err := range session.Tools(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(tool.Name+":", tool.Description)
	}
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "add", Arguments: map[string]any{"a": 2, "b": 3}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.StructuredContent)
}
