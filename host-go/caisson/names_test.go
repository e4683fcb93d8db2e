package caisson_test

import (
	"encoding/json"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestMembersUnderOtherLetters has a server give members a second time, in other letters: what the core
// has not looked at is no member, as the protocol has it.
func TestMembersUnderOtherLetters(t *testing.T) {
	t.Parallel()
	s := answeringSession(t, sharedRuntime(t), func(method string, _ json.RawMessage) string {
		switch method {
		case "tools/list":
			return `{"tools":[{"name":"one","Name":"other","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":false,"ReadOnlyHint":true}}],"Tools":[{"name":"another"}],"NextCursor":"more"}`
		case "tools/call":
			return `{"content":[],"Content":[{"type":"text","text":"other"}],"IsError":true}`
		case "resources/list":
			return `{"resources":[{"name":"one","uri":"a:one","URI":"a:other"}],"Resources":[]}`
		default:
			return `{"prompts":[{"name":"one","NAME":"other"}],"PROMPTS":[]}`
		}
	})
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
}
