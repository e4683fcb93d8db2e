package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// declarationLanguages are the values of --lang.
var declarationLanguages = map[string]caisson.DeclarationLanguage{
	"ts": caisson.TypeScriptDeclarations,
	"py": caisson.PythonDeclarations,
}

func (a *app) typesCommand() *cobra.Command {
	var flags sessionFlags
	var lang string
	c := &cobra.Command{
		Use:   "types SERVER...\n  caisson types [SERVER]... -- COMMAND [ARG]...",
		Short: "Print the declarations of servers' tools that a script sees",
		Long: `Prints what a script has in its hands: the tools of the servers, with types that are made of the tools'
schemas, and the functions beside them. The declarations are TypeScript (a .d.ts), or with --lang py a stub of
Python's builtins: __builtins__.pyi.`,
		Example: `  caisson types github filesystem > tools.d.ts
  caisson types github --lang py > __builtins__.pyi
  caisson types -- npx -y @modelcontextprotocol/server-everything`,
		DisableFlagsInUseLine: true,
		ValidArgsFunction:     flags.server.completeName,
		RunE: func(c *cobra.Command, args []string) error {
			if err := flags.check(c); err != nil {
				return err
			}
			language, ok := declarationLanguages[lang]
			if !ok {
				return usage(c, "there are no declarations in %q: --lang is ts or py", shown(lang))
			}
			first, names, err := splitTarget(c, args)
			if err != nil {
				return err
			}
			targets := []target{first}
			for _, name := range names {
				targets = append(targets, target{name: name})
			}
			if len(targets) > 1 && flags.record != "" {
				return usage(c, "--record records one server")
			}
			servers := make([]caisson.Server, len(targets))
			for i, t := range targets {
				if servers[i], err = flags.server.resolve(a, c, t); err != nil {
					return err
				}
			}
			callers := map[string]caisson.Caller{}
			return a.withSessions(c.Context(), &flags, servers, callers, func(ctx context.Context, last *client) error {
				return a.printDeclarations(ctx, last, callers, language)
			})
		},
	}
	flags.register(c)
	c.Flags().StringVar(&lang, "lang", "ts", "print declarations in `ts|py`")
	completeFlag(c, "lang", "ts", "py")
	return c
}

// withSessions connects to servers one after the other, and uses them together.
func (a *app) withSessions(ctx context.Context, f *sessionFlags, servers []caisson.Server, callers map[string]caisson.Caller, use func(context.Context, *client) error) error {
	return a.withSession(ctx, f, servers[0], action{use: func(ctx context.Context, c *client) error {
		name := c.session.Name()
		for n := 2; callers[name] != nil; n++ {
			name = fmt.Sprintf("%s-%d", c.session.Name(), n)
		}
		callers[name] = c.session
		if len(servers) > 1 {
			return a.withSessions(ctx, f, servers[1:], callers, use)
		}
		return use(ctx, c)
	}})
}

func (a *app) printDeclarations(ctx context.Context, c *client, callers map[string]caisson.Caller, language caisson.DeclarationLanguage) error {
	tools, err := caisson.NewToolSet(callers)
	if err != nil {
		return err
	}
	var text string
	err = c.do(ctx, "declarations", func(ctx context.Context) error {
		text, err = c.owner.Declarations(ctx, tools, language)
		return err
	})
	if err != nil {
		return err
	}
	return a.printf("%s", text)
}
