package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/plugin"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// scriptFlags are the flags of the commands that run scripts.
type scriptFlags struct {
	session  sessionFlags
	language languageFlags
	tools    []string
	plugins  pluginsFlag
	allow    []string
	answers  []string
	limits   caisson.ScriptLimits
	seed     uint64
	now      string
	asJSON   bool
}

func (f *scriptFlags) register(c *cobra.Command) {
	flags := c.Flags()
	f.language.register(c)
	f.registerTools(c)
	durationFlag(c, &f.limits.Time, "time", 60*time.Second, "bound the whole run by `DURATION`")
	durationFlag(c, &f.limits.Computing, "computing", 10*time.Second, "bound what it computes by `DURATION`")
	flags.Int64Var(&f.limits.MemoryBytes, "memory", 128<<20, "bound the sandbox by `BYTES`")
	flags.Uint64Var(&f.limits.Fuel, "fuel", 0, "bound what it computes without waiting by `UNITS` (default: by --computing)")
	flags.IntVar(&f.limits.SourceBytes, "source-bytes", 128_000, "bound the source by `BYTES`")
	flags.IntVar(&f.limits.OutputBytes, "output-bytes", 100_000, "bound its log and its value together by `BYTES`")
	flags.IntVar(&f.limits.LogLines, "log-lines", 1000, "bound its log by `LINES`")
	flags.IntVar(&f.limits.ToolCalls, "tool-calls", 50, "bound the calls of tools by `NUMBER`")
	flags.IntVar(&f.limits.ParallelCalls, "parallel-calls", 8, "bound the calls of tools at once by `NUMBER`")
	flags.IntVar(&f.limits.ArgumentBytes, "argument-bytes", 1<<20, "bound the arguments of one call of a tool by `BYTES`")
	flags.IntVar(&f.limits.AnswerBytes, "answer-bytes", 8<<20, "bound the answer to one call of a tool by `BYTES`")
	flags.IntVar(&f.limits.ResultDepth, "result-depth", 200, "bound how deeply its value is nested by `NUMBER`")
	flags.IntVar(&f.limits.Timers, "timers", 1000, "bound the timers that are set at once by `NUMBER`")
	flags.Uint64Var(&f.seed, "seed", 0, "give it the same random numbers for the same `NUMBER`")
	flags.StringVar(&f.now, "now", "", "stop its clock at `TIME`, such as 2026-11-29T12:00:00Z")
}

// registerTools registers the flags of what a script may call, and of what is printed.
func (f *scriptFlags) registerTools(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.session.server.config, "config", "", "look the servers' names up in `FILE` (default: see 'caisson --help')")
	durationFlag(c, &f.session.timeout, "timeout", 30*time.Second, "bound connecting with the servers by `DURATION`")
	flags.StringArrayVar(&f.session.roots, "root", nil, "tell the servers that they may work in `FOLDER`; repeatable")
	flags.BoolVar(&f.session.private, "private-addresses", false, "let the name of a server lead to a private address; localhost and addresses always may")
	f.session.governance.register(c)
	f.session.runtime.register(c)
	f.session.store.register(c)
	flags.StringSliceVar(&f.tools, "tools", nil, "grant the script the tools of the server `NAME` in the configuration, or of several with commas between; repeatable")
	f.plugins.register(c, "grant the script the tools of")
	flags.StringArrayVar(&f.allow, "allow-tool", nil, "grant it only `SERVER.TOOL` of them; repeatable")
	flags.StringArrayVar(&f.answers, "answers", nil, "answer calls of tools from `FILE`, written down or a recording, and call nobody; repeatable")
	_ = c.MarkFlagFilename("answers")
	flags.BoolVar(&f.asJSON, "json", false, "print one JSON object: the value or the error, the log, the calls and what was used")
}

// checkAllowed finds a tool that is named wrongly.
func (f *scriptFlags) checkAllowed(c *cobra.Command) error {
	for _, tool := range f.allow {
		if !strings.Contains(tool, ".") {
			return usage(c, "--allow-tool %q: name it as SERVER.TOOL", shown(tool))
		}
	}
	return nil
}

// script makes a script of the flags and a source. What it reads from then on is noted.
func (f *scriptFlags) script(c *cobra.Command, name, source string, reads *files) (caisson.Script, error) {
	s := caisson.Script{Name: name, Source: source, Limits: f.limits, Seed: f.seed}
	if f.now != "" {
		now, err := time.Parse(time.RFC3339, f.now)
		if err == nil && now.IsZero() { // For the library that is no time.
			err = errors.New("the clock of a script begins in 1970")
		}
		if err != nil {
			return s, usage(c, "--now: %w", err)
		}
		s.Now = now
	}
	if f.seed == 0 && c.Flags().Changed("seed") {
		return s, usage(c, "--seed is more than 0: 0 stands for no seed")
	}
	var err error
	if s.Language, err = f.language.of(c, name, reads); err != nil {
		return s, err
	}
	return s, f.checkAllowed(c)
}

