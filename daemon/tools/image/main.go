// Command image makes a container image of caissond, as an OCI layout, without a container engine:
//
//	go run ./tools/image --binary ../bin/caissond --cache ../build/image/cache --out ../build/image/layout
//
// The image has the program, its compiled core, and nothing else: no shell, no libraries, no user but one without rights.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	c := Contents{}
	flags.StringVar(&c.Binary, "binary", "", "the `FILE` of caissond, built for Linux without cgo")
	flags.StringVar(&c.Cache, "cache", "", "the `FOLDER` of the compiled core, for the same processor; none when empty")
	flags.StringVar(&c.Architecture, "arch", runtime.GOARCH, "the processor, as Go names it")
	flags.StringVar(&c.Version, "version", "", "the version, for a label")
	out := flags.String("out", "", "the `FOLDER` of the layout")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if c.Binary == "" || *out == "" || flags.NArg() > 0 {
		return fmt.Errorf("--binary and --out are needed, and no operands")
	}
	image, err := Make(c)
	if err != nil {
		return err
	}
	digest, err := Write(image, *out, c)
	if err != nil {
		return err
	}
	fmt.Println(*out + "@" + digest)
	return nil
}
