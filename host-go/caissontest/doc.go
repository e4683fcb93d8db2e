// Package caissontest helps to test programs that use MCP servers: a server in memory whose answers a test
// writes down, and which remembers what it was sent. There is no process, no port and no time to wait for.
//
//	func TestTotal(t *testing.T) {
//		server := caissontest.NewServer(t)
//		server.AddTool(&mcp.Tool{Name: "add"}, func(call *caissontest.Call) (any, error) {
//			return caissontest.Structured(map[string]int{"sum": 5}), nil
//		})
//		session, err := caissontest.Runtime(t).Connect(t.Context(), server.Caisson())
//		if err != nil {
//			t.Fatal(err)
//		}
//		defer session.Close()
//
//		if got, err := total(t.Context(), session, 2, 3); got != 5 || err != nil {
//			t.Errorf("the total is %d, %v", got, err)
//		}
//		server.Called(t, "add", map[string]int{"a": 2, "b": 3})
//	}
//
// The session goes through the whole of Caisson, its sandboxed core included. The same server takes the Go
// SDK's client, as it is an mcp.Transport.
//
// # Answers
//
// A [Handler] answers requests of a method ([Server.Handle]) or calls of a tool ([Server.AddTool]). It may
// fail, stay silent, wait until the test lets it go on, tell of progress, and ask the client:
//
//	server.Handle("resources/read", func(call *caissontest.Call) (any, error) {
//		answer, err := call.Ask("elicitation/create", json.RawMessage(`{"message":"May I?","requestedSchema":{"type":"object","properties":{}}}`))
//		if err != nil {
//			return nil, err
//		}
//		if err := call.Wait(release); err != nil { // a channel that the test closes
//			return nil, err
//		}
//		return map[string]any{"contents": []any{map[string]any{"uri": "test:answer", "text": string(answer)}}}, nil
//	})
//
// The same handler asks in the form of each revision. [Server.Answer] and [Server.Fail] are for answers that are
// always the same. A result is any JSON at all, and goes out untouched: so a test can have a server answer
// what the protocol does not allow. What is no JSON, or no message of JSON-RPC, an mcp.Transport cannot
// carry; [Server.Send] sends any message that it can.
//
// # Revisions
//
// A server speaks all revisions of the protocol that Caisson does, and so a client speaks the newest with it. Name
// others to [NewServer], or choose one by ProtocolVersions of the [caisson.Server].
//
// # What was sent
//
// [Server.Requests] gives what clients have sent, [Server.Await] waits for a request, and [Server.Called] and
// [Server.Sent] report in what it differs from what was to be sent.
package caissontest
