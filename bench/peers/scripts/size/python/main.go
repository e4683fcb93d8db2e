// A program that calls a tool of a server, and runs JavaScript and Python.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
)

func main() {
	ctx := context.Background()
	runtime, err := caisson.New(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer runtime.Close()
	session, err := runtime.Connect(ctx, caisson.Server{Command: os.Args[1]})
	if err != nil {
		log.Fatal(err)
	}
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: os.Args[2]})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Content)
	script, err := runtime.RunScript(ctx, caisson.Script{Source: os.Args[3]})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(script.Value))
	script, err = runtime.RunScript(ctx, caisson.Script{Language: python.Language, Source: os.Args[4]})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(script.Value))
}
