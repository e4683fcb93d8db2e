package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestHostileTemplates has a server list templates that no regular expression can be made of, or only a huge one. They
// lead nowhere; those beside them do, and so do the other server's.
func TestHostileTemplates(t *testing.T) {
	many := func(expression string, n int) string { return strings.Repeat(expression, n) }
	for what, template := range map[string]string{
		"many variables":   "test://{a" + many(",a", 2000) + "}",
		"many expressions": "test://" + many("{a,b}", 20_000),
		"long repetitions": "test://" + many("{a"+many(",a", 999)+"}", 1000),
		"long":             "test://" + many("x", 1<<20) + "{a}",
		"no template":      "test://{",
		"empty":            "",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			hostile := caissontest.NewServer(t, newest)
			hostile.Answer("resources/list", `{"resources":[]}`)
			hostile.Answer("resources/templates/list", fmt.Sprintf(`{"resourceTemplates":[{"uriTemplate":%q,"name":"h"},{"uriTemplate":"plain://{a}","name":"p"}]}`, template))
			hostile.Answer("resources/read", `{"contents":[{"uri":"plain://1","text":"plain"}]}`)
			g := newGateway(t, caisson.ServerMap{"hostile": hostile.Caisson(), "other": newUpstream(t, newest).Caisson()}, nil)
			session := connectTo(t, g, "/mcp", newest, "memory", nil)
			for uri, want := range map[string]string{"test://t/1": "content", "plain://1": "plain", "nobody://1": ""} {
				result, err := session.ReadResource(ctx, &mcp.ReadResourceParams{URI: uri})
				if want == "" {
					if err == nil || !strings.Contains(err.Error(), "no server has the resource") {
						t.Errorf("%s gets %v", uri, err)
					}
				} else if err != nil || result.Contents[0].Text != want {
					t.Errorf("%s gets %+v, %v", uri, result, err)
				}
			}
		})
	}
}
