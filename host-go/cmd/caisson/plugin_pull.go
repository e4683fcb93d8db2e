package main

import (
	"context"
	"crypto"
	"strings"

	"github.com/spf13/cobra"
	"oras.land/oras-go/v2/registry/remote/credentials"

	"github.com/caisson-dev/caisson/host-go/caisson/plugin/oci"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/jsontext"
)

// storeOfPlugins are the flags of commands that use plugins of a registry.
type storeOfPlugins struct {
	folder  string
	keys    []string
	private bool
}

func (f *storeOfPlugins) register(c *cobra.Command) {
	c.Flags().StringVar(&f.folder, "plugins", "", "keep pulled plugins in `FOLDER` (default \"plugins\" in caisson's configuration folder)")
	c.Flags().StringArrayVar(&f.keys, "key", nil, "take an oci:// plugin only when the public key in `FILE`, such as cosign.pub, has signed it; repeatable, for other keys")
}

func (f *storeOfPlugins) open(c *cobra.Command) (*oci.Store, error) {
	o := &oci.Options{Folder: f.folder, PrivateAddresses: f.private, Credentials: dockerCredentials}
	for _, file := range f.keys {
		text, err := readFile(c.Context(), file)
		if err != nil {
			return nil, usage(c, "--key: %w", err)
		}
		key, err := oci.ParseKey(text)
		if err != nil {
			return nil, usage(c, "--key: %s: %w", file, err)
		}
		o.Keys = append(o.Keys, crypto.PublicKey(key))
	}
	return oci.Open(o)
}

// dockerCredentials are those of 'docker login', which other tools for registries use too.
func dockerCredentials(ctx context.Context, registry string) (name, password string, err error) {
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return "", "", err
	}
	found, err := credentials.Credential(store)(ctx, registry)
	if found.RefreshToken != "" {
		return "", found.RefreshToken, err
	}
	return found.Username, found.Password, err
}

// isReference reports whether a plugin is one of a registry.
func isReference(plugin string) bool { return strings.HasPrefix(plugin, oci.Scheme) }

func (a *app) pullPluginCommand() *cobra.Command {
	var flags storeOfPlugins
	var options oci.PullOptions
	var asJSON bool
	c := &cobra.Command{
		Use:   "pull oci://REGISTRY/REPOSITORY[:TAG|@sha256:DIGEST]",
		Short: "Get a plugin from an OCI registry",
		Long: `Gets a plugin from an OCI registry and keeps it, and prints its reference by digest. No other command
uses the network for a plugin. The first pull of a tag pins the tag to the digest that it has then;
later pulls and calls take that plugin, until --update pins the tag anew.

With --key the plugin must be signed, by 'cosign sign --key'; give --key to the commands that call
the plugin, too. Credentials are those of 'docker login'.`,
		Example: `  caisson plugin pull oci://registry.example.com/tools/thumbs:1
  caisson run-tool oci://registry.example.com/tools/thumbs:1 resize width=200
  caisson plugin pull --update --key cosign.pub oci://registry.example.com/tools/thumbs:1`,
		Args: onePlugin,
		RunE: func(c *cobra.Command, args []string) error {
			store, err := flags.open(c)
			if err != nil {
				return err
			}
			defer a.sayWhenSlow("pulling " + shown(args[0]))()
			pulled, err := store.Pull(c.Context(), args[0], &options)
			if err != nil {
				return err
			}
			if !asJSON {
				return a.printf("%s\n", pulled.Reference)
			}
			text, err := jsontext.Marshal(map[string]any{
				"reference": pulled.Reference.String(), "digest": pulled.Reference.Digest, "before": pulled.Before,
				"size": pulled.Size, "fetched": pulled.Fetched,
			})
			if err != nil {
				return err
			}
			return a.printf("%s\n", text)
		},
	}
	flags.register(c)
	c.Flags().BoolVar(&flags.private, "private-addresses", false, "let the name of the registry lead to a private address; localhost and addresses always may")
	c.Flags().BoolVar(&options.Update, "update", false, "pin the tag to the digest that it has now")
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}
