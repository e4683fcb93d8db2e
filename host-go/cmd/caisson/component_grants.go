package main

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/plugin"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// grantFlags say what the program is granted.
type grantFlags struct{ dirs, env, net []string }

func (f *grantFlags) register(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.dirs, "dir", nil, "grant a folder, `HOST[:GUEST][:ro]`; repeatable")
	c.Flags().StringArrayVar(&f.env, "env", nil, "grant a variable of the environment, `NAME[=VALUE]`; repeatable")
	c.Flags().StringArrayVar(&f.net, "net", nil, "grant HTTP requests to `ORIGIN`; repeatable")
}

// config returns the grants for a component that is a program. It opens their folders, and leaves them open even
// when it fails.
func (f *grantFlags) config(c *cobra.Command) (*wasi.Config, error) {
	cfg := &wasi.Config{AllowedOrigins: f.net}
	if err := f.checkOrigins(c); err != nil {
		return cfg, err
	}
	var err error
	if cfg.Env, err = f.variables(c); err != nil {
		return cfg, err
	}
	for _, text := range f.dirs {
		m, host := splitMount(text)
		if m.Root, err = os.OpenRoot(host); err != nil {
			return cfg, usage(c, "--dir: %w", err)
		}
		cfg.Mounts = append(cfg.Mounts, m)
	}
	return cfg, nil
}

// grants returns the grants for a plugin.
func (f *grantFlags) grants(c *cobra.Command) (plugin.Grants, error) {
	g := plugin.Grants{Origins: f.net, Env: map[string]string{}}
	if err := f.checkOrigins(c); err != nil {
		return g, err
	}
	variables, err := f.variables(c)
	if err != nil {
		return g, err
	}
	for _, v := range variables {
		g.Env[v[0]] = v[1]
	}
	for _, text := range f.dirs {
		m, host := splitMount(text)
		if root, err := os.OpenRoot(host); err != nil {
			return g, usage(c, "--dir: %w", err)
		} else if err := root.Close(); err != nil {
			return g, err
		}
		g.Folders = append(g.Folders, plugin.Folder{Path: m.Path, Host: host, Write: !m.ReadOnly})
	}
	return g, nil
}

func (f *grantFlags) checkOrigins(c *cobra.Command) error {
	for _, origin := range f.net {
		if _, err := wasi.ParseOrigin(origin); err != nil {
			return usage(c, "--net: %s", strings.TrimPrefix(err.Error(), "wasi: "))
		}
	}
	return nil
}

// variables returns the variables of the environment, by name and value.
func (f *grantFlags) variables(c *cobra.Command) (all [][2]string, err error) {
	for i, text := range f.env {
		name, value, given := strings.Cut(text, "=")
		if name == "" {
			return nil, usage(c, "--env number %d has no name", i+1)
		}
		if !given {
			if value, given = os.LookupEnv(name); !given {
				continue
			}
		}
		all = append(all, [2]string{name, value})
	}
	return all, nil
}

// closeFolders closes the folders that config has opened.
func closeFolders(cfg *wasi.Config) {
	for _, m := range cfg.Mounts {
		_ = m.Root.Close()
	}
}

// splitMount reads HOST[:GUEST][:ro].
func splitMount(text string) (m wasi.Mount, host string) {
	text, m.ReadOnly = strings.CutSuffix(text, ":ro")
	drive := 0
	if runtime.GOOS == "windows" {
		drive = len(filepath.VolumeName(text))
	}
	host, guest, _ := strings.Cut(text[drive:], ":")
	host = text[:drive] + host
	if guest == "" {
		guest = filepath.ToSlash(host)
	}
	m.Path = guest
	return m, host
}

// A byteSize is the value of a flag: a number of bytes, KiB, MiB or GiB.
type byteSize uint64

var sizeUnits = map[string]uint64{"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

// Set reads a size.
func (s *byteSize) Set(text string) error {
	digits := strings.TrimRight(text, "KMGiB")
	unit, known := sizeUnits[text[len(digits):]]
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || !known || n == 0 || n > math.MaxUint64/unit {
		return errors.New("it is not a size, such as 1048576, 512KiB, 64MiB or 1GiB")
	}
	*s = byteSize(n * unit)
	return nil
}

func (s *byteSize) String() string {
	if *s == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(*s), 10)
}

// Type returns the name of the value in the help.
func (s *byteSize) Type() string { return "size" }
