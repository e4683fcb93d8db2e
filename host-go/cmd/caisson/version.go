package main

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A version is what `caisson version --json` prints.
type version struct {
	Version   string   `json:"version"`
	Component string   `json:"component"` // SHA-256 of the bundle, in hexadecimal
	SDK       string   `json:"sdk"`
	Protocol  []string `json:"protocol"`
	Go        string   `json:"go"`
	Platform  string   `json:"platform"`
	Wazero    string   `json:"wazero"`
}

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the program and its parts",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := versions()
			if asJSON {
				text, err := json.Marshal(v)
				if err != nil {
					return err
				}
				return a.printf("%s\n", text)
			}
			return a.printf("caisson    %s\ncomponent  %.12s\nSDK        @modelcontextprotocol/client %s\nprotocol   %s\ngo         %s %s\nwazero     %s\n",
				v.Version, v.Component, v.SDK, strings.Join(v.Protocol, ", "), v.Go, v.Platform, v.Wazero)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}

func versions() version {
	component := caisson.ComponentInfo()
	return version{
		Version:   caisson.Version,
		Component: component.Bundle,
		SDK:       component.SDK,
		Protocol:  component.Revisions,
		Go:        runtime.Version(),
		Platform:  runtime.GOOS + "/" + runtime.GOARCH,
		Wazero:    moduleVersion("github.com/tetratelabs/wazero"),
	}
}

// moduleVersion returns the version of a module in the program.
func moduleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == path {
				if module.Replace != nil {
					module = module.Replace
				}
				return module.Version
			}
		}
	}
	return "unknown"
}
