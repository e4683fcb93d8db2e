package client_test

import (
	"context"
	"fmt"
	"log"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"

	"github.com/caisson-dev/caisson/daemon/client"
)

// greet is written against Caller: it does not know where the server is.
func greet(ctx context.Context, files caisson.Caller) (string, error) {
	r, err := files.CallTool(ctx, &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"text": "hello"}})
	if err != nil {
		return "", err
	}
	return fmt.Sprint(len(r.Content)), nil
}

func Example() {
	daemon, err := client.Dial("127.0.0.1:3285", &client.Options{Token: "secret"})
	if err != nil {
		log.Fatal(err)
	}
	files := daemon.Session("files") // In process: files, err := c.Connect(ctx, server)
	defer daemon.Close()
	fmt.Println(greet(context.Background(), files))
}
