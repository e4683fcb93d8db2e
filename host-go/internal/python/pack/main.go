// Command pack puts a freshly built Python component where the Go module embeds it: made ready to start quickly
// (metered, and parted by what runs in ordinary scripts), compressed, with the record of its inputs beside it. It
// does nothing when the inputs are those of the component that is there already, because a component's bytes differ
// from build to build.
//
//	go run ./internal/python/pack [-force] BUILD_FOLDER
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/caisson-dev/caisson/host-go/internal/pack"
)

func main() {
	force := flag.Bool("force", false, "pack also when the inputs are the same")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: pack [-force] BUILD_FOLDER")
		os.Exit(2)
	}
	done, err := pack.Embed(pack.Embedding{
		Wasm:    filepath.Join(flag.Arg(0), "python.wasm"),
		Inputs:  filepath.Join(flag.Arg(0), "python.json"),
		Folder:  filepath.Join("internal", "python"),
		Pack:    "python.pack",
		Profile: profile,
		Force:   *force,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
	fmt.Println("pack:", done)
}
