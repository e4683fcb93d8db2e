package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func (a *app) replayCommand() *cobra.Command {
	var (
		flags   runtimeFlags
		imports languageFlags
		options caisson.ReplayOptions
		asJSON  bool
	)
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Run a recorded session or script again and compare it",
		Long: `Runs a recorded session (--record, or ClientOptions.Record in Go) or a recorded script (caisson run
--record) again in the sandbox, with the recorded times and random bytes. It sends, starts and waits
for nothing: it compares what the sandbox asks for with the recording, byte by byte, and what a
script ends with, and its fuel.

Exit codes: 0 the same, 1 different, or the file is damaged, 2 the file is missing, or comes from
another build of the core.`,
		Example: `  caisson replay session.jsonl
  caisson replay session.jsonl --json | jq .calls`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return usage(c, "%w", err)
			}
			defer f.Close()
			if options.Languages, err = imports.all(c); err != nil {
				return err
			}
			runtime, err := a.newRuntime(c.Context(), flags.options(a))
			if err != nil {
				return err
			}
			defer runtime.Close()
			begin := time.Now()
			replay, err := runtime.Replay(c.Context(), f, &options)
			a.logger().Debug("replayed", "took", time.Since(begin))
			return a.replayed(c, args[0], replay, err, asJSON)
		},
	}
	flags.register(c)
	imports.registerFolders(c)
	c.Flags().BoolVar(&options.AnyCore, "any-core", false, "also replay recordings of other builds of the core")
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}

// A replayError is a recording that was not replayed to its end.
type replayError struct {
	file string
	err  *caisson.ReplayError
}

func (e *replayError) Error() string {
	return e.file + ": " + strings.TrimPrefix(terminal.Visible(e.err.Error()), "caisson: replay: ")
}
func (e *replayError) Unwrap() error { return e.err }

// A replayOutcome is what `caisson replay --json` prints.
type replayOutcome struct {
	Same bool `json:"same"`
	*caisson.Replay
	Script   *replayedScriptJSON `json:"script,omitempty"`
	Error    caisson.ReplayCode  `json:"error,omitempty"`
	Line     int                 `json:"line,omitempty"` // of the recording, with an error
	Recorded string              `json:"recorded,omitempty"`
	Replayed string              `json:"replayed,omitempty"`
}

// A replayedScriptJSON is a script, and what 'caisson run --json' prints of its run.
type replayedScriptJSON struct {
	*caisson.ReplayedScript
	scriptJSON
}

// replayed prints the outcome of a replay.
func (a *app) replayed(c *cobra.Command, file string, replay *caisson.Replay, err error, asJSON bool) error {
	outcome := replayOutcome{Same: err == nil, Replay: replay}
	if replay != nil && replay.Script != nil {
		var failed *caisson.ScriptError
		_ = errors.As(replay.Script.Err, &failed)
		outcome.Script = &replayedScriptJSON{replay.Script, scriptJSONOf(replay.Script.Result, failed)}
	}
	if wrong := (*caisson.ReplayError)(nil); errors.As(err, &wrong) {
		err = &replayError{file, wrong}
		if wrong.Code == caisson.ReplayCore {
			return usage(c, "%w", err)
		}
		outcome.Error, outcome.Line, outcome.Recorded, outcome.Replayed = wrong.Code, wrong.Line, wrong.Recorded, wrong.Replayed
	} else if err != nil {
		return err
	}
	switch {
	case asJSON:
		text, wrong := json.Marshal(outcome)
		return errors.Join(err, wrong, a.printf("%s\n", text))
	case err != nil:
		return err
	}
	return a.printf("%s", replayText(replay))
}

var replayEnds = map[caisson.ReplayEnd]string{
	caisson.ReplayClosed:    "closed",
	caisson.ReplayLimit:     "cut: the recording had reached its bound",
	caisson.ReplayTruncated: "none: the recording stops in the middle",
}

// replayText returns the summary for people.
func replayText(r *caisson.Replay) string {
	name := r.Server
	if r.Script != nil {
		name = r.Script.Name
	}
	return fmt.Sprintf(`the same  %s, recorded %s
calls     %d
effects   %d
readings  %d
end       %s
`, terminal.Visible(name), r.Began.Format(time.RFC3339), r.Calls, r.Effects, r.Readings, replayEnds[r.End])
}
