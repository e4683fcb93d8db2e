package gateway_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// weather is an extension that nobody here knows.
const weather = "com.example/weather"

// weatherServer declares the extension, answers its request, and hears and tells of its notifications.
func weatherServer(t testing.TB, era string) *caissontest.Server {
	t.Helper()
	s := caissontest.NewServer(t, era)
	s.AddTool(&mcp.Tool{Name: "look"}, func(call *caissontest.Call) (any, error) {
		return caissontest.Text("seen"), call.Notify("notifications/weather/changed", map[string]any{"sky": "blue", "big": json.RawMessage("12345678901234567890")})
	})
	s.Answer("weather/get", `{"sky":"grey","big":12345678901234567890,"_meta":{"a":1}}`)
	for _, method := range []string{"initialize", "server/discover"} {
		s.Handle(method, func(call *caissontest.Call) (any, error) {
			result := map[string]any{
				"capabilities": map[string]any{"tools": map[string]any{}, "extensions": map[string]any{weather: map[string]any{"unit": "K"}}},
				"serverInfo":   map[string]any{"name": "weather", "version": "1"},
			}
			if method == "initialize" {
				result["protocolVersion"] = era
			} else {
				result["supportedVersions"], result["resultType"], result["ttlMs"], result["cacheScope"] = []string{era}, "complete", 0, "private"
			}
			return result, nil
		})
	}
	return s
}

// weatherClient connects a client that takes part in the extension.
func weatherClient(t testing.TB, g *gateway.Gateway, path, era string, heard chan string) *caisson.Session {
	t.Helper()
	return connectAt(t, g, path, era, &caisson.ClientOptions{
		Extensions: []caisson.Extension{{ID: weather, Settings: map[string]any{"unit": "C"}}},
		OnNotification: func(_ context.Context, _ *caisson.Session, method string, params json.RawMessage) {
			if strings.HasPrefix(method, "notifications/weather/") {
				heard <- method + " " + string(params)
			}
		},
	})
}

// TestExtensions relays an extension that nobody here knows, in all combinations of eras: what both sides declare, a
// request, and notifications in both directions. At /mcp the request is refused.
func TestExtensions(t *testing.T) {
	for _, up := range eras {
		for _, down := range eras {
			t.Run(up+" "+down, func(t *testing.T) {
				t.Parallel()
				ctx := testContext(t)
				s := weatherServer(t, up)
				g := newGateway(t, caisson.ServerMap{"w": s.Caisson()}, nil)
				heard := make(chan string, 10)
				session := weatherClient(t, g, "/servers/w", down, heard)
				if got := fmt.Sprint(session.Capabilities().Extensions[weather]); got != "map[unit:K]" {
					t.Errorf("the endpoint declares %s", got)
				}
				raw, err := session.Request(ctx, "weather/get", map[string]any{"city": "Paris"})
				if err != nil || !strings.Contains(string(raw), "12345678901234567890") || !strings.Contains(string(raw), `"a":1`) {
					t.Errorf("the request gets %s, %v", raw, err)
				}
				asked := s.Requests("weather/get")
				if len(asked) != 1 || !strings.Contains(string(asked[0].Params), `"city":"Paris"`) || strings.Contains(string(asked[0].Params), "caisson/") {
					t.Errorf("the server was asked %+v", asked)
				}
				if err := session.Notify(ctx, "notifications/weather/moved", map[string]any{"city": "Rome"}); err != nil {
					t.Fatal(err)
				}
				if told, err := s.Await(ctx, "notifications/weather/moved"); err != nil || !strings.Contains(string(told.Params), `"city":"Rome"`) {
					t.Errorf("the server was told %s, %v", told.Params, err)
				}
				result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "look"})
				if got := textOf(t, result, err); got != "seen" {
					t.Error(got)
				}
				if down == older { // A client of 2026-07-28 that shares its session with the server hears of no call but its own.
					select {
					case got := <-heard:
						if !strings.HasPrefix(got, "notifications/weather/changed") || !strings.Contains(got, "12345678901234567890") {
							t.Errorf("the client heard %s", got)
						}
					case <-ctx.Done():
						t.Error("the client heard nothing")
					}
				}

				all := weatherClient(t, g, "/mcp", down, heard)
				if len(all.Capabilities().Extensions) != 0 {
					t.Errorf("all servers together declare %v", all.Capabilities().Extensions)
				}
				_, err = all.Request(ctx, "weather/get", nil)
				if err == nil || !strings.Contains(err.Error(), "-32601") || !strings.Contains(err.Error(), "/servers/NAME") {
					t.Errorf("at /mcp the request gets %v", err)
				}
				if n := len(s.Requests("weather/get")); n != 1 {
					t.Errorf("the server was asked %d times", n)
				}
			})
		}
	}
}

