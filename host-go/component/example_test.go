package component_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// A component that imports a log and exports a greeter; testdata/hello.wat is
// its source.
func Example() {
	ctx := context.Background()
	wasm, err := os.ReadFile("testdata/hello.wasm")
	if err != nil {
		log.Fatal(err)
	}
	r, err := component.NewRuntime(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close(ctx)
	compiled, err := r.Compile(ctx, wasm)
	if err != nil {
		log.Fatal(err)
	}

	linker := component.NewLinker()
	wasi.AddToLinker(linker, &wasi.Config{Stdout: os.Stdout})
	linker.Interface("t:greet/log@1.0.0").Func("line", func(text string) {
		fmt.Println("log:", text)
	})

	instance, err := compiled.Instantiate(ctx, linker)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close(ctx)
	greet, err := component.Bind[string, string](instance.ExportedFunction("t:greet/greeter@1.0.0#greet"))
	if err != nil {
		log.Fatal(err)
	}
	out, err := greet(ctx, "gopher")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("result:", out)
	// Output:
	// log: hello, gopher
	// result: hello, gopher
}

func ExampleCompiled_WIT() {
	ctx := context.Background()
	wasm, err := os.ReadFile("testdata/hello.wasm")
	if err != nil {
		log.Fatal(err)
	}
	r, err := component.NewRuntime(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close(ctx)
	compiled, err := r.Compile(ctx, wasm)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(compiled.WIT())
	// Output:
	// package root:component;
	//
	// world root {
	//   import t:greet/log@1.0.0;
	//   export t:greet/greeter@1.2.0;
	//   export trap: func();
	// }
	//
	// package t:greet@1.0.0 {
	//   interface log {
	//     line: func(text: string);
	//   }
	// }
	//
	// package t:greet@1.2.0 {
	//   interface greeter {
	//     greet: func(name: string) -> string;
	//   }
	// }
}
