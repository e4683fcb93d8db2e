// Command pack puts a freshly built Python component where the Go module embeds it: made ready to start quickly
// (metered, and parted by what runs in ordinary scripts), compressed, with the record of its inputs beside it. It
// does nothing when the inputs are those of the component that is there already, because a component's bytes differ
// from build to build.
//
//	go run ./internal/python/pack [-force] BUILD_FOLDER
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/caisson-dev/caisson/host-go/component"
	prepared "github.com/caisson-dev/caisson/host-go/internal/pack"
)

func main() {
	force := flag.Bool("force", false, "pack also when the inputs are the same")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: pack [-force] BUILD_FOLDER")
		os.Exit(2)
	}
	if err := pack(flag.Arg(0), filepath.Join("internal", "python"), *force); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(build, target string, force bool) error {
	inputs, err := os.ReadFile(filepath.Join(build, "python.json"))
	if err != nil {
		return err
	}
	if inputs, err = prepared.WithPreparation(inputs); err != nil {
		return err
	}
	there, err := os.ReadFile(filepath.Join(target, "inputs.json"))
	_, missing := os.Stat(filepath.Join(target, "python.pack"))
	if err == nil && missing == nil && bytes.Equal(inputs, there) && !force {
		fmt.Println("pack: the inputs are those of the Python component that is there: nothing to do")
		return nil
	}
	wasm, err := os.ReadFile(filepath.Join(build, "python.wasm"))
	if err != nil {
		return err
	}
	called, err := profile(wasm)
	if err != nil {
		return fmt.Errorf("finding out which functions run: %w", err)
	}
	p, err := component.Prepare(wasm, called)
	if err != nil {
		return err
	}
	packed, summary, err := prepared.Write(p)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(target, "python.pack"), packed, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(target, "inputs.json"), inputs, 0o644); err != nil {
		return err
	}
	fmt.Printf("pack: %d bytes, %s\n", len(wasm), summary)
	return nil
}
