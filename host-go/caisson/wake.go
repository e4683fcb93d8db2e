package caisson

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/script"
	"github.com/caisson-dev/caisson/host-go/internal/sleep"
)

// Waking says what a run finds when it wakes.
type Waking struct {
	// Tools are what the script may call from now on, whatever it could call before: what it knows of and is not there
	// fails as a tool that is not found. Default: none.
	Tools *ToolSet
	// Languages are what the script may be in, besides [JavaScript]: see [Script].Language.
	Languages []Language
}

// Wake goes on with a run that [Run.Sleep] has put to sleep. The client has the same [Sleeping].SleepKey and
// [Governance].Principal as the one before, and its build is the same. The run has the limits that it had; what it
// has used so far counts, and so does its log. The context is that of the rest of the run, as in [Client.StartScript].
//
// Each sleep wakes once: before anything runs, it is claimed in [Sleeping].SleepClaims. A failure before that leaves
// it to be woken again.
//
// The bytes may be anything. Those that are not a run which may wake here are a [*SleepError]. Wake fails with an
// [*Error] where StartScript would, and with [CodeInvalidArgument] without a SleepKey; with a [*ScriptError] when the
// run does not fit into its own limits; and with the error of the SleepClaims.
func (c *Client) Wake(ctx context.Context, asleep []byte, w Waking) (*Run, error) {
	if c.runtime == nil {
		return nil, errZero("Client", "Runtime.NewClient")
	}
	if len(c.options.SleepKey) == 0 {
		return nil, &Error{Code: CodeInvalidArgument, Step: "wake", Message: "ClientOptions.SleepKey is not set: it opens a run that sleeps"}
	}
	id, from, err := sleep.Open(c.options.SleepKey, asleep, c.options.MaxSleepBytes, maxSleepHead+c.options.mostMemory())
	if err != nil {
		return nil, sleepError(err)
	}
	defer from.Close()
	head, language, err := c.readAsleep(from, &w)
	if err != nil {
		return nil, sleepError(err)
	}
	r, err := c.beginScript(ctx, &Script{
		Source: head.Source, Name: head.Name, Language: language, Tools: w.Tools,
		Limits: ScriptLimits{SourceBytes: max(1, len(head.Source))},
	}, "wake")
	if err != nil {
		return nil, err
	}
	run, err := r.wake(id, head, from)
	if err != nil {
		r.end()
		return nil, err
	}
	return run, nil
}

// readAsleep reads what is sealed with a guest, and checks whether it may wake here.
func (c *Client) readAsleep(from io.Reader, w *Waking) (*asleep, Language, error) {
	var size [4]byte
	if _, err := io.ReadFull(from, size[:]); err != nil {
		return nil, nil, shortened(err)
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n > maxSleepHead {
		return nil, nil, &SleepError{Code: SleepTooLarge, Message: fmt.Sprintf("the run's source, log and calls have %d bytes, and may have %d", n, maxSleepHead)}
	}
	text, err := io.ReadAll(io.LimitReader(from, int64(n)))
	if err != nil {
		return nil, nil, shortened(err)
	}
	head := &asleep{}
	if err := json.Unmarshal(text, head); err != nil || head.State == nil {
		return nil, nil, &SleepError{Code: SleepChanged, Message: "what is sealed is not a run", Err: err}
	}
	language := head.language(w.Languages)
	switch o := &c.options; {
	case head.Principal != o.Principal:
		return nil, nil, &SleepError{Code: SleepPrincipal, Message: "the run is not one of ClientOptions.Principal"}
	case language == nil:
		return nil, nil, &SleepError{Code: SleepLanguage, Message: fmt.Sprintf("the run is in %.64s, which Waking.Languages does not have", head.Language)}
	case head.Component != componentName(language):
		return nil, nil, errBuild()
	}
	if err := head.expired(); err != nil {
		return nil, nil, err
	}
	return head, language, c.options.holds(&head.State.Limits)
}

// language finds the language of a run; nil when it is not there.
func (a *asleep) language(languages []Language) Language {
	for _, l := range append([]Language{JavaScript}, languages...) {
		if l != nil && l.Name() == a.Language {
			return l
		}
	}
	return nil
}

// expired finds a run that has slept too long.
func (a *asleep) expired() error {
	if time.Now().After(a.Until) {
		return &SleepError{Code: SleepExpired, Message: "the run should have been woken by " + a.Until.UTC().Format(time.RFC3339)}
	}
	return nil
}

func errBuild() *SleepError {
	return &SleepError{Code: SleepBuild, Message: "the run is of another build: wake it with the program that put it to sleep, or with one that has the same version of Caisson"}
}

// shortened is an error of reading what is sealed.
func shortened(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &SleepError{Code: SleepChanged, Message: "what is sealed is cut short", Err: err}
	}
	return err
}

// wake restores a run, claims it, and goes on with it.
func (r *scriptRun) wake(id string, head *asleep, guest io.Reader) (*Run, error) {
	build, err := r.config.Engine.Build()
	if err != nil {
		return nil, &Error{Code: CodeInternal, Step: "wake", Message: "the build cannot be found out: " + err.Error(), Err: err}
	}
	if build != head.Build {
		return nil, errBuild()
	}
	if r.textHash() != head.Text {
		// The language makes another text of the source by now: a module has changed. No place is better than a wrong one.
		r.positions = func(int, int) (string, int, int, bool) { return "", 0, 0, false }
	}
	run, err := r.newRun("wake")
	if err != nil {
		return nil, err
	}
	if err := r.restore(run, id, head, guest); err != nil {
		run.leave()
		return nil, err
	}
	close(run.begun)
	go run.follow(func(ctx context.Context) (json.RawMessage, *script.Report, *script.Failure) {
		defer run.in.Close()
		return run.in.Wake(ctx, head.State.Left)
	})
	return run, nil
}

// restore makes the instance of a run, and claims the run.
func (r *scriptRun) restore(run *Run, id string, head *asleep, guest io.Reader) error {
	in, failure := script.Restore(r.ctx, r.config, head.State, guest)
	if failure != nil {
		var state *component.StateError
		var sealed *sleep.Error
		if errors.As(failure.Err, &state) || errors.As(failure.Err, &sealed) || errors.Is(failure.Err, script.ErrState) || errors.Is(failure.Err, wasi.ErrState) {
			return sleepError(failure.Err)
		}
		return r.error(failure)
	}
	// It may have waited long for its place, and claims of what has expired are forgotten.
	if err := head.expired(); err != nil {
		in.Close()
		return err
	}
	claims, err := r.client.sleepClaims()
	first := false
	if err == nil {
		first, err = claims.Claim(r.ctx, id, head.Until)
	}
	switch {
	case err != nil:
		in.Close()
		return fmt.Errorf("caisson: wake: the run cannot be claimed: %w", err)
	case !first:
		in.Close()
		return &SleepError{Code: SleepClaimed, Message: "the run has woken already: each sleep wakes once"}
	}
	run.in = in
	return nil
}
