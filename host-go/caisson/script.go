package caisson

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	randv2 "math/rand/v2"
	"path"
	"runtime/debug"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/caisson-dev/caisson/host-go/internal/catalog"
	"github.com/caisson-dev/caisson/host-go/internal/gate"
	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// A Script is code that the program does not trust, and what it is granted: the tools in Tools, and nothing
// else. It has no files, no network, no environment, and a clock of milliseconds. docs/scripts.md says what a
// script finds.
type Script struct {
	// Source is the text, in UTF-8: JavaScript, unless Language says otherwise. It is run from top to bottom, or its
	// function main is called with Args where it defines one. `await` and `return` may stand at the top. A byte order
	// mark at its beginning is no part of it, and counts for no column.
	Source string
	// Name is the name of the source in errors and stacks; it does not choose the Language. What is no text of one
	// line is replaced in it. Default: "script".
	Name string
	// Language is what the source is written in. Default: [JavaScript].
	Language Language
	// Input is the value of `input` in the script: anything that marshals to JSON. Default: null.
	Input any
	// Args are the arguments of main, and `args` in the script. Default: none.
	Args []string
	// Tools are what the script may call. Default: none.
	Tools *ToolSet
	// Limits bound the run. The zero value of each is its default.
	Limits ScriptLimits
	// Seed makes the script's random numbers the same in each run with the same seed. Default: others in
	// each run.
	Seed uint64
	// Now is the time in the script, which does not go on: from 1970 to 2261. A run with a Seed and with Now has the
	// same result, log and fuel each time, when its tools answer the same in the same order. Default: the true time, in
	// milliseconds.
	Now time.Time
	// Record, when set, gets a recording of the run: everything that crosses the boundary of its sandbox, for
	// [Client.Replay]. What docs/recording.md says about secrets and [Limits].MaxRecordBytes goes for it; it is written
	// when the run has ended. When the writer fails, only the recording is lost, and the log says so once. It is closed
	// with the run, also when that does not begin. A run that is recorded cannot sleep, and a module has no
	// recording. Default: no recording.
	Record io.WriteCloser
	// Module says how [Client.Load] keeps the script. RunScript takes no notice of it.
	Module ModuleOptions
}

const (
	defaultScriptName = "script"
	lastYear          = 2261 // in which nanoseconds since 1970, as a recording has them, are 64 bits
)

// A ScriptResult is what a script did.
type ScriptResult struct {
	// Value is the value of the script as JSON; "null" where it has none. It is nil when the script has failed.
	Value json.RawMessage
	// Logs are the lines that the script has written, in order.
	Logs []ScriptLog
	// Calls are the calls of tools that the script has made, in order.
	Calls []ScriptCall
	// Usage is what the script has used.
	Usage ScriptUsage
}

// A ScriptLog is one line that a script has written.
type ScriptLog struct {
	// Level is "debug", "info", "warn" or "error".
	Level string
	// Text is the text. What is longer than 16 KiB is cut.
	Text string
	// Time is when it was written, by the script's clock.
	Time time.Time
}

// A ScriptCall is one call of a tool that a script has made.
type ScriptCall struct {
	// Server and Tool are the names that the script has given, cut to 256 bytes.
	Server, Tool string
	// ArgumentBytes is the size of the arguments as JSON.
	ArgumentBytes int
	// Begun is when the script made the call, and Duration how long it waited for the answer. A call waits
	// for its turn when more are underway than [ScriptLimits].ParallelCalls.
	Begun    time.Time
	Duration time.Duration
	// Outcome says how the call has ended.
	Outcome ScriptCallOutcome
	// Code says what sort of failure it was, where Outcome is [ScriptCallFailed]: a [Code] in words.
	Code string
}

// A ScriptCallOutcome says how a call of a tool has ended.
type ScriptCallOutcome string

