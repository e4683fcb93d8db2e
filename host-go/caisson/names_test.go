package caisson_test

import (
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestMembersUnderOtherLetters has a server give members a second time, in other letters: what the core
// has not looked at is no member, as the protocol has it.
func TestMembersUnderOtherLetters(t *testing.T) {
	t.Parallel()
	for _, revision := range []string{"2025-06-18", "2026-07-28"} {
		t.Run(revision, func(t *testing.T) {
			t.Parallel()
			server := caissontest.NewServer(t, revision)
			server.Answer("tools/list", `{"tools":[{"name":"one","Name":"other","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":false,"ReadOnlyHint":true}}],"Tools":[{"name":"another"}],"NextCursor":"more"}`)
			server.Answer("tools/call", `{"content":[],"Content":[{"type":"text","text":"other"}],"IsError":true}`)
			server.Answer("resources/list", `{"resources":[{"name":"one","uri":"a:one","URI":"a:other"}],"Resources":[]}`)
			server.Answer("prompts/list", `{"prompts":[{"name":"one","NAME":"other"}],"PROMPTS":[]}`)
			s := connect(t, sharedRuntime(t), server.Caisson())
			ctx := testContext(t)
			var tools []*mcp.Tool
			for tool, err := range s.Tools(ctx, nil) {
				if err != nil {
					t.Fatal(err)
				}
				tools = append(tools, tool)
			}
			if len(tools) != 1 || tools[0].Name != "one" || tools[0].Annotations.ReadOnlyHint {
				t.Errorf("the tools are %+v", tools)
			}
			if got, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "one"}); err != nil || len(got.Content) != 0 || got.IsError {
				t.Errorf("the call gave %+v, %v", got, err)
			}
			if got, err := s.ListResources(ctx, nil); err != nil || len(got.Resources) != 1 || got.Resources[0].URI != "a:one" {
				t.Errorf("the resources are %+v, %v", got, err)
			}
			if got, err := s.ListPrompts(ctx, nil); err != nil || len(got.Prompts) != 1 || got.Prompts[0].Name != "one" {
				t.Errorf("the prompts are %+v, %v", got, err)
			}
		})
	}
}
