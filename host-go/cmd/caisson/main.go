// Command caisson talks to MCP servers from the command line: it lists their tools and calls them,
// with the protocol running in Caisson's sandbox. See `caisson --help`.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