func (a *app) runScriptCommand() *cobra.Command {
	var flags scriptFlags
	var sleep sleepFlags
	var source, input, record string
	var watch bool
	c := &cobra.Command{
		Use:   "run FILE [NAME=VALUE]... [-- ARG...]\n  caisson run -e SOURCE [NAME=VALUE]... [-- ARG...]",
		Short: "Run a script with tools in its hands",
		Long: `Runs a script in a sandbox of its own, and prints its value: a text as it is, anything else as
JSON. Its log goes to standard error. FILE may be - for standard input.

The script has the tools of the servers that --tools names and of the plugins of --plugin, and nothing
else: no files, no network, no environment. NAME=VALUE words make the object that is 'input' in it; a VALUE that is JSON is that
value, and any other is a text. --input gives the whole of it. What follows -- are the arguments of
its function main, and 'args'.

--answers FILE has the answers of tools, so that a script can be written without the servers: a list
in YAML or JSON of {server, tool, answer}, or a recording that --record has made. See docs/cli.md.

--watch runs the script again when a file that it has read changes: its own, what it imports, the
file of --input, and those of --answers. The servers of --tools stay. It ends when it is interrupted.

With --sleep-to FILE an interrupt, a SIGTERM, and the end of --sleep-after put the run to sleep as soon
as it waits for nothing but timers and approvals: it is in FILE then, encrypted, and 'caisson wake'
goes on with it. The exit code is 8 then.

A script that fails ends the command with exit code 1; one that takes longer than --time with 5.`,
		Example: `  caisson run count.js path=notes.txt --tools files
  caisson run -e 'return (await tools.demo.add({ a: 1, b: 2 }))' --tools demo
  caisson run report.js --input @report.json --tools github --allow-tool github.search_repositories --json
  caisson run report.js --input @report.json --answers answers.yaml --watch
  caisson run clean.js --tools files --sleep-to clean.run --sleep-after 10s`,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, words []string) error {
			words, args := afterDashes(c, words)
			if watch && (c.Flags().Changed("eval") || input == "-" || len(words) > 0 && words[0] == "-") {
				return usage(c, "--watch is for a script in a file, and an input that is not standard input")
			}
			if watch && record != "" {
				return usage(c, "--watch runs a script many times, and --record has one run: leave one of the two out")
			}
			if err := sleep.check(c, &flags, watch, record); err != nil {
				return err
			}
			prepare := func(ctx context.Context, reads *files) (*scriptTask, error) {
				name, text, words, err := a.readSource(ctx, c, words, source, reads)
				if err != nil {
					return nil, err
				}
				task, err := flags.task(ctx, c, name, text, reads)
				if err != nil {
					return nil, err
				}
				task.script.Args = args
				task.script.Input, err = a.readInput(ctx, c, input, words, reads)
				return task, err
			}
			task, err := prepare(c.Context(), nil) // What is wrong with the command line is wrong for good.
			if err != nil {
				return err
			}
			for _, read := range append([]string{strings.TrimPrefix(input, "@"), task.script.Name}, flags.answers...) {
				if sameFile(record, read) {
					return usage(c, "--record %s: the run reads this file, and it would be lost: name another one", shown(record))
				}
			}
			return a.withTools(c, &flags, &sleep, task, func(ctx context.Context, client *caisson.Client, servers map[string]caisson.Caller) error {
				run := func(ctx context.Context, task *scriptTask) error {
					if err := task.grant(&flags, servers); err != nil {
						return err
					}
					if record != "" {
						to, err := os.OpenFile(record, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
						if err != nil {
							return usage(c, "--record: %w", err)
						}
						task.script.Record = to
					}
					result, err := a.runSleeping(ctx, &sleep, func(ctx context.Context) (*caisson.Run, error) { return client.StartScript(ctx, task.script) })
					return a.printScript(&flags, task, result, err)
				}
				if !watch {
					return run(ctx, task)
				}
				return a.runAgain(ctx, func(ctx context.Context, reads *files) error {
					task, err := prepare(ctx, reads)
					if err != nil {
						return err
					}
					return run(ctx, task)
				})
			})
		},
	}
	flags.register(c)
	sleep.register(c)
	c.Flags().StringVar(&record, "record", "", "record the run in `FILE`, for 'caisson replay'")
	_ = c.MarkFlagFilename("record")
	c.Flags().BoolVar(&watch, "watch", false, "run it again when a file that it has read changes, until interrupted")
	c.Flags().StringVarP(&source, "eval", "e", "", "run `SOURCE` in place of a file")
	c.Flags().StringVar(&input, "input", "", "give the script `JSON`, @FILE, or - for standard input, as its input")
	return c
}

