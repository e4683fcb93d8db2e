// Package caisson is an MCP client whose protocol runs in a sandbox.
//
//	ctx := context.Background()
//	runtime, err := caisson.New(ctx, nil)
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer runtime.Close()
//	session, err := runtime.Connect(ctx, caisson.Server{URL: serverURL})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer session.Close()
//	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "add", Arguments: map[string]any{"a": 2, "b": 3}})
//
// The protocol core is the official TypeScript SDK, built into a WebAssembly component that is
// part of this package and runs in the same process, without cgo and without Node. The core reaches
// only the target of a [Server]: one origin, or one command. It parses everything that a server
// sends inside the sandbox.
//
//	Runtime ──NewClient──▶ Client ──Connect──▶ Session ⇄ core (one instance a session) ⇄ origin or command
//
// A [Runtime] holds the compiled core; make one and keep it. A [Client] is one user of the Runtime, with
// its own handlers and limits; [Runtime.Connect] is the short way without a Client. [Client.Connect] gives
// a [Session] with one server, whose methods speak the types of the official Go SDK:
// [github.com/modelcontextprotocol/go-sdk/mcp]. The package config reads servers from
// the mcpServers JSON that other hosts use, and [Client.ConnectGroup] connects with all of them at once.
//
// The package caissontest has a server for the tests of programs that use this one.
//
// # Errors
//
// Every failure is an [*Error], whose [Code] names the sort of failure, or the context's own error
// when the context of the call ends. A tool's own failure is not an error: it is a result with IsError.
//
// # Concurrency
//
// Every type of this package is safe for concurrent use, unless its documentation says otherwise.
// The calls of one session are in flight together; the sandbox computes for one call at a time.
package caisson
