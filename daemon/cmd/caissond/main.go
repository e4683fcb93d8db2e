// Command caissond is the daemon: MCP servers and scripts by gRPC, gRPC-Web, Connect and HTTP, for many programs. See
// `caissond --help` and docs/daemon.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	_ "golang.org/x/crypto/x509roots/fallback" // for images that have no certificates of their own

	"github.com/caisson-dev/caisson/host-go/caisson/confine"
	"github.com/caisson-dev/caisson/host-go/caisson/isolate"
)

func main() {
	confine.Main()
	isolate.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "caissond:", err)
		code := exitCode(err)
		if ctx.Err() != nil && code != exitDaemon { // A command that was interrupted.
			code = exitInterrupted
		}
		stop()
		os.Exit(code)
	}
}
