// Command pack puts a freshly built core where the Go module embeds it: made ready to start quickly
// (metered, and parted by what runs in ordinary use), compressed, with the record of its inputs
// beside it. It does nothing when the inputs are those of the core that is
// there already, because a component's bytes differ from build to build.
//
//	go run ./internal/core/pack [-force] [-to FOLDER] BUILD_FOLDER
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/caisson-dev/caisson/host-go/internal/pack"
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
	done, err := pack.Embed(pack.Embedding{
		Wasm:    filepath.Join(flag.Arg(0), "core.wasm"),
		Inputs:  filepath.Join(flag.Arg(0), "inputs.json"),
		Folder:  *to,
		Pack:    "core.pack",
		Profile: profile,
		Force:   *force,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
	fmt.Println("pack:", done)
}
