// Package plugin runs WebAssembly components as MCP tools, in the process of the program and in a sandbox. A
// [Plugin] is a [caisson.Caller]: whatever lists and calls the tools of servers takes a plugin too.
//
//	runtime, err := plugin.New(ctx, nil)
//	defer runtime.Close()
//	thumbs, err := runtime.Load(ctx, "thumbs.wasm", &plugin.Options{
//		Grants: plugin.Grants{
//			Folders: []plugin.Folder{{Path: "/in", Host: "photos"}, {Path: "/out", Host: "small", Write: true}},
//			Origins: []string{"https://api.example.com"},
//		},
//		Limits: plugin.Limits{WallTime: 10 * time.Second},
//	})
//	result, err := thumbs.CallTool(ctx, &mcp.CallToolParams{Name: "resize", Arguments: map[string]any{"width": 200}})
//
// # Which components
//
// A component that exports the interface caisson:plugin/provider (wit/plugin/ in the repository) lists its tools
// and is called by JSON: it can say everything that MCP can. Of any other component each exported function is a
// tool:
//
//   - The name of the tool is package_interface_function, without the version: docs_calc_ops_add for the function add
//     of the interface docs:calc/ops@1.0.0, and just hello for a function of the world itself. A name of more than 64
//     characters is cut, with a hash at its end. Two functions that would have the same name are an error.
//   - The input schema, and the output schema of a result, come from the WIT types; package witjson says how values
//     look as JSON. The arguments are checked against the types, and an error names the place.
//   - The error of a function's result type is a result with IsError. A value that is a record is the structured
//     content; any other value is the member "result" of it. The content has the same as text: a string as it is, and
//     anything else as JSON.
//   - The description is that of the WIT package, where the component has it.
//   - A function with a resource in its type cannot be a tool: the component is refused.
//
// # What a plugin may do
//
// A plugin computes, and reaches what its [Grants] name: nothing by default. Its [Limits] bound every call. It cannot
// stop the program, whatever it does: after a trap its instance is gone, and the next call has a new one.
//
// docs/plugins.md in the repository is for who writes plugins, and has the threat model.
package plugin