// The outcomes.
const (
	// ScriptCallDone says that the tool has answered.
	ScriptCallDone ScriptCallOutcome = "done"
	// ScriptCallToolError says that the tool itself has failed: its result has isError.
	ScriptCallToolError ScriptCallOutcome = "tool error"
	// ScriptCallFailed says that there is no result.
	ScriptCallFailed ScriptCallOutcome = "failed"
	// ScriptCallUnanswered says that the run had ended before there was an answer. The call was cancelled.
	ScriptCallUnanswered ScriptCallOutcome = "unanswered"
)

// ScriptUsage is what a script has used.
type ScriptUsage struct {
	// Fuel is how much was computed: a unit is about one instruction of WebAssembly. For a module it counts
	// from its loading.
	Fuel uint64
	// MemoryBytes is the size of the sandbox at the end, which it has not exceeded before. About 30 MB of it
	// are there from the start, and shared by all scripts until they are written to.
	MemoryBytes uint64
	// Computing is how long the sandbox has computed, as [ScriptLimits].Computing counts it, and Waiting all other
	// time: for tools, timers and a processor.
	Computing, Waiting time.Duration
}

// RunScript runs a script in a sandbox of its own, and waits for its end. The sandbox is gone after it. The
// calls of tools that are underway then are cancelled.
//
// A script that fails is a [*ScriptError]. The result is there then too, for what the script did before. The end
// of ctx stops the script, also while it computes, and RunScript returns the context's error with the result. It
// fails with an [*Error] when the script cannot be begun: with [CodeInvalidArgument] for a Script that is not
// valid, with [CodeClosed] when the client is closed, with [CodeLimit] when more than 8 scripts would run in each
// other, and with the error of a Caller whose tools cannot be listed; the result is nil then.
//
// It is safe for concurrent use; each run has about 5 MB of its own. It waits while there are as many scripts as
// [RuntimeOptions].MaxScripts.
func (c *Client) RunScript(ctx context.Context, s Script) (*ScriptResult, error) {
	run, err := c.StartScript(ctx, s)
	if err != nil {
		return nil, err
	}
	return run.Wait()
}

// observed runs a script, or a function of a module, under the eyes of the client's telemetry.
func (r *scriptRun) observed(ctx context.Context, what string, run func(context.Context) (*ScriptResult, error)) (result *ScriptResult, err error) {
	if t := r.client.telemetry; t != nil {
		var observed func(*ScriptResult, error)
		ctx, observed = t.runs(ctx, what, r.name, r.language.Name())
		defer func() { observed(result, err) }()
	}
	return run(ctx)
}

// RunScript runs a script for a client without options: the short way. See [Client.RunScript].
func (r *Runtime) RunScript(ctx context.Context, s Script) (*ScriptResult, error) {
	if r.client == nil {
		return nil, errZero("Runtime", "New")
	}
	return r.client.RunScript(ctx, s)
}

// RunScriptAs runs a script and decodes its value into a T. A value that does not fit T is a [*ScriptError] with
// [ScriptInvalidArguments].
func RunScriptAs[T any](ctx context.Context, c *Client, s Script) (T, *ScriptResult, error) {
	var value T
	result, err := c.RunScript(ctx, s)
	if err != nil {
		return value, result, err
	}
	err = decodeValue(s.name(), result.Value, &value)
	return value, result, err
}

func decodeValue(name string, text json.RawMessage, value any) error {
	if err := json.Unmarshal(text, value); err != nil {
		return &ScriptError{Script: name, Kind: ScriptInvalidArguments, Message: fmt.Sprintf("the value does not fit %T: %v", value, err), Err: err}
	}
	return nil
}

// scriptRun is what a run, and a module, has of its client.
type scriptRun struct {
	client    *Client
	ctx       context.Context // ends with the client
	cancel    context.CancelCauseFunc
	name      string
	text      string // the source as it was given
	language  Language
	source    script.Source
	positions Positions
	config    script.Config
	tools     *ToolSet
	seed      uint64
	due       time.Time // the first timer of what sleeps; written before Run.Sleep returns
}

