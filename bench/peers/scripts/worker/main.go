// A Go program that has a process in another language run its scripts: over pipes, in one process for all
// runs or in one for each, or over gRPC.
package main

import (
	"context"
	"flag"

	"github.com/caisson-dev/caisson/host-go/bench/internal/scripting"
)

func main() {
	over := flag.String("over", "pipe", "pipe or grpc")
	each := flag.Bool("each", false, "start a process for each run, over a pipe")
	flag.Parse()
	scripting.Main(func(_ context.Context, tools *scripting.Tools) (scripting.Engine, error) {
		switch {
		case *over == "grpc":
			return openGRPC(flag.Args(), tools)
		case *each:
			return &apart{command: flag.Args(), tools: tools, running: map[int]struct{}{}}, nil
		}
		return openKept(flag.Args(), tools)
	})
}
