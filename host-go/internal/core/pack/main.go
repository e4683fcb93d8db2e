// Command pack puts a freshly built core where the Go module embeds it: compressed, with the
// record of its inputs beside it. It does nothing when the inputs are those of the core that is
// there already, because a component's bytes differ from build to build.
//
//	go run ./internal/core/pack [-force] BUILD_FOLDER
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

func main() {
	force := flag.Bool("force", false, "pack also when the inputs are the same")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: pack [-force] BUILD_FOLDER")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), filepath.Join("internal", "core"), *force); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(build, target string, force bool) error {
	inputs, err := os.ReadFile(filepath.Join(build, "inputs.json"))
	if err != nil {
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
	// One goroutine, so that the same component always gives the same bytes.
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(32<<20))
	if err != nil {
		return err
	}
	packed := w.EncodeAll(wasm, nil)
	if err := os.WriteFile(filepath.Join(target, "core.wasm.zst"), packed, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(target, "inputs.json"), inputs, 0o644); err != nil {
		return err
	}
	fmt.Printf("pack: %d bytes, %d compressed\n", len(wasm), len(packed))
	return nil
}
