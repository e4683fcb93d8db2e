package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

// maxScriptBytes bounds a script that is submitted, with what is around it in the message.
const maxScriptBytes = 31 << 20

func runsCommand() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use:   "runs",
		Short: "Submit scripts to a daemon that runs, and follow them",
		Long: `Submits scripts to a daemon that runs, which outlive the command, and follows your own: the methods of ScriptService for
runs. Who calls needs the scope caisson:scripts.

The exit codes are those of 'caisson': 1 says that the script has failed, also where it was watched.`,
		Example: `  caissond runs submit clean.js --servers files --watch
  caissond runs list`,
		Args: cobra.NoArgs,
	}
	r.flags(c)
	c.AddCommand(submitCommand(&r), getCommand(&r), listCommand(&r), cancelCommand(&r), watchCommand(&r))
	return c
}

// languages are those of scripts, by the ends of their files' names.
var languages = map[string]string{
	".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".py": "python",
}

func submitCommand(r *remote) *cobra.Command {
	q := &caissonv1.SubmitRunRequest{Script: &caissonv1.Script{}}
	var input string
	var watch bool
	c := &cobra.Command{
		Use: "submit FILE", Short: "Submit a script, which outlives the command; - is standard input", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := readScript(c, args[0], q.GetScript()); err != nil {
				return err
			}
			if input != "" {
				if q.Script.Input = []byte(input); !json.Valid(q.GetScript().GetInput()) {
					return usage("--input is not JSON")
				}
			}
			if !watch {
				_, err := ask(c, r, caissonv1connect.NewScriptServiceClient, caissonv1connect.ScriptServiceClient.SubmitRun, q, func(t *table, a *caissonv1.SubmitRunResponse) {
					showRuns(t, a.GetRun())
				})
				return err
			}
			submitted, err := call(c, r, caissonv1connect.NewScriptServiceClient, caissonv1connect.ScriptServiceClient.SubmitRun, q)
			if err != nil {
				return err
			}
			return watchRun(c, r, submitted.GetRun().GetId())
		},
	}
	f := c.Flags()
	f.StringVar(&q.Script.Language, "language", "", "it is in `javascript|typescript|python` (default: by the end of FILE's name)")
	f.StringVar(&q.Script.Name, "name", "", "call it `NAME` (default: FILE's)")
	f.StringVar(&input, "input", "", "the value of input in the script, `JSON`")
	f.StringArrayVar(&q.Script.Args, "arg", nil, "an argument of its function main, a `TEXT`; repeatable")
	f.StringSliceVar(&q.Script.Servers, "servers", nil, "the `SERVERS` whose tools it may call, with commas between them; * for all")
	f.StringVar(&q.IdempotencyKey, "idempotency-key", "", "submit it once under `KEY`: a second time it is the same run")
	f.BoolVar(&q.Repeatable, "repeatable", false, "it may be begun a second time when its daemon has died")
	f.BoolVar(&watch, "watch", false, "watch it until it has ended")
	return c
}

// readScript reads a file, or standard input.
func readScript(c *cobra.Command, path string, script *caissonv1.Script) error {
	from := c.InOrStdin()
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		defer file.Close()
		from = file
		if script.GetLanguage() == "" {
			script.Language = languages[filepath.Ext(path)]
		}
		if script.GetName() == "" {
			script.Name = filepath.Base(path)
		}
	}
	text, err := io.ReadAll(io.LimitReader(from, maxScriptBytes+1))
	switch {
	case err != nil:
		return &exitError{exitUsage, err}
	case len(text) > maxScriptBytes:
		return usage("%s has more than %d bytes", path, maxScriptBytes)
	}
	script.Source = string(text)
	return nil
}

func getCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use: "get ID", Short: "Print a run, with its outcome when it has ended", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			answer, err := ask(c, r, caissonv1connect.NewScriptServiceClient, caissonv1connect.ScriptServiceClient.GetRun, &caissonv1.GetRunRequest{Id: args[0]}, func(t *table, a *caissonv1.GetRunResponse) {
				showRuns(t, a.GetRun())
			})
			if err != nil {
				return err
			}
			return ended(answer.GetRun())
		},
	}
}

func listCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List your runs, the newest first", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := ask(c, r, caissonv1connect.NewScriptServiceClient, caissonv1connect.ScriptServiceClient.ListRuns, &caissonv1.ListRunsRequest{}, func(t *table, a *caissonv1.ListRunsResponse) {
				showRuns(t, a.GetRuns()...)
			})
			return err
		},
	}
}

func cancelCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use: "cancel ID", Short: "Stop a run, on whichever daemon it is, and wait for its end", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			_, err := ask(c, r, caissonv1connect.NewScriptServiceClient, caissonv1connect.ScriptServiceClient.CancelRun, &caissonv1.CancelRunRequest{Id: args[0]}, func(t *table, a *caissonv1.CancelRunResponse) {
				showRuns(t, a.GetRun())
			})
			return err
		},
	}
}

func watchCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use: "watch ID", Short: "Print a run, and again with each change of its state, until it has ended; --timeout does not count", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return watchRun(c, r, args[0]) },
	}
}

// watchRun prints a run as often as its state changes, and ends as the run does.
func watchRun(c *cobra.Command, r *remote, id string) error {
	client, url, err := r.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	stream, err := caissonv1connect.NewScriptServiceClient(client, url, connect.WithReadMaxBytes(maxAnswerBytes)).WatchRun(ctx, connect.NewRequest(&caissonv1.WatchRunRequest{Id: id}))
	if err != nil {
		return r.failed(err)
	}
	defer stream.Close()
	var last *caissonv1.Run
	for stream.Receive() {
		last = stream.Msg().GetRun()
		if err := show(c, r, stream.Msg(), func(t *table, a *caissonv1.WatchRunResponse) { showRuns(t, a.GetRun()) }); err != nil {
			return err
		}
	}
	if err := stream.Err(); err != nil {
		return r.failed(err)
	}
	return ended(last)
}

// ended is how a run has ended: nil also where it has not.
func ended(run *caissonv1.Run) error {
	switch failure := run.GetOutcome().GetFailure(); {
	case run.GetState() == caissonv1.RunState_RUN_STATE_CANCELLED:
		return &exitError{exitFailure, fmt.Errorf("the run %s was stopped", run.GetId())}
	case run.GetError() != "":
		return &exitError{exitFailure, errors.New(clean(run.GetError()))}
	case failure != nil:
		return &exitError{exitScript, errors.New(clean(failure.GetKind() + ": " + failure.GetMessage()))}
	}
	return nil
}

func showRuns(t *table, all ...*caissonv1.Run) {
	t.head("RUN", "NAME", "STATE", "SUBMITTED", "ENDED", "VALUE")
	for _, run := range all {
		state := strings.ToLower(strings.TrimPrefix(run.GetState().String(), "RUN_STATE_"))
		t.row(run.GetId(), run.GetName(), state, run.GetSubmitted(), run.GetEnded(), string(run.GetOutcome().GetValue()))
		for _, line := range run.GetOutcome().GetLogs() {
			t.line(line.GetLevel() + ": " + line.GetText())
		}
	}
}
