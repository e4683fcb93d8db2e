package caisson_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestOtherLetters has a server write what nobody may see under other letters, which many readers take for the same: a
// list, the names of items, and its instructions.
func TestOtherLetters(t *testing.T) {
	t.Parallel()
	server := caissontest.NewServer(t, "2025-11-25")
	server.Handle("resources/list", func(*caissontest.Call) (any, error) { return json.RawMessage(`{"resources":[]}`), nil })
	server.Handle("prompts/list", func(*caissontest.Call) (any, error) { return json.RawMessage(`{"prompts":[]}`), nil })
	s := governed(t, server, caisson.Governance{Policy: rules(t, "version: 1\nservers: {caissontest: {tools: [good, fine], prompts: [good, fine], resources: ['x:/good', 'x:/fine']}}\n")})
	for method, pages := range map[string][]string{
		"tools/list":               {`{"tools":[],"Tools":[{"name":"evil","inputSchema":{"type":"object"}}]}`, `{"TOOLS":[{"name":"evil","inputSchema":{"type":"object"}}],"tools":[]}`},
		"prompts/list":             {`{"prompts":[],"Prompts":[{"name":"evil"}]}`},
		"resources/list":           {`{"resources":[],"re\u017fources":[{"uri":"x:/evil","name":"evil"}]}`},
		"resources/templates/list": {`{"resourceTemplates":[],"resourcetemplates":[{"uriTemplate":"x:/evil","name":"evil"}]}`},
	} {
		for _, page := range pages {
			server.Answer(method, page)
			if raw, err := s.Request(testContext(t), method, nil); !errors.Is(err, caisson.CodeProtocol) || strings.Contains(string(raw), "evil") {
				t.Errorf("%s gives %s, %v", page, raw, err)
			}
		}
	}
	for method, page := range map[string]string{
		"tools/list":     `{"tools":[{"name":"good","Name":"evil","inputSchema":{"type":"object"}},{"name":"fine","inputSchema":{"type":"object"}}]}`,
		"prompts/list":   `{"prompts":[{"NAME":"evil","name":"good"},{"name":"fine"}]}`,
		"resources/list": `{"resources":[{"uri":"x:/good","Uri":"x:/evil","name":"a"},{"uri":"x:/fine","name":"fine"}]}`,
	} {
		server.Answer(method, page)
		raw, err := s.Request(testContext(t), method, nil)
		if err != nil || strings.Contains(string(raw), "evil") || !strings.Contains(string(raw), "fine") {
			t.Errorf("%s gives %s, %v", page, raw, err)
		}
	}
	modern := caissontest.NewServer(t, "2026-07-28")
	pinned := governed(t, modern, caisson.Governance{Policy: rules(t, "version: 1\npins: {mode: enforce}\nservers: {caissontest: {}}\n"), Pins: pins.New("")})
	modern.Answer("server/discover", `{"resultType":"complete","ttlMs":0,"cacheScope":"private","supportedVersions":["2026-07-28"],"capabilities":{},"Instructions":"evil","instructions":"evil","INSTRUCTIONS":"evil","other":"fine"}`)
	if raw, err := pinned.Request(testContext(t), "server/discover", nil); err != nil || strings.Contains(string(raw), "evil") || !strings.Contains(string(raw), "fine") {
		t.Errorf("server/discover gives %s, %v", raw, err)
	}
}
