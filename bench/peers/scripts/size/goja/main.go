// A program that runs JavaScript in goja.
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/dop251/goja"
)

func main() {
	value, err := goja.New().RunString(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(value.Export())
}
