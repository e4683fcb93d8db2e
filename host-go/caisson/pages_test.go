package caisson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// endless answers lists with pages that never end: n items a page, each with so many bytes, and a
// cursor that next makes of the page's number.
func endless(n, size int, next func(page int) any) func(string, json.RawMessage) string {
	return func(method string, params json.RawMessage) string {
		var at struct{ Cursor string }
		_ = json.Unmarshal(params, &at)
		page := 0
		_, _ = fmt.Sscanf(at.Cursor, "%d", &page)
		member := map[string]string{
			"tools/list": "tools", "prompts/list": "prompts", "resources/list": "resources", "resources/templates/list": "resourceTemplates",
		}[method]
		items := []object{}
		for i := range n {
			name := fmt.Sprintf("%d-%d", page, i)
			items = append(items, object{
				"name": name, "uri": "x:" + name, "uriTemplate": "x:" + name + "{v}", "inputSchema": object{"type": "object"},
				"description": strings.Repeat("d", size),
			})
		}
		list := object{member: items}
		if cursor := next(page); cursor != nil {
			list["nextCursor"] = cursor
		}
		text, _ := json.Marshal(list)
		return string(text)
	}
}

// TestListIsBounded lists what has no end, by every way to list all of something: it ends with an
// error that names the bound, and as early as the bound says.
func TestListIsBounded(t *testing.T) {
	t.Parallel()
	onward := func(page int) any { return fmt.Sprint(page + 1) }
	long := strings.Repeat("x", 100_000)
	small := newClient(t, caisson.ClientOptions{Limits: caisson.Limits{MaxListPages: 7, MaxListItems: 50, MaxListBytes: 1 << 20}})
	for name, test := range map[string]struct {
		answer func(string, json.RawMessage) string
		code   caisson.Code
		says   string
		most   int // items that may have come before the error
	}{
		"empty pages":          {endless(0, 0, onward), caisson.CodeLimit, "more than 7 pages; raise ClientOptions.MaxListPages", 0},
		"small pages":          {endless(1, 0, onward), caisson.CodeLimit, "ClientOptions.MaxListPages", 7},
		"many items":           {endless(20, 0, onward), caisson.CodeLimit, "more than 50 items; raise ClientOptions.MaxListItems", 50},
		"a page of many":       {endless(51, 0, onward), caisson.CodeLimit, "ClientOptions.MaxListItems", 0},
		"large items":          {endless(1, 400_000, onward), caisson.CodeLimit, "more than 1048576 bytes; raise ClientOptions.MaxListBytes", 2},
		"large cursors":        {endless(0, 0, func(page int) any { return fmt.Sprint(page+1, long, long, long) }), caisson.CodeLimit, "ClientOptions.MaxListBytes", 0},
		"the same cursor":      {endless(1, 0, func(int) any { return "1" }), caisson.CodeProtocol, "a cursor came twice", 2},
		"the same long cursor": {endless(1, 0, func(int) any { return "1" + long }), caisson.CodeProtocol, "a cursor came twice", 2},
		"a circle of cursors":  {endless(1, 0, func(page int) any { return fmt.Sprint(page%3 + 1) }), caisson.CodeProtocol, "a cursor came twice", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := caisson.Server{Name: "it", URL: answering(t, test.answer).URL}
			s := connect(t, small, server)
			g, err := small.ConnectGroup(testContext(t), groupConfig(t, object{"it": object{"url": server.URL}}), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			ctx := testContext(t)
			for way, all := range map[string]func(func(error)){
				"Tools":                   each(s.Tools(ctx, nil)),
				"Tools from a cursor":     each(s.Tools(ctx, &mcp.ListToolsParams{Cursor: "0"})),
				"Prompts":                 each(s.Prompts(ctx, nil)),
				"Resources":               each(s.Resources(ctx, nil)),
				"ResourceTemplates":       each(s.ResourceTemplates(ctx, nil)),
				"Group.Tools":             each(g.Tools(ctx)),
				"Group.Prompts":           each(g.Prompts(ctx)),
				"Group.Resources":         each(g.Resources(ctx)),
				"Group.ResourceTemplates": each(g.ResourceTemplates(ctx)),
			} {
				items := 0
				var failed error
				all(func(err error) {
					if items++; err != nil {
						items--
						failed = err
					}
				})
				var e *caisson.Error
				if !errors.As(failed, &e) || e.Code != test.code || !strings.Contains(e.Message, test.says) || e.Server != "it" {
					t.Errorf("%s: %v", way, failed)
				}
				if items > test.most {
					t.Errorf("%s: %d items came, of at most %d", way, items, test.most)
				}
			}
			if err := s.Ping(ctx, nil); err != nil {
				t.Errorf("the session does not go on: %v", err)
			}
		})
	}
}

// each takes the errors of an iteration, nil where there is none.
func each[T any](all func(func(T, error) bool)) func(func(error)) {
	return func(take func(error)) {
		for _, err := range all {
			take(err)
		}
	}
}

// TestUntouchedPages gives the untouched pages, and a list whose size is just what is allowed.
func TestUntouchedPages(t *testing.T) {
	t.Parallel()
	until := func(last int) func(int) any {
		return func(page int) any {
			if page == last {
				return nil
			}
			return fmt.Sprint(page + 1)
		}
	}
	server, answer := caissontest.NewServer(t), endless(2, 0, until(4))
	server.Handle("tools/list", func(call *caissontest.Call) (any, error) {
		return json.RawMessage(answer(call.Method, call.Params)), nil
	})
	s := connect(t, newClient(t, caisson.ClientOptions{Limits: caisson.Limits{MaxListPages: 5, MaxListItems: 10}}), server.Caisson())
	pages := 0
	for raw, err := range s.Pages(testContext(t), "tools/list", nil) {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(raw), fmt.Sprintf(`"name":"%d-1"`, pages)) || !json.Valid(raw) {
			t.Errorf("page %d is %s", pages, raw)
		}
		pages++
	}
	items := 0
	for _, err := range s.Tools(testContext(t), nil) {
		if err != nil {
			t.Fatal(err)
		}
		items++
	}
	if pages != 5 || items != 10 {
		t.Errorf("%d pages and %d items", pages, items)
	}
	for _, err := range s.Pages(testContext(t), "tools/list", 5) {
		if caisson.CodeOf(err) != caisson.CodeInvalidArgument {
			t.Errorf("params that are no object: %v", err)
		}
	}
}
