package wasi_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"testing/fstest"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// A program that was built for wasm32-wasip2 runs with what it is granted: two
// arguments, a variable, an input and a folder that it can read.
func ExampleAddToLinker() {
	ctx := context.Background()
	file, err := os.ReadFile("testdata/guest.wasm")
	if err != nil {
		log.Fatal(err)
	}
	runtime, err := component.NewRuntime(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer runtime.Close(ctx)
	program, err := runtime.Compile(ctx, file)
	if err != nil {
		log.Fatal(err)
	}

	linker := component.NewLinker()
	wasi.AddToLinker(linker, &wasi.Config{
		Args:   []string{"guest", "hello", "world"},
		Env:    [][2]string{{"LANG", "C"}},
		Stdin:  strings.NewReader("some text"),
		Stdout: os.Stdout,
		Mounts: []wasi.Mount{{Path: "/", FS: fstest.MapFS{"notes.txt": {Data: []byte("remember")}}}},
	})
	instance, err := program.Instantiate(ctx, linker)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close(ctx)
	result, err := instance.ExportedFunction("wasi:cli/run@0.2.0#run").Call(ctx)
	var exit *wasi.ExitError
	if errors.As(err, &exit) {
		fmt.Println("exit code", exit.Code)
	} else if err != nil {
		log.Fatal(err)
	} else {
		fmt.Println("success:", result[0].(component.Result).OK)
	}
	// Output:
	// args ["world"]
	// env LANG=C
	// cwd None
	// stdin SOME TEXT
	// success: true
}
