package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"
)

// A daemonMissing is a daemon that is not installed.
type daemonMissing struct{ folder string }

func (e *daemonMissing) Error() string {
	return fmt.Sprintf("caissond is not installed: it is neither beside this program, in %s, nor in a folder of PATH", e.folder)
}

func (a *app) daemonCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "daemon [ARG]...",
		Short: "Start caissond, which serves many programs by gRPC and HTTP",
		Long: `Starts caissond where it is installed: beside this program, or else in a folder of PATH. It gets all
arguments that follow, and this command's input, output and signals. Its own help is that of
'caisson daemon --help'.`,
		Example: `  caisson daemon --config caisson.yaml
  caisson daemon check --config caisson.yaml`,
		DisableFlagParsing: true, DisableFlagsInUseLine: true,
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(c *cobra.Command, args []string) error {
			path, err := findDaemon()
			if err != nil {
				return err
			}
			return a.become(c.Context(), path, args)
		},
	}
}

// findDaemon returns the path of caissond.
func findDaemon() (string, error) {
	name := "caissond"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	own, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding caissond: %w", err)
	}
	folder := filepath.Dir(own)
	// With a folder in front, it is this file or none.
	if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
		return path, nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &daemonMissing{folder}
	}
	return path, nil
}
