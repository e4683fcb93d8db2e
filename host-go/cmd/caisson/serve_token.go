package main

import (
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
)

// serveTokenCommand has the commands for the tokens of clients that come over HTTP.
func (a *app) serveTokenCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Make, list and remove the tokens of clients that come over HTTP",
		Long: `A token is for clients that cannot log in at an authorization server. The file has its name, which is
the principal of the policy, its scopes, and its hash. A change of the file counts within a second.

Give the file to 'caisson serve --http' by --tokens; a Go program reads it by the package bearer. See
docs/authentication.md.`,
		Example: `  caisson serve token new alice --tokens tokens.json
  caisson serve token list --tokens tokens.json
  caisson serve token remove alice --tokens tokens.json`,
		Args: cobra.ArbitraryArgs,
		RunE: needSubcommand,
	}
	c.AddCommand(a.serveTokenNewCommand(), a.serveTokenListCommand(), a.serveTokenRemoveCommand())
	return c
}

// tokensFlag adds --tokens.
func tokensFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "tokens", "", "the `FILE` of the tokens")
}

// needTokens checks the operands of a command on tokens.
func needTokens(c *cobra.Command, path string, words []string, want int) error {
	switch {
	case len(words) < want:
		return usage(c, "a name is wanted: it is the principal of the policy")
	case len(words) > want:
		return usage(c, "%q is one argument too many", shown(words[want]))
	case path == "":
		return usage(c, "--tokens is missing: the file of the tokens")
	}
	return nil
}

func (a *app) serveTokenNewCommand() *cobra.Command {
	var path string
	var scopes []string
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a token, and print it once",
		Long: `Makes a token, adds its hash to the file, or to a new one, and prints the token. It is printed once, and is
nowhere else: give it to the client, or to a store of secrets. A second token of the same name is another token of
the same principal.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, words []string) error {
			if err := needTokens(c, path, words, 1); err != nil {
				return err
			}
			token, err := bearer.AddToken(c.Context(), path, words[0], scopes)
			if err != nil {
				return err
			}
			return a.printf("%s\n", token)
		},
	}
	tokensFlag(c, &path)
	c.Flags().StringArrayVar(&scopes, "scope", nil, "a `SCOPE` of the token; may be repeated")
	return c
}

func (a *app) serveTokenListCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use: "list", Short: "List the tokens of a file: their names, when they were made, and their scopes", Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, words []string) error {
			if err := needTokens(c, path, words, 0); err != nil {
				return err
			}
			tokens, err := bearer.ReadTokens(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			for _, t := range tokens {
				line := strings.TrimRight(t.Name+"\t"+t.Created.Format(time.RFC3339)+"\t"+strings.Join(t.Scopes, " "), "\t")
				if err := a.printf("%s\n", line); err != nil {
					return err
				}
			}
			return nil
		},
	}
	tokensFlag(c, &path)
	return c
}

func (a *app) serveTokenRemoveCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use: "remove NAME", Short: "Remove all tokens of a name", Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, words []string) error {
			if err := needTokens(c, path, words, 1); err != nil {
				return err
			}
			return bearer.RemoveTokens(c.Context(), path, words[0])
		},
	}
	tokensFlag(c, &path)
	return c
}
