package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"

	"github.com/caisson-dev/caisson/daemon/internal/config"
	"github.com/caisson-dev/caisson/daemon/internal/server"
)

// flags are those of the daemon.
type flags struct {
	config, metrics, cacheDir, logFormat string
	store, nats                          string
	listen                               []string
	noStore, verbose                     bool
}

func command() *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "caissond",
		Short: "Serve MCP servers and scripts by gRPC and HTTP, for many programs",
		Long: `Serves the MCP servers and the scripts of a configuration, by gRPC, gRPC-Web, Connect and plain HTTP, on one
port. Who calls has to say who they are: by a token, a client certificate or, on a Unix socket, as the user of
the process. Without a word of that in the configuration, it makes a token for the user of this machine, and
says where that is.

It ends at SIGTERM, when the calls that are underway have ended, and reads its configuration, policy and lock
file again at SIGHUP.`,
		Example: `  caissond --config caisson.yaml
  caissond --config caisson.yaml --listen unix:/run/caisson.sock --listen 127.0.0.1:3285
  caissond check --config caisson.yaml
  caissond admin list-servers`,
		Version: caisson.Version, Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error { return serve(c.Context(), &f) },
	}
	f.ofConfig(c)
	c.Flags().StringArrayVar(&f.listen, "listen", nil, "listen at `ADDRESS`, host:port or unix:PATH, in place of those of the configuration; repeatable")
	c.Flags().StringVar(&f.metrics, "metrics", "", "serve metrics for Prometheus at `ADDRESS`, host:port, in place of the one of the configuration")
	c.Flags().StringVar(&f.store, "store", "", "keep what outlives the daemon in `FOLDER`, in place of the one of the configuration (default \"caisson/daemon/store\" in your configuration folder)")
	c.Flags().BoolVar(&f.noStore, "no-store", false, "keep nothing")
	c.Flags().StringVar(&f.nats, "nats", "", "share it with other daemons, by the NATS servers at `URL`, nats://host:port or tls://host:port, in place of nats.url of the configuration")
	c.MarkFlagsMutuallyExclusive("store", "no-store", "nats")
	c.Flags().StringVar(&f.cacheDir, "cache-dir", "", "keep the compiled core in `FOLDER` (default \"caisson\" in your cache folder)")
	c.Flags().StringVar(&f.logFormat, "log-format", "text", "write the log as `text|json`")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "log more")
	c.AddCommand(wrong(adminCommand()), checkCommand(&f), wrong(runsCommand()), schemaCommand(), shareLoginsCommand(&f))
	c.DisableAutoGenTag = true // A manual page is the same on each day.
	return c
}

// ofConfig adds the flag of who reads the configuration.
func (f *flags) ofConfig(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&f.config, "config", "caisson.yaml", "the configuration is in `FILE`")
	_ = c.MarkFlagFilename("config", "yaml", "yml")
	return c
}

func checkCommand(f *flags) *cobra.Command {
	return f.ofConfig(&cobra.Command{
		Use:   "check",
		Short: "Say what is wrong with the configuration, and with the files that it names",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := check(c.Context(), f.config); err != nil {
				return err
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), f.config+" is good")
			return err
		},
	})
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration, for editors",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := config.Schema()
			if err == nil {
				_, err = c.OutOrStdout().Write(text)
			}
			return err
		},
	}
}

func shareLoginsCommand(f *flags) *cobra.Command {
	return f.ofConfig(&cobra.Command{
		Use:   "share-logins",
		Short: "Put the logins of this machine where all daemons have them",
		Long: `Puts the logins of the folder in credentials, where 'caisson auth login' has made them, into the NATS servers of the
configuration, encrypted by the key in nats.credentialsKey, in the place of those that are there.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := config.Load(f.config)
			if err != nil {
				return err
			}
			n, err := server.ShareLogins(c.Context(), file, nil)
			if err == nil {
				_, err = fmt.Fprintf(c.OutOrStdout(), "%d logins are shared\n", n)
			}
			return err
		},
	})
}

// check reads a configuration, and the files that it names.
func check(ctx context.Context, path string) error {
	file, err := config.Load(path)
	if err != nil {
		return err
	}
	return server.Check(ctx, file)
}

// logger makes the log.
func (f *flags) logger() (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if f.verbose {
		options.Level = slog.LevelDebug
	}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, options)), nil
	}
	return nil, fmt.Errorf("--log-format %q is neither text nor json", f.logFormat)
}
