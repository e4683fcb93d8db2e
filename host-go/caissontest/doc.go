// Package caissontest helps to test programs that use MCP servers. It has a server in memory. A test writes
// down the server's answers, and the server remembers what it was sent. It needs no process, no port and no
// waiting.
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
// The session uses the whole of Caisson, including its sandboxed core. The Go SDK's client can use the same
// server, because the server is an mcp.Transport.
//
// # Answers
//
// A [Handler] answers requests of a method ([Server.Handle]) or calls of a tool ([Server.AddTool]). It may
// fail, stay silent, wait until the test lets it go on, report progress, and ask the client:
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
// The same handler asks in the form of each revision. [Server.Answer] and [Server.Fail] are for answers that
// are always the same. A result is any JSON, and is sent unchanged: so a server can answer what the protocol
// does not allow. An mcp.Transport can carry only JSON that is a message of JSON-RPC. [Server.Send] sends any
// such message.
//
// # Revisions
//
// A server speaks all revisions of the protocol that Caisson speaks, so a client uses the newest. Name other
// revisions in the call of [NewServer], or choose one by ProtocolVersions of the [caisson.Server].
//
// # What was sent
//
// [Server.Requests] returns what clients have sent, and [Server.Await] waits for a request. [Server.Called]
// and [Server.Sent] report how what was sent differs from what was expected.
package caissontest
