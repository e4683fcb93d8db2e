package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// A sessionCommand is a command that talks to a server.
type sessionCommand struct {
	name     string
	operands string // what follows the server, such as "URI"
	short    string
	long     string
	example  string
	// begin reads the operands before the command connects.
	begin func(c *cobra.Command, operands []string) (action, error)
}

// command returns the cobra command, with the flags that all commands of this kind have.
func (s sessionCommand) command(a *app) *cobra.Command {
	var flags sessionFlags
	operands := strings.TrimRight(" "+s.operands, " ")
	c := &cobra.Command{
		Use:                   s.name + " SERVER" + operands + "\n  caisson " + s.name + operands + " -- COMMAND [ARG]...",
		Short:                 s.short,
		Long:                  s.long,
		Example:               s.example,
		DisableFlagsInUseLine: true,
		ValidArgsFunction:     flags.server.completeName,
		RunE: func(c *cobra.Command, args []string) error {
			if err := flags.check(c); err != nil {
				return err
			}
			target, operands, err := splitTarget(c, args)
			if err != nil {
				return err
			}
			do, err := s.begin(c, operands)
			if err != nil {
				return err
			}
			server, err := flags.server.resolve(a, c, target)
			if err != nil {
				return err
			}
			return a.withSession(c.Context(), &flags, server, do)
		},
	}
	flags.register(c)
	return c
}

// noOperands refuses operands after the server.
func noOperands(c *cobra.Command, operands []string) error {
	if len(operands) > 0 {
		return usage(c, "%q is one argument too many: a server is a name, a URL, or a command after --", shown(operands[0]))
	}
	return nil
}

// jsonFlag adds --json, for a command with a result of the protocol.
func jsonFlag(c *cobra.Command, asJSON *bool) {
	c.Flags().BoolVar(asJSON, "json", false, "print only the protocol's result object")
}

// completeFlag makes the shell complete a flag's value.
func completeFlag(c *cobra.Command, flag string, values ...string) {
	// It fails only for a flag that is not there, which every test of the command would show.
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
