package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
	"github.com/caisson-dev/caisson/host-go/internal/reference"
)

func (a *app) policyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Check, explain and write the policy: what may be called",
		Long: `A policy says which tools, resources and prompts of which servers may be used, with which arguments,
how often, and after whose yes. With a policy, everything else is denied. It is a file, in YAML or
JSON.

It holds for every command but 'component run', which grants what its flags say. It is the file that
--policy names; or else ./caisson.policy.yaml; or else caisson.policy.yaml in the folder "caisson" of
your configuration folder. When both of the last two are there, --policy has to say which one holds.

See docs/policy.md.`,
		Example: `  caisson policy init files github
  caisson policy check
  caisson policy explain files write_file --args '{"path": "/etc/passwd"}'
  caisson policy schema > policy.schema.json`,
		Args: cobra.ArbitraryArgs,
		RunE: needSubcommand,
	}
	c.AddCommand(a.policyCheckCommand(), a.policyExplainCommand(), a.policyInitCommand(), a.policySchemaCommand())
	return c
}

// policyOf reads the policy that holds, or fails.
func policyOf(c *cobra.Command, g *governanceFlags) (*policy.Policy, string, error) {
	p, path, err := g.load()
	if err == nil && p == nil {
		err = usage(c, "there is no policy: everything that is configured is allowed; 'caisson policy init' writes one")
	}
	return p, path, err
}

func (a *app) policyCheckCommand() *cobra.Command {
	var g governanceFlags
	c := &cobra.Command{
		Use: "check [FILE]", Short: "Find mistakes in a policy", Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage(c, "%q is one argument too many", shown(args[1]))
			} else if len(args) == 1 {
				g.policy = args[0]
			}
			p, path, err := policyOf(c, &g)
			if err != nil {
				return err
			}
			r := p.Rules()
			if err := a.printf("%s is a policy for %d servers, %d plugins and %d scripts, version %.12s\n", path, len(r.Servers), len(r.Plugins), len(r.Scripts), p.Version()); err != nil {
				return err
			}
			for _, note := range slices.Concat(policyNotes(r), missingSecrets(c.Context(), r)) {
				a.err.Say("%s", note)
			}
			return nil
		},
	}
	g.register(c)
	return c
}

// policyNotes say what is no mistake, and may not be meant.
func policyNotes(r *policy.Rules) []string {
	var notes []string
	for _, s := range slices.Concat(r.Servers, r.Plugins, r.Scripts) {
		for i, rule := range s.Tools {
			var schema struct {
				Properties           map[string]json.RawMessage `json:"properties"`
				AdditionalProperties json.RawMessage            `json:"additionalProperties"`
				Required             []string                   `json:"required"`
			}
			if rule.Arguments == nil || json.Unmarshal(rule.Arguments, &schema) != nil {
				continue
			}
			where := fmt.Sprintf("%s: tools[%d]", s.Name, i)
			if len(schema.Properties) > 0 && schema.AdditionalProperties == nil {
				notes = append(notes, where+": arguments that the schema does not name are allowed: additionalProperties: false denies them")
			}
			for name := range schema.Properties {
				if !slices.Contains(schema.Required, name) {
					notes = append(notes, fmt.Sprintf("%s: the argument %q may be left out: required demands it", where, name))
				}
			}
		}
	}
	slices.Sort(notes)
	return notes
}

// missingSecrets says which references lead to nothing here. It has no value of any.
func missingSecrets(ctx context.Context, r *policy.Rules) []string {
	var notes []string
	for _, p := range r.Plugins {
		for _, name := range slices.Sorted(maps.Keys(p.Secrets)) {
			inner, _ := reference.Whole(p.Secrets[name]) // The policy was checked.
			if _, _, err := reference.Read(ctx, inner, os.LookupEnv); err != nil {
				notes = append(notes, fmt.Sprintf("plugins.%s.secrets.%s cannot be filled in here: %v", policy.QuoteKey(p.Name), policy.QuoteKey(name), err))
			}
		}
	}
	return notes
}

