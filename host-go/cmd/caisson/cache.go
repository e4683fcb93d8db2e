package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

func (a *app) cacheCommand() *cobra.Command {
	var flags runtimeFlags
	c := &cobra.Command{
		Use:   "cache",
		Short: "Inspect and change the cache of the compiled core",
		Long: `The core is a WebAssembly component. Compiling it takes seconds, so the program keeps the machine
code in a folder, about 80 MB for each version of the program. Processes may share the folder.
Damaged files in it are replaced. When it has more than 512 MB, the files that were not used for
longest are removed. The program does not use a folder that another user could have put code into:
root does not use a user's folder, and a user does not use one that others may write to.`,
		Example: `  caisson cache warm    # while a container image is built, for example
  du -sh "$(caisson cache path)"`,
		Args: cobra.ArbitraryArgs,
		RunE: needSubcommand,
	}
	c.PersistentFlags().StringVar(&flags.cacheDir, "cache-dir", "", "the `FOLDER` (default \"caisson\" in your cache folder)")
	c.AddCommand(
		&cobra.Command{
			Use: "warm", Short: "Compile all of the core that is not in the cache", Args: noArgs,
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
			Use: "status", Short: "Print the size of the cache, and whether it can be used", Args: noArgs,
			RunE: func(c *cobra.Command, _ []string) error { return a.cacheStatus(c, &flags) },
		},
		&cobra.Command{
			Use: "clear", Short: "Delete the cache's files from the folder", Args: noArgs,
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
	options.CompileFirst = true
	runtime, err := a.newRuntime(c.Context(), options)
	if err != nil {
		return err
	}
	if err := errors.Join(runtime.Compile(c.Context(), nil), runtime.Close()); err != nil {
		return err
	}
	files, err := cacheFiles(dir)
	if err != nil {
		return err
	}
	if len(files.paths) == 0 {
		return errors.Join(caisson.CheckCache(c.Context(), options), fmt.Errorf("nothing could be kept in %s", dir))
	}
	return a.printf("The cache is warm: %s in %s\n", size(files.bytes), dir)
}

// cacheStatus prints the state of the cache. It fails when the cache cannot be used.
func (a *app) cacheStatus(c *cobra.Command, flags *runtimeFlags) error {
	options := flags.options(a)
	dir, err := caisson.CacheDir(options)
	if err != nil {
		return err
	}
	files, err := cacheFiles(dir)
	if err := errors.Join(caisson.CheckCache(c.Context(), options), err); err != nil {
		return err
	}
	return a.printf("%s in %s, which can be used\n", size(files.bytes), dir)
}

// clearCache deletes the cache's own files, and the folders that are then empty. The user may have other
// files in the folder.
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
		_ = os.Remove(folder) // It fails for a folder that is not empty.
	}
	return a.printf("Deleted %s from %s\n", size(files.bytes), dir)
}

// A cacheContent lists what the cache has put into its folder.
type cacheContent struct {
	folders []string
	paths   []string
	bytes   int
}

// cacheFolder matches the names of the cache's folders: those of entries, of files that are being compiled,
// and of earlier versions. cacheFile matches the names of files in them, which begin with a hash.
var (
	cacheFolder = regexp.MustCompile(`^(component-[0-9]+-wazero|component-stage|wazero)-`)
	cacheFile   = regexp.MustCompile(`^[0-9a-f]{64}(-[0-9a-f]{64})?(\.code|\.memory|\.start)?(\.[0-9]+)?(\.tmp)?$`)
)

// cacheFiles finds the files of the cache. Links are not followed.
func cacheFiles(dir string) (cacheContent, error) {
	var content cacheContent
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // Another process may have been quicker.
		case err != nil:
			return fmt.Errorf("looking into the cache: %w", err)
		case path == dir:
		case entry.IsDir() && !cacheFolder.MatchString(entry.Name()):
			return fs.SkipDir
		case entry.IsDir():
			content.folders = append(content.folders, path)
		case filepath.Dir(path) != dir && entry.Type().IsRegular() && cacheFile.MatchString(entry.Name()):
			content.paths = append(content.paths, path)
			if info, err := entry.Info(); err == nil {
				content.bytes += int(info.Size())
			}
		}
		return nil
	})
	slices.Reverse(content.folders) // Inner folders come first.
	return content, err
}
