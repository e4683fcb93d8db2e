package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/scan"
)

func (a *app) scanCommand() *cobra.Command {
	var f sessionFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "scan [SERVER]...\n  caisson scan -- COMMAND [ARG]...",
		Short: "Report what looks like an attack in what servers offer",
		Long: `Reads the instructions, tools, prompts and resources of servers, all of the configuration without
SERVER, and reports what looks like an attack on a language model: hidden characters, instructions
to the model, files with secrets, and tools that pose as those of another server.

It is a report and not a decision: nothing is denied by it, a clean report is no proof, and an honest
server may be reported. The exit code is 0 whatever it finds.`,
		Example: `  caisson scan
  caisson scan files github --json`,
	}
	c = a.offerCommand(c, &f, nil, func(_ *cobra.Command, offers []*offer) error {
		var items []scan.Item
		for _, o := range offers {
			items = append(items, o.items...)
		}
		found := scan.Scan(items)
		if asJSON {
			if found == nil {
				found = []scan.Finding{}
			}
			text, err := json.MarshalIndent(found, "", "  ")
			if err != nil {
				return err
			}
			return a.printf("%s\n", text)
		}
		for _, finding := range found {
			if err := a.printf("%s\n", findingLine(&finding)); err != nil {
				return err
			}
		}
		return a.printf("%d findings in %d things that %d servers offer\n", len(found), len(items), len(offers))
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	return c
}

// findingLine is a finding in one line. Instructions have no name, and are one text without places.
func findingLine(f *scan.Finding) string {
	parts := []string{f.Server, strings.TrimSpace(f.Kind + " " + f.Name), f.Place, string(f.Sort), f.Text}
	return oneLine(strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": "))
}
