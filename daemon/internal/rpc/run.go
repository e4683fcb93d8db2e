package rpc

import (
	"context"
	"errors"
	"maps"
	"slices"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/runs"
)

// SubmitRun implements the service.
func (s *Scripts) SubmitRun(ctx context.Context, r *connect.Request[caissonv1.SubmitRunRequest]) (*connect.Response[caissonv1.SubmitRunResponse], error) {
	p, err := caller(ctx, access.Scripts)
	if err != nil {
		return nil, err
	}
	script, err := s.script(r.Msg.GetScript())
	if err != nil {
		return nil, err
	}
	if len(r.Msg.GetIdempotencyKey()) > 256 {
		return nil, invalid("submit run", "idempotency_key has more than 256 bytes")
	}
	name := script.Name
	if name == "" {
		name = "script"
	}
	run, err := s.Runs.Submit(ctx, runs.Submission{
		Principal: p.Name, Name: name, Key: r.Msg.GetIdempotencyKey(), Repeatable: r.Msg.GetRepeatable(), Script: r.Msg.GetScript(),
	})
	if err != nil {
		return nil, runStatus(err)
	}
	return connect.NewResponse(&caissonv1.SubmitRunResponse{Run: runInfo(run)}), nil
}

// Work runs a script that was submitted: it is a [runs.Work].
func (s *Scripts) Work(ctx context.Context, job *runs.Job) runs.Result {
	u, run, err := s.begin(ctx, job)
	if err != nil {
		if job.Asleep != nil && sleepsOn(err) {
			return runs.Result{Stays: err}
		}
		return runs.Result{Failure: Detail(err)}
	}
	defer u.release()
	asleep, due := job.Follow(ctx, run)
	result, err := run.Wait()
	if errors.Is(err, caisson.ErrAsleep) {
		return runs.Result{Asleep: asleep, Due: due}
	}
	done, err := outcome(result, err)
	if err == nil {
		return runs.Result{Outcome: done}
	}
	if result != nil {
		done, _ = outcome(result, nil) // What it did before.
	}
	return runs.Result{Outcome: done, Failure: Detail(err)}
}

// begin begins a script that was submitted, or wakes it. Release what it uses when it has ended.
func (s *Scripts) begin(ctx context.Context, job *runs.Job) (*use, *caisson.Run, error) {
	script, err := s.script(job.Script)
	if err != nil {
		return nil, nil, err
	}
	u, err := s.use(ctx, job.Principal, job.Script.GetServers())
	if err != nil {
		return nil, nil, err
	}
	var run *caisson.Run
	ctx = byRPC(job.Context(ctx))
	if job.Asleep != nil {
		run, err = u.client.Wake(ctx, job.Asleep, caisson.Waking{Tools: u.tools, Languages: slices.Collect(maps.Values(languages))})
	} else {
		script.Tools = u.tools
		run, err = u.client.StartScript(ctx, script)
	}
	if err != nil {
		u.release()
		return nil, nil, err
	}
	return u, run, nil
}

// sleepsOn reports whether a run that could not be woken may be woken later, or elsewhere. What has woken once, has slept
// too long, or is damaged, may not.
func sleepsOn(err error) bool {
	var asleep *caisson.SleepError
	if !errors.As(err, &asleep) {
		return true
	}
	switch asleep.Code {
	case caisson.SleepBuild, caisson.SleepVersion, caisson.SleepOtherKey, caisson.SleepLanguage, caisson.SleepTooLarge:
		return true
	}
	return false
}

// runStatus gives an error of runs its status.
func runStatus(err error) error {
	var missing *runs.NotFoundError
	var key *runs.KeyError
	code := connect.CodeNotFound
	switch {
	case errors.As(err, &missing):
	case errors.As(err, &key):
		code = connect.CodeAlreadyExists
	default:
		return Status(err)
	}
	made := connect.NewError(code, err)
	addDetail(made, &caissonv1.Error{Code: caissonv1.Code_CODE_INVALID_ARGUMENT, Step: "run", Message: err.Error()})
	return made
}

var runStates = map[runs.State]caissonv1.RunState{
	runs.Queued:    caissonv1.RunState_RUN_STATE_RUNNING,
	runs.Running:   caissonv1.RunState_RUN_STATE_RUNNING,
	runs.Asleep:    caissonv1.RunState_RUN_STATE_ASLEEP,
	runs.Ended:     caissonv1.RunState_RUN_STATE_ENDED,
	runs.Cancelled: caissonv1.RunState_RUN_STATE_CANCELLED,
}

// runInfo says what there is to know of a run.
func runInfo(run *runs.Run) *caissonv1.Run {
	info := &caissonv1.Run{
		Id: run.ID, Name: run.Name, State: runStates[run.State], Submitted: timestamppb.New(run.Submitted),
		Outcome: run.Outcome, Error: run.Failure.GetMessage(), ErrorDetail: run.Failure,
	}
	if !run.Ended.IsZero() {
		info.Ended = timestamppb.New(run.Ended)
	}
	return info
}

// GetRun implements the service.
func (s *Scripts) GetRun(ctx context.Context, r *connect.Request[caissonv1.GetRunRequest]) (*connect.Response[caissonv1.GetRunResponse], error) {
	p, err := caller(ctx, access.Scripts)
	if err != nil {
		return nil, err
	}
	run, err := s.Runs.Get(ctx, p.Name, r.Msg.GetId())
	if err != nil {
		return nil, runStatus(err)
	}
	return connect.NewResponse(&caissonv1.GetRunResponse{Run: runInfo(run)}), nil
}

// ListRuns implements the service.
func (s *Scripts) ListRuns(ctx context.Context, _ *connect.Request[caissonv1.ListRunsRequest]) (*connect.Response[caissonv1.ListRunsResponse], error) {
	p, err := caller(ctx, access.Scripts)
	if err != nil {
		return nil, err
	}
	all, err := s.Runs.List(ctx, p.Name)
	if err != nil {
		return nil, runStatus(err)
	}
	response := &caissonv1.ListRunsResponse{}
	for _, run := range all {
		response.Runs = append(response.Runs, runInfo(run))
	}
	return connect.NewResponse(response), nil
}

// CancelRun implements the service.
func (s *Scripts) CancelRun(ctx context.Context, r *connect.Request[caissonv1.CancelRunRequest]) (*connect.Response[caissonv1.CancelRunResponse], error) {
	p, err := caller(ctx, access.Scripts)
	if err != nil {
		return nil, err
	}
	run, err := s.Runs.Cancel(ctx, p.Name, r.Msg.GetId())
	if err != nil {
		return nil, runStatus(err)
	}
	return connect.NewResponse(&caissonv1.CancelRunResponse{Run: runInfo(run)}), nil
}

// WatchRun implements the service.
func (s *Scripts) WatchRun(ctx context.Context, r *connect.Request[caissonv1.WatchRunRequest], stream *connect.ServerStream[caissonv1.WatchRunResponse]) error {
	p, err := caller(ctx, access.Scripts)
	if err != nil {
		return err
	}
	return runStatus(s.Runs.Watch(ctx, p.Name, r.Msg.GetId(), func(run *runs.Run) error {
		return stream.Send(&caissonv1.WatchRunResponse{Run: runInfo(run)})
	}))
}
