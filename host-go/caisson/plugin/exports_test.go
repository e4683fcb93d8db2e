package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/component/witjson"
)

// Each exported function of an ordinary component is a tool, with schemas and descriptions from its WIT.
func TestExportedTools(t *testing.T) {
	p := loadCalc(t)
	if p.Name() != "calc" {
		t.Error(p.Name())
	}
	page, err := p.ListTools(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	tools := map[string]*mcp.Tool{}
	for _, tool := range page.Tools {
		tools[tool.Name] = tool
	}
	if len(tools) != 8 {
		t.Errorf("%d tools", len(tools))
	}
	for name, want := range map[string][3]string{
		"docs_calc_ops_add": {
			"Adds two numbers.",
			`{"type":"object","properties":{"a":{"type":"integer","minimum":0,"maximum":4294967295},"b":{"type":"integer","minimum":0,"maximum":4294967295}},"required":["a","b"],"additionalProperties":false}`,
			`{"type":"object","properties":{"result":{"type":"integer","minimum":0,"maximum":4294967295}},"required":["result"],"additionalProperties":false}`,
		},
		"docs_calc_ops_shift": {
			"Moves a point.",
			`{"type":"object","properties":{"from":` + point + `},"required":["from"],"additionalProperties":false}`,
			point,
		},
		"hello": {
			"Says its name.",
			`{"type":"object","properties":{"name":{"type":"string"}},"required":["name"],"additionalProperties":false}`,
			`{"type":"object","properties":{"result":{"type":"string"}},"required":["result"],"additionalProperties":false}`,
		},
		"nothing": {"", `{"type":"object","properties":{},"required":[],"additionalProperties":false}`, ""},
	} {
		tool := tools[name]
		if tool == nil {
			t.Errorf("there is no tool %s", name)
			continue
		}
		output, _ := tool.OutputSchema.(json.RawMessage)
		if got := [3]string{tool.Description, string(tool.InputSchema.(json.RawMessage)), string(output)}; got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := p.Export("docs_calc_ops_add"); got != "docs:calc/ops@1.0.0#add" {
		t.Error(got)
	}
	if _, err := p.ListTools(context.Background(), &mcp.ListToolsParams{Cursor: "2"}); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Error(err)
	}
}

const point = `{"type":"object","properties":{"x":{"type":"integer","minimum":-2147483648,"maximum":2147483647,"description":"To the right."},` +
	`"y":{"type":"integer","minimum":-2147483648,"maximum":2147483647}},"required":["x","y"],"additionalProperties":false,"description":"A place in the plane."}`

// The result of a function is the structured content and a text; the error of a result is IsError.
func TestCallExports(t *testing.T) {
	p := loadCalc(t)
	for _, c := range []struct{ tool, arguments, structured, text string }{
		{"docs_calc_ops_add", `{"a": 40, "b": 2}`, `{"result":42}`, "42"},
		{"docs_calc_ops_shift", `{"from": {"x": -1, "y": 7}}`, `{"x":0,"y":8}`, `{"x":0,"y":8}`},
		{"docs_calc_ops_divide", `{"a": 7, "b": 2}`, `{"result":3}`, "3"},
		{"sum", `{"a": 9007199254740993, "b": 18446744073700000000}`, `{"result":9007199245189377}`, "9007199245189377"},
		{"hello", `{"name": "é \"x\""}`, `{"result":"é \"x\""}`, `é "x"`},
		{"flip", `{"bytes": "AP8="}`, `{"result":"AP8="}`, `"AP8="`},
		{"check", `{"well": true}`, "", ""},
		{"nothing", `{}`, "", ""},
	} {
		result := callTool(t, p, c.tool, json.RawMessage(c.arguments))
		structured, _ := result.StructuredContent.(json.RawMessage)
		if result.IsError || string(structured) != c.structured || textOf(result) != c.text {
			t.Errorf("%s: %s, %q, %v", c.tool, structured, textOf(result), result.IsError)
		}
	}
	for tool, arguments := range map[string]any{"docs_calc_ops_divide": map[string]any{"a": 1, "b": 0}, "check": map[string]any{"well": false}} {
		result := callTool(t, p, tool, arguments)
		if want := map[string]string{"check": "the function returned an error"}[tool]; !result.IsError || result.StructuredContent != nil || want != "" && textOf(result) != want {
			t.Errorf("%s: %+v, %q", tool, result, textOf(result))
		}
	}
	if result := callTool(t, p, "docs_calc_ops_divide", map[string]int{"a": 1, "b": 0}); textOf(result) != "division by zero" {
		t.Error(textOf(result))
	}
	sum, _, err := caisson.CallToolAs[struct{ Result uint64 }](context.Background(), p, &mcp.CallToolParams{Name: "sum", Arguments: map[string]uint64{"a": 1 << 63, "b": 1<<53 + 1}})
	if err != nil || sum.Result != 1<<63+1<<53+1 {
		t.Error(sum, err)
	}
}

// Arguments that do not fit their WIT types fail before anything runs, and the error names the place.
func TestArguments(t *testing.T) {
	p := loadCalc(t)
	for arguments, path := range map[string]string{
		`{"from": {"x": 1}}`: "/from", `{"from": {"x": 1, "y": 1e10}}`: "/from/y", `{}`: "", `{"from": {"x": 1, "y": 2}, "to": 1}`: "",
	} {
		_, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: "docs_calc_ops_shift", Arguments: json.RawMessage(arguments)})
		var at *witjson.Error
		if !errors.Is(err, caisson.CodeInvalidArgument) || !errors.As(err, &at) || at.Path != path {
			t.Errorf("%s: %v", arguments, err)
		}
	}
	for _, arguments := range []any{[]int{1}, "x", 1, make(chan int), json.RawMessage(`{"from"`)} {
		if _, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: "docs_calc_ops_shift", Arguments: arguments}); !errors.Is(err, caisson.CodeInvalidArgument) {
			t.Errorf("%v: %v", arguments, err)
		}
	}
	if _, err := p.CallTool(context.Background(), nil); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Error(err)
	}
}

// One call of a plugin needs no plugin.
func TestRunTool(t *testing.T) {
	r := testRuntime(t)
	result, err := r.RunTool(context.Background(), "testdata/calc.wasm", "docs_calc_ops_add", map[string]int{"a": 40, "b": 2}, nil)
	if err != nil || textOf(result) != "42" {
		t.Error(result, err)
	}
	if _, err := r.RunTool(context.Background(), "testdata/none.wasm", "f", nil, nil); !errors.Is(err, caisson.CodeConnect) {
		t.Error(err)
	}
	if len(r.plugins) > 0 {
		t.Error("the plugin is not closed")
	}
}
