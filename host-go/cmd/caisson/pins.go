package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/pins"
)

func (a *app) pinsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "pins",
		Short: "Approve the definitions of tools and their like, and see how they changed",
		Long: `A server can change what its tools, prompts and resources say of themselves, and its instructions, at
any time, and a language model reads and obeys it. caisson.lock has the definitions that somebody has
approved, and who each server is: its command with the hash of its file, or its origin. Keep it in
your repository, and review its changes.

With "pins: {mode: enforce}" in the policy, what is not approved is neither listed nor used.
Nothing is approved but by 'caisson pins approve'.

The file is caisson.lock beside the policy, or in the current folder; --lock names another.`,
		Example: `  caisson pins approve files
  caisson pins verify          # in a CI job: exit code 1 when something is not approved
  caisson pins list
  caisson pins reset files write_file`,
		Args: cobra.ArbitraryArgs,
		RunE: needSubcommand,
	}
	c.AddCommand(a.pinsListCommand(), a.pinsVerifyCommand(), a.pinsApproveCommand(), a.pinsResetCommand())
	return c
}

// A pinsError says that something is not approved.
type pinsError struct{ n int }

func (e *pinsError) Error() string {
	return fmt.Sprintf("%d are not approved: 'caisson pins approve' shows them whole, and asks for your yes", e.n)
}

func loadLock(g *governanceFlags) (*pins.Lock, error) {
	path, err := g.lockPath()
	if err != nil {
		return nil, err
	}
	lock, err := pins.Load(path)
	if err != nil {
		return nil, errPolicy(err)
	}
	return lock, nil
}

func (a *app) pinsListCommand() *cobra.Command {
	var g governanceFlags
	c := &cobra.Command{
		Use: "list", Short: "Print what is approved", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			lock, err := loadLock(&g)
			if err != nil {
				return err
			}
			for _, server := range lock.Servers() {
				if err := a.printf("%s (%s)\n", oneLine(server), oneLine(describeIdentity(lock.Identity(server)))); err != nil {
					return err
				}
				for _, kind := range pins.Kinds {
					if !lock.Covers(server, kind) {
						if err := a.printf("  no %s was looked at yet: 'caisson pins approve' covers them\n", kind); err != nil {
							return err
						}
					}
					for _, name := range lock.Names(server, kind) {
						d, err := pins.DefineAs(kind, lock.Definition(server, kind, name))
						if err != nil {
							return err
						}
						if err := a.printf("  %s %.12s\n", called(d.Kind, d.Name), d.Hash); err != nil {
							return err
						}
					}
				}
			}
			return nil
		},
	}
	g.registerLock(c)
	return c
}

// called is what a definition is called in the output: a tool by its name alone.
func called(kind pins.Kind, name string) string {
	switch kind {
	case pins.Tool:
		return oneLine(name)
	case pins.Instructions:
		return name
	}
	return string(kind) + " " + oneLine(name)
}

func describeIdentity(i *pins.Identity) string {
	switch {
	case i.Command != "":
		return "the command " + i.Command
	case i.Origin != "":
		return i.Origin
	}
	return "the program's own transport"
}

