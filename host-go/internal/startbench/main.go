// Command startbench measures what a start costs: the time from a process's first instruction to
// the result of its first call, with an empty cache and a warm one, further sessions, memory, two
// sessions at once, and a soak. It measures itself, run again as a process of its own.
//
//	go run ./internal/startbench [-runs 5] [-only start,sessions,parallel,soak] [-peer NAME=COMMAND]
//
// The servers are the demo server: in another process over stdio for starts, in another process
// over HTTP for the rest.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	if mode := os.Getenv(modeVariable); mode != "" {
		if err := child(mode); err != nil {
			fmt.Fprintln(os.Stderr, mode+":", err)
			os.Exit(1)
		}
		return
	}
	runs := flag.Int("runs", 5, "how often each start is measured")
	var peers []string
	flag.Func("peer", "another client to start, `NAME=COMMAND`", func(peer string) error {
		peers = append(peers, peer)
		return nil
	})
	only := flag.String("only", "start,sessions,parallel,soak", "what to measure")
	calls := flag.Int("calls", 20_000, "calls of the soak")
	connects := flag.Int("connects", 200, "connects of the soak")
	flag.Parse()
	for _, name := range strings.Split(*only, ",") {
		var err error
		switch name {
		case "start":
			err = starts(*runs, peers)
		case "sessions":
			err = measure("sessions")
		case "parallel":
			err = measure("parallel")
		case "soak":
			err = measure("soak", fmt.Sprintf("CALLS=%d", *calls), fmt.Sprintf("CONNECTS=%d", *connects))
		default:
			err = fmt.Errorf("there is nothing called that")
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
	}
}
