package caisson

import (
	"context"
	"encoding/json"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// A Run is a script that runs: see [Client.StartScript]. It is safe for concurrent use, and has nothing to be closed.
type Run struct {
	run   *scriptRun
	leave func()        // gives its place back
	begun chan struct{} // closed when there is an instance, or never will be
	in    *script.Instance
	done  chan struct{} // closed when the run has ended

	result *ScriptResult
	err    error
}

// Due returns when the first timer is due of a run that [Run.Sleep] has put to sleep: when whoever keeps the run should
// wake it, though nobody has answered what it waits for. It is zero where it has no timers, and before.
func (r *Run) Due() time.Time {
	if r.run == nil {
		return time.Time{}
	}
	return r.run.due
}

// StartScript begins a script as [Client.RunScript] does, and does not wait for its end. The context is that of the whole
// run: its end stops the script. Whoever only wants the result calls RunScript.
func (c *Client) StartScript(ctx context.Context, s Script) (*Run, error) {
	run, input, err := c.startScript(ctx, &s)
	if err != nil {
		if s.Record != nil {
			_ = s.Record.Close() // There is nothing in it.
		}
		return nil, err
	}
	r := run.run
	go run.follow(func(ctx context.Context) (json.RawMessage, *script.Report, *script.Failure) {
		in, failure := script.New(ctx, r.config)
		if failure != nil {
			return nil, &script.Report{}, failure
		}
		defer in.Close()
		run.in = in
		close(run.begun)
		return in.Run(ctx, r.source, input, s.Args)
	})
	return run, nil
}

// startScript makes a run that is ready to begin.
func (c *Client) startScript(ctx context.Context, s *Script) (run *Run, input json.RawMessage, err error) {
	if input, err = json.Marshal(s.Input); err != nil {
		return nil, nil, errScript("run script", "Script.Input does not marshal to JSON: "+err.Error())
	}
	r, err := c.beginScript(ctx, s, "run script")
	if err != nil {
		return nil, nil, err
	}
	run, err = r.newRun("run script")
	if err == nil && s.Record != nil {
		if err = r.record(s.Record); err != nil {
			run.leave()
		}
	}
	if err != nil {
		r.end()
		return nil, nil, err
	}
	return run, input, nil
}

// StartScript begins a script for a client without options: the short way. See [Client.StartScript].
func (r *Runtime) StartScript(ctx context.Context, s Script) (*Run, error) {
	if r.client == nil {
		return nil, errZero("Runtime", "New")
	}
	return r.client.StartScript(ctx, s)
}

// newRun makes a run of a script that is ready, once there is a place for it.
func (r *scriptRun) newRun(step string) (*Run, error) {
	leave, err := r.enter(step)
	if err != nil {
		return nil, err
	}
	return &Run{run: r, leave: leave, begun: make(chan struct{}), done: make(chan struct{})}, nil
}

// follow runs the script to its end.
func (r *Run) follow(run func(context.Context) (json.RawMessage, *script.Report, *script.Failure)) {
	defer r.run.end()
	defer close(r.done)
	defer r.leave()
	r.result, r.err = r.run.observed(r.run.ctx, "run script", func(ctx context.Context) (*ScriptResult, error) {
		value, report, failure := run(ctx)
		if recorded := r.run.config.Record; recorded != nil {
			recorded.Outcome(script.OutcomeOf(report, failure))
			recorded.Close()
		}
		result := resultOf(report)
		if failure != nil {
			return result, r.run.error(failure)
		}
		result.Value = value
		return result, nil
	})
}

// Done returns a channel that is closed when the script has ended, or sleeps.
func (r *Run) Done() <-chan struct{} { return r.done }

// Wait waits for the end of the script, and returns what [Client.RunScript] does. For a run that was put to sleep it
// returns [ErrAsleep], with what the script did before. It may be called any number of times.
func (r *Run) Wait() (*ScriptResult, error) {
	if r.run == nil {
		return nil, errZero("Run", "Client.StartScript")
	}
	<-r.done
	return r.result, r.err
}
