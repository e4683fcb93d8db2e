package python_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
)

func Example() {
	ctx := context.Background()
	client, err := caisson.New(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	result, err := client.RunScript(ctx, caisson.Script{
		Language: python.Language,
		Source:   "sum(input)",
		Input:    []int{1, 2, 3},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(result.Value))
	// Output: 6
}

func ExampleWithPackages() {
	root, err := os.OpenRoot("testdata/packages")
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()
	ctx := context.Background()
	client, err := caisson.New(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	result, err := client.RunScript(ctx, caisson.Script{
		Language: python.WithPackages(root.FS()),
		Source:   "import greeting\ngreeting.of('Ann')",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(result.Value))
	// Output: "Good morning, Ann"
}