// TestExtensionsPassTheGate has a policy grant one method of an extension. What it does not grant reaches no server.
func TestExtensionsPassTheGate(t *testing.T) {
	t.Parallel()
	for _, era := range eras {
		ctx := testContext(t)
		s := weatherServer(t, era)
		s.Answer("weather/set", `{}`)
		g := newGateway(t, caisson.ServerMap{"w": s.Caisson()}, governed(rules(t, "version: 1\nservers: {w: {methods: ['weather/get']}}\n")))
		session := weatherClient(t, g, "/servers/w", era, make(chan string, 10))
		if _, err := session.Request(ctx, "weather/get", nil); err != nil {
			t.Error(err)
		}
		if _, err := session.Request(ctx, "weather/set", nil); err == nil || !strings.Contains(err.Error(), "does not grant") {
			t.Errorf("%s: what is not granted gets %v", era, err)
		}
		if err := session.Notify(ctx, "notifications/weather/moved", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := session.Request(ctx, "weather/get", nil); err != nil { // It comes after the notification.
			t.Error(err)
		}
		if n := len(s.Requests("weather/set", "notifications/weather/moved")); n != 0 {
			t.Errorf("%s: the server has heard %d times of what is not granted", era, n)
		}
	}
}

// TestSkillsThroughTheGateway lists and reads the skills of a server that is alone.
func TestSkillsThroughTheGateway(t *testing.T) {
	t.Parallel()
	for _, up := range eras {
		for _, down := range eras {
			ctx := testContext(t)
			s := caissontest.NewServer(t, up)
			end := `}`
			if up == newest {
				end = `,"resultType":"complete","ttlMs":0,"cacheScope":"private"}`
			}
			const uri, text = "skill://pdf/SKILL.md", "---\nname: pdf\ndescription: Reads PDFs.\n---\nOpen the file.\n"
			entry := fmt.Sprintf(`{"uri":%q,"frontmatter":{"name":"pdf","description":"Reads PDFs."},"resources":[{"uri":%[1]q,"digest":"sha256:%x","size":%d}]}`, uri, sha256.Sum256([]byte(text)), len(text))
			s.Answer("skills/list", `{"skills":[`+entry+`]`+end)
			s.Answer("resources/read", fmt.Sprintf(`{"contents":[{"uri":%q,"mimeType":"text/markdown","text":%q}]%s`, uri, text, end))
			g := newGateway(t, caisson.ServerMap{"s": s.Caisson()}, nil)
			session := caissonAt(t, g, "/servers/s", down, "Ada")
			n := 0
			for one, err := range session.Skills(ctx, nil) {
				if err != nil {
					t.Fatalf("%s %s: %v", up, down, err)
				}
				n++
				if file, err := session.ReadSkill(ctx, &caisson.ReadSkillParams{Skill: one}); err != nil || string(file.Bytes) != text {
					t.Errorf("%s %s: the file is %+v, %v", up, down, file, err)
				}
			}
			if n != 1 {
				t.Errorf("%s %s: there are %d skills", up, down, n)
			}
		}
	}
}

// TestDeclaredExtensionsAreBounded has clients declare extensions that are none, and too much of one: they are not
// declared to a server.
func TestDeclaredExtensionsAreBounded(t *testing.T) {
	t.Parallel()
	s := weatherServer(t, newest)
	server := serveTest(t, newGateway(t, caisson.ServerMap{"w": s.Caisson()}, &gateway.Options{Authenticate: byHeader}))
	for declared, reaches := range map[string]bool{
		`{"com.example/weather":{"unit":"C"}}`:                                    true,
		`{"com.example/weather":5,"x":null,"io.modelcontextprotocol/tasks":{}}`:   false,
		`{"com.example/weather":{"unit":"` + strings.Repeat("C", 100_000) + `"}}`: false,
	} {
		before := len(s.Requests("server/discover"))
		body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"weather/get","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":%q,"io.modelcontextprotocol/clientCapabilities":{"extensions":%s}}}}`, newest, declared)
		a := post(t, server, request{path: "/servers/w", principal: "ada", version: newest, body: body})
		if a.result == nil {
			t.Errorf("%.80s gives %s", declared, a.body)
		}
		asked := s.Requests("server/discover")
		if len(asked) == before {
			continue // It shares a session with another one.
		}
		if got := strings.Contains(string(asked[len(asked)-1].Params), `"com.example/weather"`); got != reaches {
			t.Errorf("%.80s reaches the server: %v", declared, got)
		}
	}
}
