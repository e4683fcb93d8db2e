package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
	"github.com/caisson-dev/caisson/host-go/internal/fieldname"
)

func (a *app) wakeCommand() *cobra.Command {
	var flags scriptFlags
	var sleep sleepFlags
	c := &cobra.Command{
		Use:   "wake FILE",
		Short: "Go on with a script that sleeps",
		Long: `Goes on with a run that 'caisson run --sleep-to' has put to sleep, where it was, and ends as 'caisson
run' does: with the value, the whole log, and the same exit codes. The limits go on where they were, and
the time asleep counts for none of them. The build of caisson must be the same.

The run has the tools of the servers that --tools names now, whatever it had before. Each sleep wakes
once: FILE is removed when the run has woken, and a copy of it wakes nothing. A run that cannot wake is
still in FILE, and the exit code is 2.

FILE is encrypted with a key of this user's, which is made by the first run that is to sleep: the file
"key" in the folder caisson/sleep-key-v1 of your configuration folder. A run sleeps for 30 days at most.`,
		Example: `  caisson wake clean.run --tools files
  caisson wake clean.run --tools files --sleep-to clean.run --sleep-after 1m`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			sleep.from = args[0]
			if err := sleep.check(c, &flags, false, ""); err != nil {
				return err
			}
			if err := flags.checkAllowed(c); err != nil {
				return err
			}
			asleep, err := interruptibly(c.Context(), func() ([]byte, error) { return readAsleep(args[0]) })
			if err != nil {
				return usage(c, "%w", err)
			}
			w := caisson.Waking{}
			if w.Languages, err = flags.language.all(c); err != nil {
				return err
			}
			book, err := flags.readAnswers(c.Context(), c, nil)
			if err != nil {
				return err
			}
			task := &scriptTask{book: book}
			return a.withTools(c, &flags, &sleep, task, func(ctx context.Context, client *caisson.Client, servers map[string]caisson.Caller) error {
				if w.Tools, err = task.tools(&flags, servers); err != nil {
					return err
				}
				result, err := a.runSleeping(ctx, &sleep, func(ctx context.Context) (*caisson.Run, error) {
					run, err := client.Wake(ctx, asleep, w)
					var wrong *caisson.SleepError
					if errors.As(err, &wrong) {
						return nil, &wakeError{args[0], wrong}
					}
					if err == nil {
						if gone := os.Remove(args[0]); gone != nil {
							a.err.Say("the run has woken, and the file that it slept in is of no use any more: %v", gone)
						}
					}
					return run, err
				})
				return a.printScript(&flags, task, result, err)
			})
		},
	}
	flags.registerTools(c)
	flags.language.registerFolders(c)
	sleep.register(c)
	return c
}

// mostAsleep is the most bytes of a run that sleeps: ClientOptions.MaxSleepBytes, by default.
const mostAsleep = 32 << 20

func readAsleep(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, mostAsleep+1)) // One more is refused as too large.
}

// A wakeError is a run that does not wake. It is as it was.
type wakeError struct {
	file string
	err  *caisson.SleepError
}

func (e *wakeError) Error() string {
	text := strings.TrimPrefix(terminalText(e.err), "the run cannot sleep or wake: ")
	if e.err.Code == caisson.SleepPrincipal {
		text = "the run was put to sleep for another user of a policy, or without a policy"
	}
	return shown(e.file) + ": " + text
}

func (e *wakeError) Unwrap() error { return e.err }

// remedy says what to do.
func (e *wakeError) remedy() string {
	switch e.err.Code {
	case caisson.SleepOtherKey:
		folder, _ := sleepKeyFolder()
		return "it wakes for the user, and on the machine, that put it to sleep: your key is " + filepath.Join(folder, "key")
	case caisson.SleepPrincipal:
		return "wake it as the user who put it to sleep, with a policy where there was one, and without where there was none"
	case caisson.SleepBuild:
		return "this is caisson " + caisson.Version
	case caisson.SleepLanguage:
		return "give the same --python-path that the run had"
	}
	return ""
}

// terminalText is an error of a run that sleeps, as the command line says it.
func terminalText(err error) string {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "caisson: "), "sleep: ")
	return fieldname.AtCommandLine(terminal.Visible(text))
}
