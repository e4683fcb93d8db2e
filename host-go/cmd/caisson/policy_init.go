package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func (a *app) policyInitCommand() *cobra.Command {
	var f sessionFlags
	var output string
	c := &cobra.Command{
		Use:   "init [SERVER]...\n  caisson policy init -- COMMAND [ARG]...",
		Short: "Write a policy from what servers offer, tightest first",
		Long: `Connects with servers, all of the configuration without SERVER, and writes a policy: tools that say
that they only read are granted, for all others somebody is asked, and those that say that they
destroy something are denied. What tools say of themselves is their server's own word: read the file
before you use it. With its "pins: {mode: enforce}" nothing is listed or called until 'caisson pins
approve' has approved what the servers offer.

It does not replace a file.`,
		Example: `  caisson policy init
  caisson policy init files github -o -`,
	}
	// Writing checks it too; but by then the servers have been asked, which takes a while.
	absent := func(*cobra.Command) error {
		if output == "-" {
			return nil
		}
		if _, err := os.Lstat(output); err == nil {
			return errPolicy(fmt.Errorf("%s exists, and is not replaced: write another file with -o FILE, or print it with -o -", output))
		}
		return nil
	}
	c = a.offerCommand(c, &f, absent, func(_ *cobra.Command, offers []*offer) error {
		text := writePolicy(offers)
		if _, err := policyfile.Parse(policyfile.Name, []byte(text)); err != nil {
			return fmt.Errorf("the policy that was written is wrong, which is a fault of this program: %w", err)
		}
		if output == "-" {
			return a.printf("%s", text)
		}
		file, err := os.OpenFile(output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return errPolicy(err)
		}
		_, err = io.WriteString(file, text)
		if closing := file.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return errPolicy(err)
		}
		return a.printf("%s is written: read it, and then 'caisson policy check'. Nothing is shown or called before it is approved: 'caisson pins approve'\n", output)
	})
	c.Flags().StringVarP(&output, "output", "o", policyfile.Name, "write to `FILE`, or to standard output with -")
	return c
}

// mostWritten bounds the resources, and the prompts, of a server that are written down one by one.
const mostWritten = 100

// writePolicy writes a policy for what servers offer.
func writePolicy(offers []*offer) string {
	var b strings.Builder
	b.WriteString("# What is not granted here is denied. See docs/policy.md of Caisson.\nversion: 1\n\npins: {mode: enforce}\n\n")
	b.WriteString("# What has \"ask\" is asked at the terminal by the command line. 'caisson serve' asks at clients that people\n# names, and denies it without them. Name only clients of which you know that they ask a person.\n")
	fmt.Fprintf(&b, "# people:\n#   - {principal: %s, clients: [editor]}\n\nservers:\n", yamlText(terminal.Visible(principal())))
	for _, o := range offers {
		fmt.Fprintf(&b, "  %s:\n", yamlText(o.server))
		switch {
		case o.identity.Command != "":
			fmt.Fprintf(&b, "    commands: [%s]\n", yamlText(o.identity.Command))
		case o.identity.Origin != "":
			fmt.Fprintf(&b, "    origins: [%s]\n", yamlText(o.identity.Origin))
		}
		seen := map[string]bool{}
		for _, d := range o.definitions {
			if d.Kind != pins.Tool || seen[d.Name] {
				continue
			}
			if len(seen) == 0 {
				b.WriteString("    tools:\n")
			}
			seen[d.Name] = true
			name := yamlText(patternOf(d.Name))
			switch {
			case d.ReadOnly:
				fmt.Fprintf(&b, "      - %s # says that it only reads\n", name)
			case destroys(d):
				fmt.Fprintf(&b, "      - {name: %s, deny: true} # says that it may destroy something\n", name)
			default:
				fmt.Fprintf(&b, "      - {name: %s, ask: {}}\n", name)
			}
		}
		for _, list := range [][2]string{{"resource", "resources"}, {"prompt", "prompts"}} {
			var names []string
			further := 0
			for _, item := range o.items {
				switch template := strings.Contains(item.Name, "{"); {
				case item.Kind != list[0] || item.Name == "" || seen[list[0]+item.Name]:
				case template || len(names) == mostWritten:
					further++
				default:
					seen[list[0]+item.Name] = true
					names = append(names, yamlText(patternOf(item.Name)))
				}
			}
			if len(names) > 0 {
				fmt.Fprintf(&b, "    %s:\n      - %s\n", list[1], strings.Join(names, "\n      - "))
			}
			if further > 0 {
				fmt.Fprintf(&b, "    # %d further %s, templates among them, are not granted: a pattern such as \"file:///notes/**\" grants many.\n", further, list[1])
			}
		}
	}
	return b.String()
}

// patternOf writes a name so that it stands for itself alone.
func patternOf(name string) string { return strings.ReplaceAll(name, "*", `\*`) }

// yamlText writes a text so that YAML reads it as that text: as JSON does, where it is not a plain word.
func yamlText(text string) string {
	plain := text != "" && strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-'
	}) < 0 && text[0] != '-'
	switch strings.ToLower(text) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		plain = false
	}
	if plain {
		return text
	}
	// JSON's escapes are those of YAML, but for halves of surrogate pairs, which it does not write.
	quoted, _ := json.Marshal(text) // A text always marshals.
	return string(quoted)
}

// destroys reports whether a tool says that it may destroy something.
func destroys(d *pins.Definition) bool {
	var tool struct {
		Annotations struct {
			DestructiveHint bool `json:"destructiveHint"`
		} `json:"annotations"`
	}
	return json.Unmarshal(d.Text, &tool) == nil && tool.Annotations.DestructiveHint
}