// sameFile reports whether two paths are of one file.
func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

func (a *app) runFunctionCommand() *cobra.Command {
	var flags scriptFlags
	var list string
	c := &cobra.Command{
		Use:   "run-function FILE NAME [ARG]... [KEY=VALUE]...",
		Short: "Call a function of a script",
		Long: `Loads a script as a module, calls one of its functions, and prints what it returns, as 'caisson
run' does. An ARG that is JSON is that value, and any other is a text. KEY=VALUE is an argument by
name, which Python has; a KEY is letters, digits and _. A text that looks so is given in quotes, as
JSON has it: '"a=b"'. What begins with - stands behind --. FILE may be without the end of its name that says its language.`,
		Example: `  caisson run-function geometry.js area 3 4
  caisson run-function geometry.py area 3 unit=mm
  caisson run-function modules/geometry area --args '[3, 4]'`,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, words []string) error {
			if len(words) > 0 {
				file, err := findModule(c, words[0])
				if err != nil {
					return err
				}
				words = append([]string{file}, words[1:]...)
			}
			name, text, words, err := a.readSource(c.Context(), c, words, "", nil)
			if err != nil {
				return err
			}
			if len(words) == 0 {
				return usage(c, "no function is given")
			}
			args, err := functionArguments(c, words[1:], list)
			if err != nil {
				return err
			}
			task, err := flags.task(c.Context(), c, name, text, nil)
			if err != nil {
				return err
			}
			return a.withTools(c, &flags, &sleepFlags{}, task, func(ctx context.Context, client *caisson.Client, servers map[string]caisson.Caller) error {
				if err := task.grant(&flags, servers); err != nil {
					return err
				}
				result, err := loadAndRun(ctx, client, task.script, words[0], args)
				return a.printScript(&flags, task, result, err)
			})
		},
	}
	flags.register(c)
	c.Flags().StringVar(&list, "args", "", "give the function the arguments by position of a `JSON` list")
	return c
}

// loadAndRun calls a function once. The result has what was done to load the script, too.
func loadAndRun(ctx context.Context, client *caisson.Client, s caisson.Script, function string, args []any) (*caisson.ScriptResult, error) {
	module, err := client.Load(ctx, s)
	if err != nil {
		var failed *caisson.LoadError
		if errors.As(err, &failed) {
			return failed.Result, failed.Err
		}
		return nil, err
	}
	defer module.Close()
	result, err := module.RunFunction(ctx, function, args...)
	if result != nil {
		result.Logs = append(module.Loaded().Logs, result.Logs...)
		result.Calls = append(module.Loaded().Calls, result.Calls...)
	}
	return result, err
}

