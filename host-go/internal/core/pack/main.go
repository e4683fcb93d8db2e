// Command pack puts a freshly built core where the Go module embeds it: made ready to start quickly
// (metered, and parted by what runs in ordinary use), compressed, with the record of its inputs
// beside it. It does nothing when the inputs are those of the core that is
// there already, because a component's bytes differ from build to build.
//
//	go run ./internal/core/pack [-force] [-to FOLDER] BUILD_FOLDER
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
	if len(os.Args) == 2 && os.Args[1] == serveArgument {
		if err := serve(); err != nil {
			os.Exit(1)
		}
		return
	}
	force := flag.Bool("force", false, "pack also when the inputs are the same")
	to := flag.String("to", filepath.Join("internal", "core"), "the folder to put it into")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: pack [-force] [-to FOLDER] BUILD_FOLDER")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *to, *force); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(build, target string, force bool) error {
	inputs, err := os.ReadFile(filepath.Join(build, "inputs.json"))
	if err != nil {
		return err
	}
	if inputs, err = prepared.WithPreparation(inputs); err != nil {
		return err
	}
	there, err := os.ReadFile(filepath.Join(target, "inputs.json"))
	if err == nil && bytes.Equal(inputs, there) && !force {
		fmt.Println("pack: the inputs are those of the core that is there: nothing to do")
		return nil
	}
	wasm, err := os.ReadFile(filepath.Join(build, "core.wasm"))
	if err != nil {
		return err
	}
	packed, summary, err := pack(wasm)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(target, "core.pack"), packed, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(target, "inputs.json"), inputs, 0o644); err != nil {
		return err
	}
	fmt.Printf("pack: %d bytes, %s\n", len(wasm), summary)
	return nil
}

// pack makes the embedded file.
func pack(wasm []byte) (packed []byte, summary string, err error) {
	called, err := profile(wasm)
	if err != nil {
		return nil, "", fmt.Errorf("finding out which functions run: %w", err)
	}
	p, err := component.Prepare(wasm, called)
	if err != nil {
		return nil, "", err
	}
	return prepared.Write(p)
}
