package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/plugin"
)

// declarationLanguages are the values of --lang.
var declarationLanguages = map[string]caisson.DeclarationLanguage{
	"ts": caisson.TypeScriptDeclarations,
	"py": caisson.PythonDeclarations,
}

func (a *app) typesCommand() *cobra.Command {
	var flags sessionFlags
	var plugins pluginsFlag
	var lang string
	c := &cobra.Command{
		Use:   "types SERVER...\n  caisson types [SERVER]... -- COMMAND [ARG]...",
		Short: "Print the declarations of the tools that a script sees",
		Long: `Prints what a script has in its hands: the tools of the servers, and of the plugins of --plugin, with
types that are made of the tools' schemas, and the functions beside them. The declarations are TypeScript
(a .d.ts), or with --lang py a stub of Python's builtins: __builtins__.pyi.`,
		Example: `  caisson types github filesystem > tools.d.ts
  caisson types github --lang py > __builtins__.pyi
  caisson types -- npx -y @modelcontextprotocol/server-everything
  caisson types --plugin thumbs.wasm > tools.d.ts`,
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
			var targets []target
			if len(args) > 0 || len(plugins.words) == 0 {
				first, names, err := splitTarget(c, args)
				if err != nil {
					return err
				}
				targets = append(targets, first)
				for _, name := range names {
					targets = append(targets, target{name: name})
				}
			}
			if len(targets) > 1 && flags.record != "" {
				return usage(c, "--record records one server")
			}
			servers := make([]caisson.Server, len(targets))
			for i, t := range targets {
				var err error
				if servers[i], err = flags.server.resolve(a, c, t); err != nil {
					return err
				}
			}
			p, _, err := flags.governance.load()
			if err != nil {
				return err
			}
			callers := map[string]caisson.Caller{}
			closePlugins, err := plugins.load(c.Context(), c, a, flags.runtime, a.logger(), p,
				func(name string) bool { return callers[name] != nil },
				func(name string, loaded *plugin.Plugin) { callers[name] = loaded })
			if err != nil {
				return err
			}
			defer closePlugins()
			if len(servers) == 0 {
				return a.withClient(c.Context(), &flags, func(ctx context.Context, owner *caisson.Client) error {
					return a.printDeclarations(ctx, owner, callers, language)
				})
			}
			return a.withSessions(c.Context(), &flags, servers, callers, func(ctx context.Context, last *client) error {
				return last.do(ctx, "declarations", func(ctx context.Context) error {
					return a.printDeclarations(ctx, last.owner, callers, language)
				})
			})
		},
	}
	flags.register(c)
	plugins.register(c, "declare the tools of")
	c.Flags().StringVar(&lang, "lang", "ts", "print declarations in `ts|py`")
	completeFlag(c, "lang", "ts", "py")
	return c
}

// withClient makes a client without a session, and uses it.
func (a *app) withClient(ctx context.Context, f *sessionFlags, use func(context.Context, *caisson.Client) error) error {
	options := caisson.ClientOptions{Logger: a.logger()}
	closeLog, err := f.governance.apply(&options, nil)
	if err != nil {
		return err
	}
	defer closeLog()
	runtime, err := a.newRuntime(ctx, f.runtime.options(a))
	if err != nil {
		return err
	}
	defer runtime.Close()
	owner, err := runtime.NewClient(&options)
	if err != nil {
		return err
	}
	return use(ctx, owner)
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

func (a *app) printDeclarations(ctx context.Context, owner *caisson.Client, callers map[string]caisson.Caller, language caisson.DeclarationLanguage) error {
	tools, err := caisson.NewToolSet(callers)
	if err != nil {
		return err
	}
	text, err := owner.Declarations(ctx, tools, language)
	if err != nil {
		return err
	}
	return a.printf("%s", text)
}
