// Command caisson talks to MCP servers from the command line. It has a command for each call of the protocol,
// which runs in Caisson's sandbox. See `caisson --help`.
package main

import (
	"os"

	"github.com/caisson-dev/caisson/host-go/caisson/confine"
	"github.com/caisson-dev/caisson/host-go/caisson/isolate"
)

func main() {
	confine.Main()
	isolate.Main()
	collectLater()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
