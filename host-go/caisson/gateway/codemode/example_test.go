package codemode_test

import (
	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway/codemode"
)

// newGateway is the code that the documentation of the package shows.
func newGateway(runtime *caisson.Runtime, client *caisson.Client, servers caisson.Servers) (*gateway.Gateway, error) {
	g, err := gateway.New(runtime, servers, &gateway.Options{
		Endpoints: map[string]gateway.NewCaller{"/mcp/code": codemode.Endpoint(client, nil)},
	})
	return g, err
}

var _ = newGateway