// compare prints how what a server offers differs from the lock file, and counts what is not approved.
// Of a definition of which nothing was approved yet it prints the text only where whole is true.
func (a *app) compare(lock *pins.Lock, o *offer, whole bool, print func(format string, args ...any) error) (int, error) {
	count := 0
	report := func(format string, args ...any) error {
		count++
		return print(format, args...)
	}
	server := oneLine(o.server)
	identity := lock.Server(o.server, o.identity)
	if identity == pins.Changed {
		if err := report("%s: changed: it was %s\n", server, oneLine(describeIdentity(lock.Identity(o.server)))); err != nil {
			return 0, err
		}
		before, _ := json.Marshal(lock.Identity(o.server)) // Texts always marshal.
		now, _ := json.Marshal(o.identity)
		for _, change := range pins.Difference(before, now) {
			if err := print("    %s\n", oneLine(change.String())); err != nil {
				return 0, err
			}
		}
	}
	offered := map[string]string{}
	for _, d := range o.definitions {
		name := called(d.Kind, d.Name)
		if hash, twice := offered[string(d.Kind)+d.Name]; twice && hash != d.Hash {
			if err := report("%s: %s: the server lists two of this name\n", server, name); err != nil {
				return 0, err
			}
		}
		offered[string(d.Kind)+d.Name] = d.Hash
		state := lock.State(o.server, o.identity, d)
		if state == pins.Approved {
			continue
		}
		if err := report("%s: %s: %s\n", server, name, state); err != nil {
			return 0, err
		}
		if state == pins.Pending && !whole {
			continue
		}
		for _, change := range pins.Difference(lock.Definition(o.server, d.Kind, d.Name), d.Text) {
			if err := print("    %s\n", shownChange(change.String())); err != nil {
				return 0, err
			}
		}
	}
	if o.unreadable > 0 {
		if err := report("%s: the definitions of %d items could be read in two ways: they are used in no case\n", server, o.unreadable); err != nil {
			return 0, err
		}
	}
	if o.partial {
		return count, nil
	}
	for _, kind := range pins.Kinds {
		if !lock.Covers(o.server, kind) {
			if err := print("%s: no %s was looked at yet: 'caisson pins approve' covers them\n", server, kind); err != nil {
				return 0, err
			}
		}
		for _, name := range lock.Names(o.server, kind) {
			if _, there := offered[string(kind)+name]; !there {
				if err := print("%s: %s: approved, and not offered any more\n", server, called(kind, name)); err != nil {
					return 0, err
				}
			}
		}
	}
	return count, nil
}

// maxChange bounds one line of a difference, in characters.
const maxChange = 20_000

func shownChange(text string) string {
	if runes := []rune(text); len(runes) > maxChange {
		return string(runes[:maxChange]) + fmt.Sprintf("… (%d characters more)", len(runes)-maxChange)
	}
	return text
}

func (a *app) pinsVerifyCommand() *cobra.Command {
	var f sessionFlags
	c := &cobra.Command{
		Use:   "verify [SERVER]...\n  caisson pins verify -- COMMAND [ARG]...",
		Short: "Compare what servers offer with what is approved",
		Long: `Connects with servers, all of the configuration without SERVER, and prints how what they offer differs
from the lock file: word by word, as [-gone-] and {+new+}, with invisible characters as numbers. Of what
is pending, since nothing of its name was approved, it prints the name; 'caisson pins approve' prints it
whole. The exit code is 1 when something is not approved.`,
		Example: `  caisson pins verify
  caisson pins verify --config mcp.json --policy caisson.policy.yaml
  caisson pins verify files --lock work/caisson.lock`,
	}
	var lock *pins.Lock
	load := func(*cobra.Command) (err error) {
		lock, err = loadLock(&f.governance)
		return err
	}
	f.governance.registerLock(c)
	return a.offerCommand(c, &f, load, func(_ *cobra.Command, offers []*offer) error {
		count, definitions := 0, 0
		for _, o := range offers {
			n, err := a.compare(lock, o, false, a.printf)
			if err != nil {
				return err
			}
			count, definitions = count+n, definitions+len(o.definitions)
		}
		if count > 0 {
			return &pinsError{count}
		}
		return a.printf("%d definitions of %d servers are approved\n", definitions, len(offers))
	})
}

