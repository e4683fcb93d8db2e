package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/explain"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/jsontext"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

func (a *app) authExplainCommand() *cobra.Command {
	flags := serverFlags{lenient: true}
	var asJSON, private bool
	c := &cobra.Command{
		Use:   "explain SERVER",
		Short: "Show how a server's authorization is found, step by step",
		Long: `Asks a server without a token, and then for its metadata and that of its authorization server, at each
place where the specification has them. It prints each request with its status, what was read in the answer, and what
is missing or wrong, with the section that wants it. It logs in nowhere, and needs no login.

The exit code is 0 where a login can be begun or the server asks for none, 6 where none can be begun, and 3 where the
server, or its authorization server, cannot be reached.`,
		Example:           `  caisson auth explain https://mcp.example.com/mcp`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: flags.completeName,
		RunE: func(c *cobra.Command, args []string) error {
			to, err := oneServer(c, args)
			if err != nil {
				return err
			}
			server, err := flags.find(a, c, to)
			if err != nil {
				return err
			}
			if server.URL == "" {
				return usage(c, "%s is a command, and has no login", server.Name)
			}
			server.Auth = nil // It logs in nowhere.
			if err := server.Validate(); err != nil {
				return err
			}
			u, err := egress.ParseURL(server.URL)
			if err != nil {
				return err
			}
			header := server.Headers.Clone()
			header.Del("Authorization")
			transport := egress.NewTransport(private)
			defer transport.CloseIdleConnections()
			report := explain.Walk(c.Context(), u, explain.Options{Transport: transport, Private: private, Header: header})
			if err := c.Context().Err(); err != nil {
				return err
			}
			if asJSON {
				text, err := jsontext.Marshal(report)
				if err == nil {
					err = a.printf("%s\n", text)
				}
				if err != nil {
					return err
				}
			} else if err := a.printReport(report); err != nil {
				return err
			}
			if report.Unreachable != "" {
				return &caisson.Error{Code: caisson.CodeConnect, Server: nameOf(&server), Step: "auth explain", Message: report.Unreachable}
			}
			if !report.Possible && !report.Open {
				return &caisson.Error{Code: caisson.CodeAuthorizationRequired, Server: nameOf(&server), Step: "auth explain", Message: "a login cannot be begun"}
			}
			return nil
		},
	}
	c.Flags().StringVar(&flags.config, "config", "", "look the server's name up in `FILE` (default: see 'caisson --help')")
	c.Flags().BoolVar(&private, "private-addresses", false, "let metadata lead to a private address; localhost and addresses need no leave")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// printReport prints each step, and what comes of them.
func (a *app) printReport(r *explain.Report) error {
	line := func(indent, format string, args ...any) error {
		return a.printf("%s%s\n", indent, terminal.OneLine(fmt.Sprintf(format, args...), terminal.MaxLine))
	}
	for i, s := range r.Steps {
		status := "no answer"
		if s.Status != 0 {
			status = fmt.Sprintf("%d %s", s.Status, http.StatusText(s.Status))
		}
		if err := line("", "%d. %s", i+1, s.About); err != nil {
			return err
		}
		if err := line("   ", "%s %s: %s", s.Method, s.URL, status); err != nil {
			return err
		}
		for _, f := range s.Found {
			if err := line("     ", "%s: %s", f.Name, f.Value); err != nil {
				return err
			}
		}
		for _, f := range s.Faults {
			mark, source := "note", ""
			if f.Fatal {
				mark = "FAULT"
			}
			if f.Source != "" {
				source = " (" + f.Source + ")"
			}
			if err := line("     ", "%s: %s%s", mark, f.Text, source); err != nil {
				return err
			}
		}
	}
	for _, text := range r.Conclusions {
		if err := line("=> ", "%s", text); err != nil {
			return err
		}
	}
	return nil
}