// beginScript makes a script ready. The caller ends it.
func (c *Client) beginScript(ctx context.Context, s *Script, step string) (*scriptRun, error) {
	if c.runtime == nil {
		return nil, errZero("Client", "Runtime.NewClient")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !c.begin() {
		return nil, c.errClosed(step, "")
	}
	r := &scriptRun{client: c, name: s.name(), tools: s.Tools, seed: s.Seed}
	r.ctx, r.cancel = c.whileOpen(ctx)
	if err := r.prepare(s, step); err != nil {
		if errors.Is(context.Cause(r.ctx), errClientClosed) {
			err = c.errClosed(step, "")
		}
		r.end()
		return nil, err
	}
	return r, nil
}

func (r *scriptRun) prepare(s *Script, step string) error {
	limits, err := s.Limits.withDefaults()
	if err != nil {
		return err
	}
	if len(s.Source) > limits.SourceBytes {
		over := fmt.Sprintf("the source has %d bytes: ScriptLimits.SourceBytes is %d", len(s.Source), limits.SourceBytes)
		return &ScriptError{Script: r.name, Kind: ScriptLimit, Message: over}
	}
	source, err := plainSource(r.name, s.Source)
	if err != nil {
		return err
	}
	if strings.TrimSpace(source) == "" {
		return errScript(step, r.name+": the source is empty")
	}
	if !s.Now.IsZero() && (s.Now.Unix() < 0 || s.Now.UTC().Year() > lastYear) {
		return errScript(step, fmt.Sprintf("Script.Now is not from 1970 to %d, as the clock of a script is", lastYear))
	}
	language := s.Language
	if language == nil {
		language = JavaScript
	}
	r.text, r.language = source, language
	translation, err := language.Translate(r.ctx, ScriptSource{Name: r.name, Text: source})
	if err != nil {
		return err
	}
	r.source = script.Source{Name: r.name, Text: translation.Text}
	r.positions = inCharacters(language, r.name, translation.Text, translation.Positions)
	e, mounts, err := r.client.runtime.engineFor(r.ctx, language)
	if err != nil {
		return err
	}
	r.config = script.Config{
		Engine:  e,
		Mounts:  mounts,
		Limits:  limits.internal(),
		Now:     s.Now,
		Ordered: s.Seed != 0 || !s.Now.IsZero(),
	}
	return r.grant()
}

// name is the name of the source in errors. It is a text of one line, which the names of files need not be.
func (s *Script) name() string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return utf8.RuneError
		}
		return c
	}, strings.ToValidUTF8(orDefault(s.Name, defaultScriptName), "\uFFFD"))
}

// byteOrderMark is what some editors write at the beginning of a file.
const byteOrderMark = "\uFEFF"

// plainSource is a source without its byte order mark. One that is not UTF-8 is refused: what of it were left out could
// stand in a text of the script's, and nobody would see it.
func plainSource(name, source string) (string, error) {
	source = strings.TrimPrefix(source, byteOrderMark)
	if utf8.ValidString(source) {
		return source, nil
	}
	before := source[:len(source)-len(strings.TrimLeftFunc(source, func(c rune) bool { return c != utf8.RuneError }))]
	e := &ScriptError{Script: name, Kind: ScriptSyntax, Message: "the source is not UTF-8: save it in that encoding"}
	e.Line = strings.Count(before, "\n") + 1
	e.Column = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return "", e
}