// keyword matches an argument by name.
var keyword = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]*=`)

// functionArguments makes the arguments of a function of words, and of the list of --args.
func functionArguments(c *cobra.Command, words []string, list string) ([]any, error) {
	var args []any
	var named []string
	for _, word := range words {
		switch {
		case keyword.MatchString(word):
			named = append(named, word)
		case c.Flags().Changed("args"):
			return nil, usage(c, "%q is one argument too many: --args gives all of them", shown(word))
		default:
			args = append(args, jsonOrText(word))
		}
	}
	if c.Flags().Changed("args") {
		var items []json.RawMessage
		if err := json.Unmarshal([]byte(list), &items); err != nil || items == nil {
			return nil, usage(c, "--args: it is no JSON list, such as [1, \"two\"]")
		}
		args = append(args, caisson.ArgumentList(list))
	}
	pairs, err := splitPairs(c, named)
	if err != nil || len(pairs) == 0 {
		return args, err
	}
	return append(args, caisson.NamedArguments(pairValues(pairs))), nil
}

// pairValues is the object that pairs make.
func pairValues(pairs []pair) map[string]any {
	object := map[string]any{}
	for _, p := range pairs {
		object[p.name] = jsonOrText(p.value)
	}
	return object
}

// afterDashes splits what follows -- from the other words.
func afterDashes(c *cobra.Command, words []string) (before, after []string) {
	if dash := c.ArgsLenAtDash(); dash >= 0 {
		return words[:dash], words[dash:]
	}
	return words, nil
}

// readSource reads the source of a script: the first word is its file, unless there is an -e.
func (a *app) readSource(ctx context.Context, c *cobra.Command, words []string, source string, reads *files) (name, text string, rest []string, err error) {
	if c.Flags().Changed("eval") {
		return "eval", source, words, nil
	}
	if len(words) == 0 {
		return "", "", nil, usage(c, "no script is given: give its file, or - for standard input")
	}
	var b []byte
	if name = words[0]; name == "-" {
		name = "stdin"
		b, err = readInput(ctx, a.in)
	} else {
		reads.add(name)
		b, err = readFile(ctx, name)
	}
	if err != nil {
		return "", "", nil, usage(c, "the script cannot be read: %w", err)
	}
	return name, string(b), words[1:], nil
}

// readInput makes the input of a script: --input, or the words NAME=VALUE; null without both.
func (a *app) readInput(ctx context.Context, c *cobra.Command, flag string, words []string, reads *files) (any, error) {
	if c.Flags().Changed("input") {
		if len(words) > 0 {
			return nil, usage(c, "%q is one argument too many: --input gives the whole input", shown(words[0]))
		}
		text := []byte(flag)
		var err error
		if file, ok := strings.CutPrefix(flag, "@"); ok {
			reads.add(file)
			text, err = readFile(ctx, file)
		} else if flag == "-" {
			text, err = readInput(ctx, a.in)
		}
		text = bytes.TrimPrefix(text, []byte("\uFEFF"))
		switch {
		case err != nil:
		case !utf8.Valid(text):
			err = errors.New("it is not UTF-8")
		case !json.Valid(text):
			err = errors.New("it is not JSON")
		}
		if err != nil {
			return nil, usage(c, "--input: %w", err)
		}
		return json.RawMessage(text), nil
	}
	if len(words) == 0 {
		return nil, nil
	}
	pairs, err := splitPairs(c, words)
	if err != nil {
		return nil, err
	}
	return pairValues(pairs), nil
}

// jsonOrText is the value of a word.
func jsonOrText(word string) any {
	if json.Valid([]byte(word)) {
		return json.RawMessage(word)
	}
	return word
}

// withTools loads the plugins of --plugin and connects to the servers of --tools.
func (a *app) withTools(c *cobra.Command, f *scriptFlags, sleep *sleepFlags, task *scriptTask, use func(context.Context, *caisson.Client, map[string]caisson.Caller) error) error {
	if err := f.session.check(c); err != nil {
		return err
	}
	for _, name := range f.tools {
		if task.book.Callers()[name] != nil {
			return usage(c, "--tools %s: --answers has answers of this server: leave one of the two out", shown(name))
		}
	}
	ctx := byPerson(c.Context())
	options := caisson.ClientOptions{Logger: a.logger(), Stderr: a.serverErr(), PrivateAddresses: f.session.private}
	asker := newAsker(a)
	var err error
	if options.Handlers, err = asker.handlers(f.session.roots); err != nil {
		return err
	}
	if len(f.tools)+len(f.plugins.words) > 0 || !task.book.Has() { // Nothing is called where all answers are there.
		closeLog, err := f.session.governance.apply(&options, asker.approve)
		if err != nil {
			return err
		}
		defer closeLog()
		task.hides = options.Governance.Policy != nil
	}
	if options.SleepKey, err = sleep.key(ctx); err != nil {
		return err
	}
	runtime, err := a.newRuntime(ctx, f.session.runtime.options(a))
	if err != nil {
		return err
	}
	defer runtime.Close()
	client, err := runtime.NewClient(&options)
	if err != nil {
		return err
	}
	callers := map[string]caisson.Caller{}
	closePlugins, err := f.plugins.load(ctx, c, a, f.session.runtime, options.Logger, options.Policy,
		func(name string) bool {
			return callers[name] != nil || slices.Contains(f.tools, name) || task.book.Callers()[name] != nil
		},
		func(name string, p *plugin.Plugin) { callers[name] = p })
	if err != nil {
		return err
	}
	defer closePlugins()
	asked, clock, stop := newClock(ctx, f.session.timeout)
	defer stop()
	asker.clock = clock
	for _, name := range f.tools {
		server, err := f.session.server.resolve(a, c, target{name: name})
		if err != nil {
			return err
		}
		logins, err := f.session.store.newLogins(ctx, a, asker, &server, false)
		if err == nil && logins != nil {
			err = logins.prepare(ctx, &server, false)
		}
		if err != nil {
			return err
		}
		session, err := client.Connect(asked, server)
		if err != nil {
			return f.session.explainLogin(&connectError{clock.explain(asked, err, name, "connect")}, &server, logins)
		}
		defer session.Close()
		callers[name] = session
	}
	stop() // From here on the script's own bounds count.
	if err := use(ctx, client, callers); err != nil {
		return err
	}
	if !f.session.runtime.noCache {
		a.waitCompiled(ctx, runtime)
	}
	return nil
}

// A scriptFailure is a script that has failed. What is to be printed of it is printed.
type scriptFailure struct {
	err  *caisson.ScriptError
	late bool
}

func (e *scriptFailure) Error() string { return e.err.Error() }
func (e *scriptFailure) Unwrap() error { return e.err }

// scriptJSON is what --json prints.
type scriptJSON struct {
	Asleep string          `json:"asleep,omitempty"` // the file that the run sleeps in
	Value  json.RawMessage `json:"value,omitempty"`
	Error  *scriptErrJSON  `json:"error,omitempty"`
	Logs   []logJSON       `json:"logs"`
	Calls  []callJSON      `json:"calls"`
	Usage  usageJSON       `json:"usage"`
}

type scriptErrJSON struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Script  string `json:"script"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Stack   string `json:"stack,omitempty"`
}

