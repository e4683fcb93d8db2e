package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

func (a *app) cacheCommand() *cobra.Command {
	var flags runtimeFlags
	c := &cobra.Command{
		Use:   "cache",
		Short: "Look after the cache of the compiled core",
		Long: `The core is a WebAssembly component. Compiling it takes seconds, so that the machine code is kept
in a folder, about 50 MB for each version of the program.`,
		Example: `  caisson cache warm    # while a container image is built, for example
  du -sh "$(caisson cache path)"`,
		Args: cobra.ArbitraryArgs,
		RunE: needSubcommand,
	}
	c.PersistentFlags().StringVar(&flags.cacheDir, "cache-dir", "", "the `FOLDER` (default \"caisson\" in your cache folder)")
	c.AddCommand(
		&cobra.Command{
			Use: "warm", Short: "Compile the core, unless that is done", Args: noArgs,
			RunE: func(c *cobra.Command, _ []string) error { return a.warmCache(c, &flags) },
		},
		&cobra.Command{
			Use: "path", Short: "Print the folder", Args: noArgs,
			RunE: func(*cobra.Command, []string) error {
				dir, err := caisson.CacheDir(flags.options(a))
				if err != nil {
					return err
				}
				return a.printf("%s\n", dir)
			},
		},
		&cobra.Command{
			Use: "clear", Short: "Delete what the cache has put into the folder", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { return a.clearCache(&flags) },
		},
	)
	return c
}

func (a *app) warmCache(c *cobra.Command, flags *runtimeFlags) error {
	options := flags.options(a)
	dir, err := caisson.CacheDir(options)
	if err != nil {
		return err
	}
	runtime, err := a.newRuntime(c.Context(), options)
	if err != nil {
		return err
	}
	if err := runtime.Close(); err != nil {
		return err
	}
	files, err := cacheFiles(dir)
	if err != nil {
		return err
	}
	return a.printf("The cache is warm: %s in %s\n", size(files.bytes), dir)
}

// clearCache deletes the cache's own files, and the folders that are then empty. The folder may be
// one that the user has other things in.
func (a *app) clearCache(flags *runtimeFlags) error {
	dir, err := caisson.CacheDir(flags.options(a))
	if err != nil {
		return err
	}
	files, err := cacheFiles(dir)
	if err != nil {
		return err
	}
	for _, path := range files.paths {
		// Another process may have been quicker.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clearing the cache: %w", err)
		}
	}
	for _, folder := range append(files.folders, dir) {
		_ = os.Remove(folder) // Which does nothing to one that is not empty.
	}
	return a.printf("Deleted %s from %s\n", size(files.bytes), dir)
}

// A cacheContent is what the cache has put into its folder.
type cacheContent struct {
	folders []string
	paths   []string
	bytes   int
}

// cacheFile matches the names that wazero gives to the files of its cache.
var cacheFile = regexp.MustCompile(`^[0-9a-f]{64}(\.tmp)?$`)

// cacheFiles finds the files of the cache: those named for a hash, in folders named for a version
// of wazero. Links are not followed.
func cacheFiles(dir string) (cacheContent, error) {
	var content cacheContent
	folders, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return content, nil
	}
	if err != nil {
		return content, fmt.Errorf("looking into the cache: %w", err)
	}
	for _, folder := range folders {
		if !folder.IsDir() || !strings.HasPrefix(folder.Name(), "wazero-") {
			continue
		}
		path := filepath.Join(dir, folder.Name())
		content.folders = append(content.folders, path)
		files, err := os.ReadDir(path)
		if err != nil {
			return content, fmt.Errorf("looking into the cache: %w", err)
		}
		for _, file := range files {
			if !file.Type().IsRegular() || !cacheFile.MatchString(file.Name()) {
				continue
			}
			content.paths = append(content.paths, filepath.Join(path, file.Name()))
			if info, err := file.Info(); err == nil {
				content.bytes += int(info.Size())
			}
		}
	}
	return content, nil
}