func (a *app) pinsApproveCommand() *cobra.Command {
	var f sessionFlags
	var yes bool
	var only []string
	c := &cobra.Command{
		Use:   "approve [SERVER]...\n  caisson pins approve -- COMMAND [ARG]...",
		Short: "Approve what servers offer now",
		Long: `Connects with servers, all of the configuration without SERVER, prints how what they offer differs from
the lock file, asks you, and writes the lock file. Without a terminal it needs --yes.`,
		Example: `  caisson pins approve
  caisson pins approve files --tool read_file`,
	}
	var lock *pins.Lock
	load := func(*cobra.Command) (err error) {
		lock, err = loadLock(&f.governance)
		return err
	}
	f.governance.registerLock(c)
	c = a.offerCommand(c, &f, load, func(c *cobra.Command, offers []*offer) error {
		say := func(format string, args ...any) error {
			a.err.Prompt(format, args...)
			return nil
		}
		count := 0
		for _, o := range offers {
			if len(only) > 0 {
				o.partial = true
				o.definitions = slices.DeleteFunc(o.definitions, func(d *pins.Definition) bool { return d.Kind != pins.Tool || !slices.Contains(only, d.Name) })
				if len(o.definitions) == 0 {
					return usage(c, "%s offers none of these tools: %s", o.server, strings.Join(only, ", "))
				}
			}
			if err := twice(o); err != nil {
				return err
			}
			n, err := a.compare(lock, o, true, say)
			if err != nil {
				return err
			}
			count += n
			uncovered := func(kind pins.Kind) bool { return !lock.Covers(o.server, kind) }
			if lock.Server(o.server, o.identity) == pins.Pending || len(only) == 0 && slices.ContainsFunc(pins.Kinds, uncovered) {
				count++ // A server without anything, or one of a lock file that had only tools.
			}
		}
		if count == 0 {
			return a.printf("everything is approved already\n")
		}
		if !yes {
			if !a.person() {
				return usage(c, "there is no terminal to ask at: look at what is printed above, and then approve it with --yes, in %s", oneLine(lock.Path()))
			}
			a.err.Prompt("Do you approve this, in %s? yes or no> ", oneLine(lock.Path()))
			answer, err := readAnswer(c.Context(), a.in)
			if err != nil {
				return err
			}
			if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "yes" && answer != "y" {
				return &pinsError{count}
			}
		}
		for _, o := range offers {
			lock.Approve(o.server, o.identity, o.definitions...)
			if len(only) == 0 {
				lock.Cover(o.server)
			}
		}
		if err := lock.Save(); err != nil {
			return errPolicy(err)
		}
		return a.printf("%s is written\n", lock.Path())
	})
	c.Flags().BoolVar(&yes, "yes", false, "ask nobody: what is printed has been looked at")
	c.Flags().StringArrayVar(&only, "tool", nil, "approve only the tool with this `NAME`; repeatable")
	return c
}

// twice refuses a server that lists two things of one kind and name: only one of them could be approved.
func twice(o *offer) error {
	hashes := map[string]string{}
	for _, d := range o.definitions {
		if hash, ok := hashes[string(d.Kind)+d.Name]; ok && hash != d.Hash {
			return errPolicy(fmt.Errorf("%s lists two of the kind %s with the name %q: neither can be approved", o.server, d.Kind, d.Name))
		}
		hashes[string(d.Kind)+d.Name] = d.Hash
	}
	return nil
}

func (a *app) pinsResetCommand() *cobra.Command {
	var g governanceFlags
	var sort string
	c := &cobra.Command{
		Use: "reset SERVER [NAME]...", Short: "Take approvals back", Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(c, "no server is given")
			}
			lock, err := loadLock(&g)
			if err != nil {
				return err
			}
			if !slices.Contains(lock.Servers(), args[0]) {
				return usage(c, "nothing of a server %q is approved", shown(args[0]))
			}
			kind := pins.Kind(sort)
			if !slices.Contains(pins.Kinds, kind) {
				return usage(c, "--kind %q is not known: use %s", shown(sort), strings.Join(pinKinds(), ", "))
			}
			for _, name := range args[1:] {
				if lock.Definition(args[0], kind, name) == nil {
					return usage(c, "no %s %q of %s is approved", kind, shown(name), shown(args[0]))
				}
			}
			if len(args) == 1 {
				lock.Reset(args[0])
			}
			lock.Forget(args[0], kind, args[1:]...)
			if err := lock.Save(); err != nil {
				return errPolicy(err)
			}
			return a.printf("%s is written\n", lock.Path())
		},
	}
	g.registerLock(c)
	c.Flags().StringVar(&sort, "kind", string(pins.Tool), "what NAME is: `"+strings.Join(pinKinds(), "|")+"`")
	completeFlag(c, "kind", pinKinds()...)
	return c
}

// pinKinds are the kinds of definitions, by name.
func pinKinds() []string {
	var all []string
	for _, kind := range pins.Kinds {
		all = append(all, string(kind))
	}
	return all
}