// grant gives an instance that is to be made what is its own: the tools as they are now, which it keeps, and random
// numbers.
func (r *scriptRun) grant() error {
	client, tools := r.client, r.tools
	self := gate.NewScript(r.name, r.text) // For the log of the gate before a tool, which may be another client's.
	listed, err := tools.current(client.forScript(r.ctx))
	if err != nil {
		return err
	}
	r.config.Tools = listed.json
	r.config.Call = func(ctx context.Context, server, tool string, arguments json.RawMessage) (result json.RawMessage, failure *script.ToolFailure) {
		defer func() { // A script must not end the program by arguments that its author has not thought of.
			if cause := recover(); cause != nil {
				client.options.Logger.Error("what answers a tool of a script has panicked", "server", server, "tool", tool, "panic", cause, "stack", string(debug.Stack()))
				result, failure = nil, &script.ToolFailure{Code: CodeInternal.String(), Message: fmt.Sprintf("what answers %s.%s has panicked: %v", server, tool, cause)}
			}
		}()
		return tools.call(gate.WithScript(client.forScript(ctx), self), listed, server, tool, arguments)
	}
	r.config.Search = func(ctx context.Context, within time.Duration, text string, limit uint32) (string, time.Duration, error) {
		return catalog.Search(ctx, client.runtime.engine, within, listed.json, text, limit, string(PythonDeclarations), string(DetailBrief))
	}
	r.config.Random = randomOf(r.seed)
	return nil
}

func (r *scriptRun) end() {
	r.cancel(nil)
	r.client.ending.Done()
}

// randomOf is a source of random bytes that no other script has, unless it is given the same seed.
func randomOf(seed uint64) *randv2.ChaCha8 {
	var key [32]byte
	if seed != 0 {
		binary.LittleEndian.PutUint64(key[:], seed)
	} else {
		_, _ = rand.Read(key[:]) // It never fails.
	}
	return randv2.NewChaCha8(key)
}

// error gives a failure the form that users see.
func (r *scriptRun) error(f *script.Failure) error {
	if f.Kind == script.ContextEnded {
		var closed *Error
		switch cause := context.Cause(r.ctx); {
		case errors.Is(cause, errClientClosed):
			return r.client.errClosed("run script", "")
		case errors.As(cause, &closed):
			return closed
		}
		return f.Err
	}
	if f.Kind == script.Asleep {
		return ErrAsleep
	}
	if f.Kind == script.Internal {
		return &Error{Code: CodeInternal, Step: "run script", Message: r.name + ": " + f.Message, Err: f.Err}
	}
	e := &ScriptError{
		Script: r.name, Kind: scriptKinds[f.Kind], Message: f.Message,
		Line: f.Line, Column: f.Column, Stack: f.Stack, Err: f.Err,
	}
	r.positions.apply(e)
	if e.Kind == ScriptSyntax && r.language == JavaScript {
		switch path.Ext(r.name) {
		case ".ts", ".py":
			e.Message += "; " + r.name + " was taken for JavaScript: Script.Language says otherwise"
		}
	}
	return e
}

func resultOf(report *script.Report) *ScriptResult {
	result := &ScriptResult{Usage: ScriptUsage(report.Usage)}
	for _, line := range report.Logs {
		result.Logs = append(result.Logs, ScriptLog(line))
	}
	for _, c := range report.Calls {
		result.Calls = append(result.Calls, ScriptCall{
			Server: c.Server, Tool: c.Tool, ArgumentBytes: c.ArgumentBytes,
			Begun: c.Begun, Duration: c.Duration, Outcome: scriptOutcomes[c.Outcome], Code: c.Code,
		})
	}
	return result
}

var scriptOutcomes = map[script.Outcome]ScriptCallOutcome{
	script.Unanswered: ScriptCallUnanswered,
	script.Done:       ScriptCallDone,
	script.ToolError:  ScriptCallToolError,
	script.Failed:     ScriptCallFailed,
}

func errScript(step, message string) error {
	return &Error{Code: CodeInvalidArgument, Step: step, Message: message}
}

// errClientClosed is the cause of the end of a run's context when its client is closed.
var errClientClosed = errors.New("the client is closed")

// whileOpen returns a context that also ends when the client is closed.
func (c *Client) whileOpen(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.open, func() { cancel(errClientClosed) })
	return ctx, func(cause error) {
		stop()
		cancel(cause)
	}
}
