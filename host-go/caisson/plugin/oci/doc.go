// Package oci gets plugins from OCI registries, and keeps them in a store on disk.
//
//	store, err := oci.Open(nil)
//	if err != nil {
//		return nil, err
//	}
//	if _, err := store.Pull(ctx, "oci://registry.example.com/tools/thumbs:1", nil); err != nil {
//		return nil, err
//	}
//	wasm, err := store.Read("oci://registry.example.com/tools/thumbs:1")
//	if err != nil {
//		return nil, err
//	}
//	return runtime.LoadBytes(ctx, wasm, &plugin.Options{Name: "thumbs"})
//
// Nothing but [Store.Pull] uses the network. A reference with a digest, oci://registry/repository@sha256:…, names one
// plugin for ever. A tag is pinned to the digest that it has when it is pulled first: later pulls and reads of the tag
// give that plugin, whatever the tag has become, until a pull with [PullOptions].Update.
//
// What is read is checked against its digest each time, and against a signature where [Options].Keys has keys.
package oci
