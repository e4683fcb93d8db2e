package caisson_test

import (
	"encoding/json"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestOddNumbers has a server send numbers that the Go SDK's types have no room for: they are left out,
// and nothing else is.
func TestOddNumbers(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{"1.5", "1e300", "-0.5", "3.0"} {
		s := answeringSession(t, sharedRuntime(t), func(method string, _ json.RawMessage) string {
			switch method {
			case "tools/call":
				return `{"resultType":7,"content":[{"type":"text","text":"a"},{"type":"resource_link","name":"one","uri":"a:one","size":` + odd + `}],"structuredContent":{"size":` + odd + `}}`
			case "resources/list":
				return `{"ttlMs":` + odd + `,"resources":[{"name":"one","uri":"a:one","size":` + odd + `},{"name":"two","uri":"a:two","size":2}]}`
			case "completion/complete":
				return `{"completion":{"values":["x"],"total":` + odd + `,"hasMore":true}}`
			case "prompts/get":
				return `{"messages":[{"role":"user","content":{"type":"resource_link","name":"one","uri":"a:one","size":` + odd + `}}]}`
			}
			return `{}`
		})
		ctx := testContext(t)
		sizes := func(size *int64) bool { return (size != nil && *size == 3) == (odd == "3.0") }
		if got, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "one"}); err != nil || len(got.Content) != 2 {
			t.Errorf("%s: the call gave %+v, %v", odd, got, err)
		} else if link, ok := got.Content[1].(*mcp.ResourceLink); !ok || link.URI != "a:one" || !sizes(link.Size) {
			t.Errorf("%s: the link is %+v", odd, got.Content[1])
		} else if own, _ := got.StructuredContent.(map[string]any); own["size"] == nil {
			t.Errorf("%s: the structured content is %v", odd, got.StructuredContent)
		}
		if got, err := s.ListResources(ctx, nil); err != nil || len(got.Resources) != 2 || !sizes(&got.Resources[0].Size) || got.Resources[1].Size != 2 {
			t.Errorf("%s: the list is %+v, %v", odd, got, err)
		}
		ref := &mcp.CompleteParams{Ref: &mcp.CompleteReference{Type: "ref/prompt", Name: "p"}, Argument: mcp.CompleteParamsArgument{Name: "a", Value: "x"}}
		if got, err := s.Complete(ctx, ref); err != nil || len(got.Completion.Values) != 1 || !got.Completion.HasMore {
			t.Errorf("%s: the completion is %+v, %v", odd, got, err)
		}
		if got, err := s.GetPrompt(ctx, &mcp.GetPromptParams{Name: "p"}); err != nil || len(got.Messages) != 1 {
			t.Errorf("%s: the prompt is %+v, %v", odd, got, err)
		}
	}
}
