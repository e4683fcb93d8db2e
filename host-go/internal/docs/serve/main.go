// Serve serves the servers of mcp.json as one.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/config"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
)

func main() {
	runtime, err := caisson.New(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer runtime.Close()
	servers, err := config.Load("mcp.json")
	if err != nil {
		log.Fatal(err)
	}
	g, err := gateway.New(runtime, servers, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer g.Close()
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", g.Handler()))
}
