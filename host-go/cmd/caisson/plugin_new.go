package main

import (
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/scaffold"
)

func (a *app) newPluginCommand() *cobra.Command {
	var language string
	c := &cobra.Command{
		Use:     "new FOLDER",
		Short:   "Begin a new plugin",
		Long:    `Writes the files of a plugin that greets into a new folder, in the language of --lang. The plugin has the folder's name. Its README.md says how it is built, and which tools that needs.`,
		Example: `  caisson plugin new --lang rust greeter`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(c, "no folder is given")
			}
			return noArgs(c, args[1:])
		},
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains(scaffold.Languages, language) {
				return usage(c, "--lang is one of %s", strings.Join(scaffold.Languages, ", "))
			}
			written, err := scaffold.Write(args[0], language)
			if err != nil {
				return usage(c, "%w", err)
			}
			for _, name := range written {
				if err := a.printf("%s\n", path.Join(args[0], name)); err != nil {
					return err
				}
			}
			a.err.Say("%s says how it is built", path.Join(args[0], "README.md"))
			return nil
		},
	}
	c.Flags().StringVar(&language, "lang", "", "the plugin's `LANGUAGE`: "+strings.Join(scaffold.Languages, ", "))
	completeFlag(c, "lang", scaffold.Languages...)
	return c
}
