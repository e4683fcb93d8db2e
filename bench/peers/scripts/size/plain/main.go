// A program without Caisson.
package main

import "fmt"

func main() { fmt.Println("nothing") }