func (a *app) policyExplainCommand() *cobra.Command {
	var g governanceFlags
	var args, kind, source, caller, who string
	var readOnly, asJSON bool
	c := &cobra.Command{
		Use:   "explain SERVER|PLUGIN|SCRIPT [NAME]",
		Short: "Say what the policy decides about a call, and by which rule",
		Long: `Says what the policy decides about a call of a tool, and by which rule. It connects with nobody: whether
the server has the tool, and whether its definition is the approved one, is not looked at. Without
NAME it says whether the server may be used at all.

--source plugin and --source script explain what the policy says of a plugin and of a script: the first
name is then the plugin's, such as that of its file without ".wasm", or the script's.`,
		Example: `  caisson policy explain files write_file --args '{"path": "/etc/passwd"}'
  caisson policy explain thumbs resize --source plugin`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, words []string) error {
			if len(words) == 0 || len(words) > 2 {
				return usage(c, "a server, a plugin or a script is wanted, and perhaps the name of a tool")
			}
			p, path, err := policyOf(c, &g)
			if err != nil {
				return err
			}
			arguments, err := a.readArguments(c, args)
			if err != nil {
				return err
			}
			if !c.Flags().Changed("principal") {
				who = principal()
			}
			call := &policy.Call{Principal: who, Caller: policy.Caller(caller), Source: policy.SourceKind(source), Server: words[0], Kind: policy.Kind(kind), Arguments: arguments, ReadOnly: readOnly}
			if len(words) == 2 {
				call.Name = words[1]
			} else {
				call.Kind = policy.Use
			}
			if !slices.Contains(kinds, string(call.Kind)) && call.Kind != policy.Use {
				return usage(c, "--kind %q is not known: use %s", kind, strings.Join(kinds, ", "))
			}
			if !slices.Contains(sources, source) {
				return usage(c, "--source %q is not known: use %s", shown(source), strings.Join(sources, ", "))
			}
			if words := policy.Words(call.Caller); !slices.Contains(words, caller) {
				return usage(c, "--caller %q is not known: use %s", caller, strings.Join(words, ", "))
			}
			d := p.Decide(call)
			if asJSON {
				text, err := json.Marshal(map[string]any{"effect": d.Effect, "rule": d.Rule, "reason": d.Reason, "message": d.Message, "policy": p.Version()})
				if err != nil {
					return err
				}
				return a.printf("%s\n", text)
			}
			text := string(d.Effect) + ", by "
			if d.Rule != "" {
				text += d.Rule + " of "
			}
			text += path
			if d.Message != "" {
				text += ": " + d.Message
			}
			if p.NeedsDefinition(call) {
				text += "\nthe rule looks at readOnlyHint, the server's own word: --read-only supposes it"
			}
			if d.Effect == policy.Allow && call.Source == policy.Server && p.PinMode() == policy.PinsEnforce {
				text += "\nonly what is approved is called: 'caisson pins verify' says whether it is"
			}
			return a.printf("%s\n", text)
		},
	}
	g.register(c)
	argsFlag(c, &args)
	c.Flags().StringVar(&kind, "kind", "tool", "what NAME is: `"+strings.Join(kinds, "|")+"`")
	c.Flags().StringVar(&source, "source", string(policy.Server), "what the call is made to: `"+strings.Join(sources, "|")+"`")
	c.Flags().StringVar(&caller, "caller", string(policy.CallerCommandLine), "who makes the call: `"+strings.Join(policy.Words(policy.Caller("")), "|")+"`")
	c.Flags().StringVar(&who, "principal", "", "the `NAME` of the user that it is made for (default: yours)")
	c.Flags().BoolVar(&readOnly, "read-only", false, "suppose that the tool is annotated with readOnlyHint")
	c.Flags().BoolVar(&asJSON, "json", false, "print the decision as JSON")
	completeFlag(c, "kind", kinds...)
	completeFlag(c, "source", sources...)
	completeFlag(c, "caller", policy.Words(policy.Caller(""))...)
	return c
}

// kinds are what a policy decides about, by name.
var kinds = []string{string(policy.Tool), string(policy.Resource), string(policy.Prompt), string(policy.Method), string(policy.Asked)}

// sources are what a policy has rules for.
var sources = []string{string(policy.Server), string(policy.Plugin), string(policy.Script)}

func (a *app) policySchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of the file, for editors", Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return a.printf("%s", policyfile.Schema) },
	}
}
