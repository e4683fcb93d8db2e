//lint:file-ignore SA4006,SA5001 The documents leave out what is done about errors.
//lint:file-ignore U1000 It is there to be compiled.

package docs_test

import (
	"context"
	"io/fs"
	"os"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caisson/auth/keyring"
	"github.com/caisson-dev/caisson/host-go/caisson/plugin"
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// recording is the code in docs/recording.md.
func recording(runtime *caisson.Runtime) (*caisson.Client, error) {
	client, err := runtime.NewClient(&caisson.ClientOptions{Record: caisson.RecordTo("recordings")})
	return client, err
}

// authorization is the code in docs/authorization.md.
func authorization(ctx context.Context, client *caisson.Client, url string, key []byte) ([]auth.Method, error) {
	session, err := client.Connect(ctx, caisson.Server{
		URL:  url,
		Auth: &auth.OAuth{Ask: &auth.Browser{}},
	})
	defer session.Close()
	store, err := auth.OpenFileStore(auth.FileStoreOptions{Key: keyring.OrFile()})
	if err != nil {
		return nil, err
	}
	login := &auth.OAuth{Ask: &auth.Browser{}, Common: auth.Common{Store: store}}
	machine := &auth.ClientCredentials{ClientID: "reports", PrivateKey: key, Common: auth.Common{Scopes: []string{"read"}}}
	workload := &auth.WorkloadIdentity{Assertion: auth.FromFile("/var/run/secrets/tokens/mcp")}
	bearer := &auth.Bearer{Source: auth.FromCommand("gcloud", "auth", "print-access-token")}
	return []auth.Method{login, machine, workload, bearer}, err
}

// plugins is the code in docs/plugins.md.
func plugins(ctx context.Context) (*mcp.CallToolResult, error) {
	runtime, err := plugin.New(ctx, nil)
	defer runtime.Close()
	thumbs, err := runtime.Load(ctx, "thumbs.wasm", &plugin.Options{
		Grants: plugin.Grants{
			Folders: []plugin.Folder{{Path: "/in", Host: "photos"}, {Path: "/out", Host: "small", Write: true}},
			Origins: []string{"https://api.example.com"},
		},
		Limits: plugin.Limits{WallTime: 10 * time.Second},
	})
	result, err := thumbs.CallTool(ctx, &mcp.CallToolParams{Name: "resize", Arguments: map[string]any{"width": 200}})
	return result, err
}

// grants is the code in docs/wasi.md.
func grants(docs fs.FS) error {
	root, err := os.OpenRoot("work") // the caller's to close
	linker := component.NewLinker()
	wasi.AddToLinker(linker, &wasi.Config{
		Args:           []string{"program", "--flag"},
		Env:            [][2]string{{"LANG", "C"}},
		Stdout:         os.Stdout,
		Mounts:         []wasi.Mount{{Path: "/", Root: root}, {Path: "/docs", FS: docs}},
		AllowedOrigins: []string{"https://api.example.com"},
	})
	return err
}

// fewerGrants is the code in the comment of the package wasi.
func fewerGrants(linker *component.Linker, root *os.Root) {
	wasi.AddToLinker(linker, &wasi.Config{
		Args:           []string{"program", "--flag"},
		Stdout:         os.Stdout,
		Mounts:         []wasi.Mount{{Path: "/", Root: root}},
		AllowedOrigins: []string{"https://api.example.com"},
	})
}

// components is the code in the comment of the package component.
func components(ctx context.Context, wasm []byte, linker *component.Linker) (any, error) {
	r, err := component.NewRuntime(ctx, nil)         // once
	c, err := r.Compile(ctx, wasm)                   // once for each component
	in, err := c.Instantiate(ctx, linker)            // as often as wanted
	out, err := in.ExportedFunction("run").Call(ctx) // one call at a time
	return out, err
}

// bounded is other code in the comment of the package component.
func bounded(ctx context.Context, c *component.Compiled, linker *component.Linker) (any, error) {
	in, err := c.InstantiateWith(ctx, linker, component.Limits{Memory: 64 << 20})
	out, err := in.ExportedFunction("run").Call(component.WithFuel(ctx, 1e9))
	return out, err
}
