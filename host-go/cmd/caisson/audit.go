package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson/audit"
)

func (a *app) auditCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: "Verify and show the log of decisions",
		Long: `A policy with "audit" has each decision about a call, and each outcome, written into a log: a JSON
object in each line, with the hash of the line before.

'verify' finds lines that were changed, removed or put in. That proves edits, and not completeness:
whoever can write the file can cut off its end, or write all of it anew. Keep the hash that 'verify'
prints somewhere else, and name it with --anchor later: then the log up to there is the same.

Without FILE it is the log of the policy that holds.`,
		Example: `  caisson audit verify
  caisson audit verify --anchor 5a1c... audit.jsonl
  caisson audit show --denied`,
		Args: cobra.ArbitraryArgs,
		RunE: needSubcommand,
	}
	c.AddCommand(a.auditVerifyCommand(), a.auditShowCommand())
	return c
}

// auditPath is the log that an operand names, or that of the policy.
func auditPath(c *cobra.Command, g *governanceFlags, args []string) (string, error) {
	switch len(args) {
	case 0:
	case 1:
		return args[0], nil
	default:
		return "", usage(c, "%q is one argument too many", shown(args[1]))
	}
	p, path, err := g.load()
	switch {
	case err != nil:
		return "", err
	case p == nil:
		return "", usage(c, "there is no policy, and no file is given")
	case p.Rules().Audit == nil:
		return "", usage(c, "the policy %s has no audit log: write \"audit: {file: audit.jsonl}\" into it", path)
	}
	return p.Rules().Audit.File, nil
}

func (a *app) auditVerifyCommand() *cobra.Command {
	var g governanceFlags
	var anchor string
	c := &cobra.Command{
		Use: "verify [FILE]", Short: "Check the chain of hashes", Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			path, err := auditPath(c, &g, args)
			if err != nil {
				return err
			}
			report, err := audit.Verify(path, strings.ToLower(anchor))
			if err != nil {
				return &auditError{err}
			}
			text := fmt.Sprintf("%s: %d records in %d files, from number %d on, are as they were written\n", path, report.Records, report.Files, report.First)
			if report.Records > 0 {
				text += fmt.Sprintf("from %s to %s\nthe last hash is %s\n", report.Begin.Format(time.RFC3339), report.End.Format(time.RFC3339), report.Head)
			}
			if anchor == "" {
				text += "records that were cut off at the end show only with --anchor\n"
			}
			return a.printf("%s", text)
		},
	}
	g.register(c)
	c.Flags().StringVar(&anchor, "anchor", "", "demand that the log has the record with this `HASH`, which was kept elsewhere")
	return c
}

// An auditError is a log that is not as it was written.
type auditError struct{ err error }

func (e *auditError) Error() string { return e.err.Error() }
func (e *auditError) Unwrap() error { return e.err }

func (a *app) auditShowCommand() *cobra.Command {
	var g governanceFlags
	var asJSON, denied bool
	c := &cobra.Command{
		Use: "show [FILE]", Short: "Print the records", Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			path, err := auditPath(c, &g, args)
			if err != nil {
				return err
			}
			for r, err := range audit.Records(path) {
				if err != nil {
					return &auditError{err}
				}
				if denied && r.Effect != "deny" {
					continue
				}
				if asJSON {
					text, err := json.Marshal(r)
					if err != nil {
						return err
					}
					err = a.printf("%s\n", text)
					if err != nil {
						return err
					}
				} else if err := a.printf("%s\n", oneLine(describeRecord(r))); err != nil {
					return err
				}
			}
			return nil
		},
	}
	g.register(c)
	jsonFlag(c, &asJSON)
	c.Flag("json").Usage = "print each record as JSON, without its hash"
	c.Flags().BoolVar(&denied, "denied", false, "print only what was denied")
	return c
}

// describeRecord writes a record for people.
func describeRecord(r *audit.Record) string {
	words := []string{r.Time.Format(time.RFC3339), string(r.Event), r.Effect, r.Server, r.Kind, r.Name}
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+"="+value)
		}
	}
	add("principal", r.Principal)
	add("caller", r.Caller)
	add("rule", r.Rule)
	add("reason", r.Reason)
	add("approval", r.Approval)
	add("error", r.Error)
	if r.IsError {
		add("error", "tool")
	}
	if r.Event == audit.Outcome {
		add("milliseconds", fmt.Sprintf("%.1f", r.Milliseconds))
		add("bytes", fmt.Sprint(r.ResultBytes))
	}
	add("arguments", string(r.Arguments))
	add("result", string(r.Result))
	add("message", r.Message)
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}
