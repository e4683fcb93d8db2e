package scripttools_test

import (
	"context"
	"fmt"
	"os"
	"testing/fstest"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/scripttools"
)

// words is the script that the documentation of the package shows.
const words = `
	/* ---
	description: Counts the words of a file.
	inputSchema:
	  properties: {path: {type: string}}
	  required: [path]
	tools: {files: [read_file]}
	limits: {time: 30s}
	--- */
	return (await tools.files.read_file({ path: input.path })).split(' ').length
`

func toolsOf(client *caisson.Client, session *caisson.Session) (caisson.Caller, error) {
	folder, err := scripttools.Load(os.DirFS("scripts"), nil)
	if err != nil {
		return nil, err
	}
	tools := folder.Caller(client, scripttools.Servers(map[string]caisson.Caller{"files": session}))
	return tools, nil
}

var _ = toolsOf

type file struct {
	Path string `json:"path"`
}

// A script becomes a tool, with a tool of the program's own in its hands.
func Example() {
	ctx := context.Background()
	client, err := shared()
	if err != nil {
		panic(err)
	}
	files := &caisson.Functions{}
	err = caisson.AddFunction(files, "read_file", "Reads a file.", func(context.Context, file) (string, error) { return "four words of text", nil })
	if err != nil {
		panic(err)
	}
	folder, err := scripttools.Load(fstest.MapFS{"words.js": &fstest.MapFile{Data: []byte(unindented(words))}}, nil)
	if err != nil {
		panic(err)
	}
	tools := folder.Caller(client, scripttools.Servers(map[string]caisson.Caller{"files": files}))
	result, err := tools.CallTool(ctx, &mcp.CallToolParams{Name: "words", Arguments: file{"a.txt"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(result.Content[0].(*mcp.TextContent).Text)
	// Output: 4
}
