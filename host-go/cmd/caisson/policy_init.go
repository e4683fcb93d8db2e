package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
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
destroy something are denied. Resources and prompts that a server lists are granted by their names, 100
of each. Templates of resources, and what a server may ask, are not: comments say how to grant them.
What tools say of themselves is their server's own word: read the file before you use it. With its "pins: {mode: enforce}" nothing is listed or called until 'caisson pins
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

// mostWritten bounds the resources, the prompts and the templates of a server that are written down one by one.
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
		writeTools(&b, o.offered(pins.Tool))
		writeNames(&b, "resources", "file:///notes/**", o.offered(pins.Resource))
		writeTemplates(&b, o.offered(pins.Template))
		writeNames(&b, "prompts", "team-*", o.offered(pins.Prompt))
		if o.unreadable > 0 {
			fmt.Fprintf(&b, "    # %d of what it offers could be read in two ways, and is not granted.\n", o.unreadable)
		}
		b.WriteString("    # What it may ask is not granted: \"asks: [elicitation, sampling, roots]\" would grant all. Nor are requests of\n    # extensions: see \"methods\".\n")
	}
	return b.String()
}

// offered are the definitions of a kind, the first of each name.
func (o *offer) offered(kind pins.Kind) (all []*pins.Definition) {
	seen := map[string]bool{}
	for _, d := range o.definitions {
		if d.Kind == kind && !seen[d.Name] {
			seen[d.Name] = true
			all = append(all, d)
		}
	}
	return all
}

func writeTools(b *strings.Builder, tools []*pins.Definition) {
	if len(tools) > 0 {
		b.WriteString("    tools:\n")
	}
	for _, d := range tools {
		name := yamlText(patternOf(d.Name))
		switch {
		case d.ReadOnly:
			fmt.Fprintf(b, "      - %s # says that it only reads\n", name)
		case destroys(d):
			fmt.Fprintf(b, "      - {name: %s, deny: true} # says that it may destroy something\n", name)
		default:
			fmt.Fprintf(b, "      - {name: %s, ask: {}}\n", name)
		}
	}
}

// writeNames grants resources or prompts, each by its name.
func writeNames(b *strings.Builder, key, pattern string, all []*pins.Definition) {
	if len(all) > 0 {
		fmt.Fprintf(b, "    %s:\n", key)
	}
	for _, d := range all[:min(len(all), mostWritten)] {
		fmt.Fprintf(b, "      - %s\n", yamlText(patternOf(d.Name)))
	}
	if further := len(all) - mostWritten; further > 0 {
		fmt.Fprintf(b, "    # %d further %s are not granted: a pattern such as %q grants many.\n", further, key, pattern)
	}
}

// writeTemplates says which rules would grant templates.
func writeTemplates(b *strings.Builder, all []*pins.Definition) {
	if len(all) == 0 {
		return
	}
	b.WriteString("    # Templates, and what is made of them, are not granted. Rules under \"resources\" would grant them:\n")
	for _, d := range all[:min(len(all), mostWritten)] {
		fmt.Fprintf(b, "    #   - %s\n", strconv.Quote(patternOfTemplate(d.Name)))
	}
	if further := len(all) - mostWritten; further > 0 {
		fmt.Fprintf(b, "    # and %d further ones.\n", further)
	}
}

// expressions are some of a URI template (RFC 6570), one after the other.
var expressions = regexp.MustCompile(`(\{[^{}]*\})+`)

// patternOfTemplate is a pattern for a template, and for what is made of it. What some operators make may have slashes.
func patternOfTemplate(template string) string {
	return expressions.ReplaceAllStringFunc(patternOf(template), func(some string) string {
		for _, operator := range []string{"{+", "{#", "{/"} {
			if strings.Contains(some, operator) {
				return "**"
			}
		}
		return "*"
	})
}

// patternOf writes a name so that it stands for itself alone.
func patternOf(name string) string { return strings.ReplaceAll(name, "*", `\*`) }

// yamlText writes a text so that YAML reads it as that text: in quotes, where it is not a plain word.
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
	return strconv.Quote(text) // YAML has the escapes of Go. What nobody sees is written as one.
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