type logJSON struct {
	Level string    `json:"level"`
	Text  string    `json:"text"`
	Time  time.Time `json:"time"`
}

type callJSON struct {
	Server        string  `json:"server"`
	Tool          string  `json:"tool"`
	ArgumentBytes int     `json:"argumentBytes"`
	Milliseconds  float64 `json:"milliseconds"`
	Outcome       string  `json:"outcome"`
	Code          string  `json:"code,omitempty"`
}

type usageJSON struct {
	Fuel        uint64  `json:"fuel"`
	MemoryBytes uint64  `json:"memoryBytes"`
	Computing   float64 `json:"computingMilliseconds"`
	Waiting     float64 `json:"waitingMilliseconds"`
}

// printScript prints what a script did.
func (a *app) printScript(f *scriptFlags, task *scriptTask, result *caisson.ScriptResult, err error) error {
	var failed *caisson.ScriptError
	var asleep *asleepError
	if errors.As(err, &asleep) {
		if f.asJSON {
			out := scriptJSONOf(result, nil)
			out.Asleep = asleep.file
			return errors.Join(a.printJSON(out), err)
		}
		return err // The log goes along, and is printed in the end.
	}
	if result == nil {
		result = &caisson.ScriptResult{}
	}
	if err != nil && !errors.As(err, &failed) {
		a.sayLog(result) // Of a run that was interrupted, say: where it was.
		return err
	}
	if f.asJSON {
		if err := a.printJSON(scriptJSONOf(result, failed)); err != nil {
			return err
		}
	} else {
		a.sayLog(result)
		if failed == nil {
			text := string(result.Value)
			var s string
			if json.Unmarshal(result.Value, &s) == nil && strings.HasPrefix(text, `"`) {
				text = s
			}
			if _, err := fmt.Fprintln(a.out, text); err != nil {
				return err
			}
		}
	}
	a.sayMissing(task, result)
	if failed == nil {
		return nil
	}
	if failed.Stack != "" && !f.asJSON {
		for line := range strings.Lines(failed.Stack) {
			a.err.Say("    %s", terminal.Visible(strings.TrimSuffix(line, "\n")))
		}
	}
	return &scriptFailure{err: failed, late: failed.Kind == caisson.ScriptLimit && strings.Contains(failed.Message, "ScriptLimits.Time ")}
}

// sayLog prints the log of a script.
func (a *app) sayLog(result *caisson.ScriptResult) {
	for _, line := range result.Logs {
		a.err.Say("%s: %s", line.Level, terminal.Visible(line.Text))
	}
}

func (a *app) printJSON(value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return a.printf("%s\n", text)
}

func scriptJSONOf(result *caisson.ScriptResult, failed *caisson.ScriptError) scriptJSON {
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	out := scriptJSON{
		Value: result.Value, Logs: []logJSON{}, Calls: []callJSON{},
		Usage: usageJSON{result.Usage.Fuel, result.Usage.MemoryBytes, milliseconds(result.Usage.Computing), milliseconds(result.Usage.Waiting)},
	}
	for _, l := range result.Logs {
		out.Logs = append(out.Logs, logJSON(l))
	}
	for _, c := range result.Calls {
		out.Calls = append(out.Calls, callJSON{c.Server, c.Tool, c.ArgumentBytes, milliseconds(c.Duration), string(c.Outcome), c.Code})
	}
	if failed != nil {
		out.Error = &scriptErrJSON{string(failed.Kind), failed.Message, failed.Script, failed.Line, failed.Column, failed.Stack}
	}
	return out
}
