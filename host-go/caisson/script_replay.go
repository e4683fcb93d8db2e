package caisson

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/caisson-dev/caisson/host-go/internal/record"
	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// A ReplayedScript is a script that was run again.
type ReplayedScript struct {
	// Name and Language are those of the script.
	Name     string `json:"name"`
	Language string `json:"language"`
	// Result and Err are what [Client.RunScript] returned: the value, the log and the fuel are the recorded ones. How
	// long calls and computing took is the replay's. An end of the context has the recorded text, and is a plain error.
	Result *ScriptResult `json:"-"`
	Err    error         `json:"-"`
}

// replayScript replays the run of a script.
func (c *Client) replayScript(ctx context.Context, reader *record.Reader, options *ReplayOptions) (*Replay, error) {
	h := reader.Header()
	limits, err := c.recordedLimits(&h)
	if err != nil {
		return nil, err
	}
	r := &scriptRun{client: c, name: h.Script.Name, language: languageOf(h.Script, options.Languages)}
	if r.language == nil || componentName(r.language) != h.Script.Component && !options.AnyCore {
		return nil, otherCore(fmt.Sprintf("the recording is of a script in %s, and ReplayOptions.Languages does not have what it ran in", h.Script.Language))
	}
	r.ctx, r.cancel = c.whileOpen(ctx)
	defer r.cancel(nil)
	e, mounts, err := c.runtime.engineFor(r.ctx, r.language)
	if err != nil {
		return nil, err
	}
	build, err := e.Build()
	if err != nil {
		return nil, &Error{Code: CodeInternal, Step: "replay", Message: "the build cannot be found out: " + err.Error(), Err: err}
	}
	if build != h.Core && !options.AnyCore {
		return nil, otherCore(fmt.Sprintf("the recording is of another build of the component, %.12q, and this is %.12q: replay it with the program that recorded it, or allow any core", h.Core, build))
	}
	leave, err := r.enter("replay")
	if err != nil {
		return nil, err
	}
	defer leave()
	p := record.NewPlayer(reader)
	p.Loose = options.AnyCore
	if r.text, err = p.ScriptSource(); err != nil {
		return nil, replayError(err)
	}
	r.config = script.Config{Engine: e, Mounts: mounts, Limits: *limits, Play: p}
	value, report, failure := script.Replay(r.ctx, r.config)
	if err := r.ctx.Err(); err != nil {
		return nil, r.ended(r.ctx)
	}
	if p.Failure != nil {
		return nil, replayError(p.Failure)
	}
	replay := &Replay{
		Began: h.Began, Calls: p.Calls, Effects: p.Imports, Readings: p.Readings, End: replayEnd(p.Reason),
		Script: &ReplayedScript{Name: r.name, Language: h.Script.Language, Result: resultOf(report)},
	}
	switch {
	case failure == nil:
		replay.Script.Result.Value = value
	case replay.End == ReplayClosed:
		r.positions = r.replayedPositions(p.Source)
		replay.Script.Err = r.error(failure)
	}
	return replay, nil
}

// recordedLimits reads the limits of a script that was recorded.
func (c *Client) recordedLimits(h *record.Header) (*script.Limits, error) {
	limits := &script.Limits{}
	if err := json.Unmarshal(h.Script.Limits, limits); err != nil || limits.Check() != nil {
		return nil, replayError(&record.FormatError{Line: 1, Message: "the limits are none of a script"})
	}
	if most := c.options.mostMemory(); limits.MemoryBytes > most {
		return nil, otherCore(fmt.Sprintf("the recorded script may have %d bytes of memory: ClientOptions.MaxMemoryBytes is %d", limits.MemoryBytes, most))
	}
	return limits, nil
}

func otherCore(message string) error {
	return &ReplayError{Code: ReplayCore, Line: 1, Message: message}
}

// languageOf returns what a recorded script is in: JavaScript for what the core runs in a language that is not here.
func languageOf(recorded *record.Script, languages []Language) Language {
	i := slices.IndexFunc(languages, func(l Language) bool { return l != nil && l.Name() == recorded.Language })
	switch {
	case i >= 0:
		return languages[i]
	case recorded.Component == "":
		return JavaScript
	}
	return nil
}

// replayedPositions finds places in the source of a script that was run from this text: none, where the language makes
// another text of it by now.
func (r *scriptRun) replayedPositions(text string) Positions {
	if r.text == "" {
		return inCharacters(r.language, r.name, text, nil) // The text is the source.
	}
	made, err := r.language.Translate(r.ctx, ScriptSource{Name: r.name, Text: r.text})
	if err != nil || made.Text != text {
		return func(int, int) (string, int, int, bool) { return "", 0, 0, false }
	}
	return inCharacters(r.language, r.name, text, made.Positions)
}
