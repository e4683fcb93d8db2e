package oci_test

import (
	"context"

	"github.com/caisson-dev/caisson/host-go/caisson/plugin"
	"github.com/caisson-dev/caisson/host-go/caisson/plugin/oci"
)

// A plugin is pulled once, and read from the store after that.
func ExampleStore_Pull() {
	load := func(ctx context.Context, runtime *plugin.Runtime) (*plugin.Plugin, error) {
		store, err := oci.Open(nil)
		if err != nil {
			return nil, err
		}
		if _, err := store.Pull(ctx, "oci://registry.example.com/tools/thumbs:1", nil); err != nil {
			return nil, err
		}
		wasm, err := store.Read("oci://registry.example.com/tools/thumbs:1")
		if err != nil {
			return nil, err
		}
		return runtime.LoadBytes(ctx, wasm, &plugin.Options{Name: "thumbs"})
	}
	_ = load
}
