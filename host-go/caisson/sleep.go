package caisson

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
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

// Sleeping says how scripts sleep: see [Run.Sleep]. It is a part of [ClientOptions].
type Sleeping struct {
	// SleepKey seals the bytes of a run that sleeps, and opens them where it wakes: 32 random bytes or more, which
	// both processes have and nobody else. Other keys are made of it, for this purpose alone. Default: none, and
	// nothing sleeps or wakes.
	SleepKey []byte
	// SleepClaims keeps which sleeps have woken, so that none wakes twice. All processes that can wake a run share
	// it. Default: files in "caisson/sleep-claims-v1" in [os.UserConfigDir], which the processes of one user on one
	// machine share: see [NewFileClaims].
	SleepClaims SleepClaims
	// MaxSleepBytes bounds the bytes of one run that sleeps. Default: 32 MiB.
	MaxSleepBytes int64
	// MaxSleep bounds how long a run may sleep. One that has slept longer does not wake. Default: 30 days.
	MaxSleep time.Duration
}

const (
	defaultMaxSleepBytes = 32 << 20
	defaultMaxSleep      = 30 * 24 * time.Hour
	// maxSleepHead bounds what is beside the guest in a run that sleeps: its source, its log, its calls.
	maxSleepHead = 64 << 20
)

func (o *Sleeping) withDefaults() Sleeping {
	s := *o
	s.SleepKey = append([]byte(nil), s.SleepKey...)
	s.MaxSleepBytes = orDefault(s.MaxSleepBytes, defaultMaxSleepBytes)
	s.MaxSleep = orDefault(s.MaxSleep, defaultMaxSleep)
	return s
}

func (o *Sleeping) check() error {
	switch {
	case len(o.SleepKey) > 0 && len(o.SleepKey) < sleep.KeyBytes:
		return errOption(fmt.Sprintf("ClientOptions.SleepKey has %d bytes, and needs %d", len(o.SleepKey), sleep.KeyBytes))
	case o.MaxSleepBytes < 0:
		return errOption("ClientOptions.MaxSleepBytes is negative")
	case o.MaxSleep < 0:
		return errOption("ClientOptions.MaxSleep is negative")
	}
	return nil
}

// ErrAsleep is what [Run.Wait] returns for a run that was put to sleep.
var ErrAsleep = errors.New("caisson: the run sleeps: Client.Wake goes on with it")

// A SleepCode says why a run does not sleep, or does not wake.
type SleepCode string

// The codes of [Run.Sleep].
const (
	// SleepEnded says that the run has ended before, or sleeps already.
	SleepEnded SleepCode = "ended"
	// SleepUnderway says that calls of tools were underway, or that the script computed, until the context ended.
	SleepUnderway SleepCode = "underway"
	// SleepSynchronous says that the script waits in a synchronous call: a run that is to sleep waits by await.
	SleepSynchronous SleepCode = "synchronous"
	// SleepHeld says that the script holds something that only this process has, such as an open file, or its recording.
	SleepHeld SleepCode = "held"
	// SleepUnsupported says that the component of the language cannot be saved.
	SleepUnsupported SleepCode = "unsupported"
)

// The codes of [Client.Wake]; [SleepTooLarge] is one of [Run.Sleep] too.
const (
	// SleepTooLarge says that the bytes, or what is in them, are more than a bound allows, which the message names.
	SleepTooLarge SleepCode = "too large"
	// SleepTruncated says that the bytes are cut short.
	SleepTruncated SleepCode = "truncated"
	// SleepChanged says that the bytes are not those that Run.Sleep has given.
	SleepChanged SleepCode = "changed"
	// SleepVersion says that they have a form that this version of Caisson does not read.
	SleepVersion SleepCode = "version"
	// SleepOtherKey says that they were sealed with another [Sleeping].SleepKey.
	SleepOtherKey SleepCode = "key"
	// SleepBuild says that the run is of another build of Caisson's core, or of another component of its language.
	SleepBuild SleepCode = "build"
	// SleepLanguage says that the run is in a [Language] that [Waking].Languages does not have, or finds other folders there.
	SleepLanguage SleepCode = "language"
	// SleepPrincipal says that the run is of another [Governance].Principal.
	SleepPrincipal SleepCode = "principal"
	// SleepExpired says that the run has slept longer than [Sleeping].MaxSleep of who put it to sleep.
	SleepExpired SleepCode = "expired"
	// SleepClaimed says that the run has woken already.
	SleepClaimed SleepCode = "claimed"
)

// A SleepError is why a run does not sleep, or does not wake.
type SleepError struct {
	Code    SleepCode
	Message string
	Err     error // the cause, or nil
}

// Error returns the message.
func (e *SleepError) Error() string { return "caisson: sleep: " + e.Message }

// Unwrap returns the cause.
func (e *SleepError) Unwrap() error { return e.Err }

// asleep is what is sealed with a guest.
type asleep struct {
	Build     string        `json:"build"`
	Component string        `json:"component,omitempty"` // its name; "" for the core
	Language  string        `json:"language"`
	Principal string        `json:"principal,omitempty"`
	Until     time.Time     `json:"until"`
	Name      string        `json:"name"`
	Source    string        `json:"source"`
	Text      string        `json:"text"` // a hash of what the language has made of the source
	State     *script.State `json:"state"`
}

