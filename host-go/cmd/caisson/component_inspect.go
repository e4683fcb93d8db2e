package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
	"github.com/caisson-dev/caisson/host-go/component"
)

func (a *app) inspectCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Print the imports, exports and modules of a component",
		Long: `Prints the component's core modules, their sizes and the features that they were built to use, the
tools that the component was made with, and its imports and exports as WIT. It checks the component
as before a run: the error of a malformed component, or of an unsupported feature, names the
construct and its offset.`,
		Example: `  caisson component inspect app.wasm
  caisson component inspect app.wasm --json | jq '.imports[].name'`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			b, err := readComponent(c, args[0])
			if err != nil {
				return err
			}
			// The interpreter is ready sooner, and nothing is run. A component that is too large for the
			// interpreter is compiled.
			cfg := &component.Config{Interpreter: true}
			show := func(compiled *component.Compiled) error {
				i, err := inspect(b, compiled)
				if err != nil {
					return err
				}
				if !asJSON {
					return a.printf("%s", i.text())
				}
				var text strings.Builder
				encoder := json.NewEncoder(&text)
				encoder.SetEscapeHTML(false) // WIT is full of angle brackets.
				if err := encoder.Encode(i); err != nil {
					return err
				}
				return a.printf("%s", text.String())
			}
			err = a.loadComponent(c.Context(), cfg, args[0], b, show)
			if large := (*component.CodeMemoryError)(nil); errors.As(err, &large) && component.CompilerSupported() {
				cfg.Interpreter = false
				return a.loadComponent(c.Context(), cfg, args[0], b, show)
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}

// An inspection is what `caisson component inspect --json` prints. Sizes are in bytes.
type inspection struct {
	Size int `json:"size"`
	anatomy
	Imports []extern `json:"imports"`
	Exports []extern `json:"exports"`
	WIT     string   `json:"wit"`
}

// An extern is an import or export.
type extern struct {
	Name  string   `json:"name"`
	Kind  string   `json:"kind"`
	Type  string   `json:"type,omitempty"`  // of a function or type, as WIT
	Items []extern `json:"items,omitempty"` // of an interface
}

func inspect(b []byte, c *component.Compiled) (*inspection, error) {
	parts, err := dissect(b)
	if err != nil {
		return nil, err
	}
	return &inspection{
		Size: len(b), anatomy: *parts,
		Imports: externs(c.Imports()), Exports: externs(c.Exports()), WIT: c.WIT(),
	}, nil
}

func externs(list []component.Extern) []extern {
	out := make([]extern, len(list))
	for i, e := range list {
		out[i] = extern{Name: e.Name, Kind: string(e.Kind), Type: e.Type}
		if len(e.Items) > 0 {
			out[i].Items = externs(e.Items)
		}
	}
	return out
}

// text returns the inspection for people. The component chooses the names in it, which may be any text.
func (i *inspection) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "size        %s\n", size(i.Size))
	fmt.Fprintf(&b, "components  %d nested\n", i.Components)
	fmt.Fprintf(&b, "features    %s\n", orNone(i.Features))
	fmt.Fprintf(&b, "made with   %s\n", orNone(i.Producers))
	fmt.Fprintf(&b, "modules     %d\n", len(i.Modules))
	for k, m := range i.Modules {
		fmt.Fprintf(&b, "  %-3d %9s: %d functions, %s of code, %s of data, %d imports, %d exports%s\n",
			k, size(m.Size), m.Functions, size(m.Code), size(m.Data), m.Imports, m.Exports, m.memory())
	}
	b.WriteString("\n" + i.WIT)
	return terminal.Visible(b.String())
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none recorded"
	}
	return strings.Join(list, ", ")
}