// Sleep puts the run to sleep: it returns the run as bytes, sealed with [Sleeping].SleepKey, and ends it here.
// [Client.Wake] goes on with it, also in another process of the same build. What the run has used goes along: its
// limits, random numbers, log and calls go on where they were.
//
// A run sleeps while it waits for timers, and for calls of tools about which somebody is asked before they go out
// ([Governance].Approve): they are made anew when the run wakes. Sleep waits until that is all that the script waits
// for, and until the end of ctx at most; so it does not interrupt a call that has gone out. A question that is asked in
// the middle of a call, such as an elicitation, is a part of that call. The time that a run sleeps is no part of
// [ScriptLimits].Time; timers go on.
//
// When Sleep fails the run goes on, and the error is a [*SleepError]; without a SleepKey it is an [*Error] with
// [CodeInvalidArgument].
func (r *Run) Sleep(ctx context.Context) ([]byte, error) {
	if r.run == nil {
		return nil, errZero("Run", "Client.StartScript")
	}
	c := r.run.client
	if len(c.options.SleepKey) == 0 {
		return nil, &Error{Code: CodeInvalidArgument, Step: "sleep", Message: "ClientOptions.SleepKey is not set: it seals a run that sleeps"}
	}
	select {
	case <-r.begun:
	case <-r.done:
		return nil, sleepError(script.ErrOver)
	case <-ctx.Done():
		return nil, sleepError(&script.UnderwayError{Err: ctx.Err()})
	}
	sealed, err := r.in.Sleep(ctx, r.done, r.run.seal)
	if err != nil {
		return nil, sleepError(err)
	}
	return sealed, nil
}

// seal makes the bytes of a run.
func (r *scriptRun) seal(state *script.State, guest func(io.Writer) error) ([]byte, error) {
	o := &r.client.options
	if err := o.holds(&state.Limits); err != nil {
		return nil, err
	}
	build, err := r.config.Engine.Build()
	if err != nil {
		return nil, err
	}
	r.due = time.Time{}
	for _, t := range state.Timers {
		if due := time.Now().Add(t.Left); r.due.IsZero() || due.Before(r.due) {
			r.due = due
		}
	}
	head, err := json.Marshal(asleep{
		Build: build, Component: componentName(r.language), Language: r.language.Name(), Principal: o.Principal,
		Until: time.Now().Add(o.MaxSleep), Name: r.name, Source: r.text, Text: r.textHash(), State: state,
	})
	if err != nil {
		return nil, err
	}
	if len(head) > maxSleepHead {
		return nil, &SleepError{Code: SleepTooLarge, Message: fmt.Sprintf("the run's source, log and calls have %d bytes, and may have %d", len(head), maxSleepHead)}
	}
	return sleep.Seal(o.SleepKey, o.MaxSleepBytes, func(w io.Writer) error {
		if _, err := w.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(head)))); err != nil {
			return err
		}
		if _, err := w.Write(head); err != nil {
			return err
		}
		return guest(w)
	})
}

// textHash is the hash of what the instance was given as the source.
func (r *scriptRun) textHash() string {
	sum := sha256.Sum256([]byte(r.source.Text))
	return hex.EncodeToString(sum[:])
}

// holds finds a run that is larger than the client wants to hold when it wakes.
func (o *ClientOptions) holds(l *script.Limits) error {
	if most := o.mostMemory(); l.MemoryBytes > most {
		return &SleepError{Code: SleepTooLarge, Message: fmt.Sprintf("the run may have %d bytes of memory: ClientOptions.MaxMemoryBytes is %d", l.MemoryBytes, most)}
	}
	return nil
}

func (o *ClientOptions) mostMemory() int64 { return max(o.MaxMemoryBytes, defaultScriptMemoryBytes) }

func componentName(l Language) string {
	if c := l.Component(); c != nil {
		return c.Name
	}
	return ""
}

// sleepError gives an error the form that users see.
func sleepError(err error) error {
	var (
		known    *SleepError
		sealed   *sleep.Error
		underway *script.UnderwayError
		held     *wasi.HeldError
		state    *component.StateError
	)
	code := SleepUnsupported
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &sealed):
		e := &SleepError{Code: sleepCodes[sealed.Code], Message: "the run cannot sleep or wake: " + sealed.Message, Err: err}
		if e.Code == SleepTooLarge {
			e.Message += ": ClientOptions.MaxSleepBytes bounds it"
		}
		return e
	case errors.As(err, &underway):
		code = SleepUnderway
	case errors.Is(err, script.ErrOver):
		code = SleepEnded
	case errors.Is(err, script.ErrInside):
		code = SleepSynchronous
	case errors.As(err, &held), errors.Is(err, script.ErrRecorded):
		code = SleepHeld
	case errors.Is(err, wasi.ErrState):
		code = SleepLanguage
	case errors.As(err, &state), errors.Is(err, script.ErrState):
		code = SleepChanged
	}
	return &SleepError{Code: code, Message: "the run cannot sleep or wake: " + err.Error(), Err: err}
}

var sleepCodes = map[sleep.Code]SleepCode{
	sleep.Truncated: SleepTruncated,
	sleep.Changed:   SleepChanged,
	sleep.Versioned: SleepVersion,
	sleep.Key:       SleepOtherKey,
	sleep.TooLarge:  SleepTooLarge,
}
