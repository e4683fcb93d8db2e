package rpc

import (
	"context"
	"fmt"

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
	run, err := s.Runs.Submit(p.Name, name, r.Msg.GetIdempotencyKey(), func(ctx context.Context) (*caisson.ScriptResult, error) {
		return s.runScript(ctx, p.Name, script, r.Msg.GetScript().GetServers())
	})
	if err != nil {
		return nil, Status(err)
	}
	return connect.NewResponse(&caissonv1.SubmitRunResponse{Run: runInfo(run, true)}), nil
}

// runInfo says what there is to know of a run.
func runInfo(run *runs.Run, whole bool) *caissonv1.Run {
	state, ended, result := run.State()
	info := &caissonv1.Run{Id: run.ID, Name: run.Name, State: caissonv1.RunState_RUN_STATE_RUNNING, Submitted: timestamppb.New(run.Submitted)}
	if state == runs.Running {
		return info
	}
	info.Ended = timestamppb.New(ended)
	info.State = caissonv1.RunState_RUN_STATE_ENDED
	if state == runs.Cancelled {
		info.State = caissonv1.RunState_RUN_STATE_CANCELLED
	}
	done, err := outcome(result.Script, result.Err)
	if err != nil {
		info.Error = Detail(err).GetMessage()
		done, _ = outcome(result.Script, nil) // What it did before.
	}
	if whole {
		info.Outcome = done
	}
	return info
}

// run finds a run of who calls.
func (s *Scripts) run(ctx context.Context, id string) (*runs.Run, error) {
	p, err := caller(ctx, access.Scripts)
	if err != nil {
		return nil, err
	}
	run := s.Runs.Get(p.Name, id)
	if run == nil {
		return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("there is no run %q: it was never submitted, or has ended too long ago", id))
	}
	return run, nil
}

// GetRun implements the service.
func (s *Scripts) GetRun(ctx context.Context, r *connect.Request[caissonv1.GetRunRequest]) (*connect.Response[caissonv1.GetRunResponse], error) {
	run, err := s.run(ctx, r.Msg.GetId())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&caissonv1.GetRunResponse{Run: runInfo(run, true)}), nil
}

// ListRuns implements the service.
func (s *Scripts) ListRuns(ctx context.Context, _ *connect.Request[caissonv1.ListRunsRequest]) (*connect.Response[caissonv1.ListRunsResponse], error) {
	p, err := caller(ctx, access.Scripts)
	if err != nil {
		return nil, err
	}
	response := &caissonv1.ListRunsResponse{}
	for _, run := range s.Runs.List(p.Name) {
		response.Runs = append(response.Runs, runInfo(run, false))
	}
	return connect.NewResponse(response), nil
}

// CancelRun implements the service.
func (s *Scripts) CancelRun(ctx context.Context, r *connect.Request[caissonv1.CancelRunRequest]) (*connect.Response[caissonv1.CancelRunResponse], error) {
	run, err := s.run(ctx, r.Msg.GetId())
	if err != nil {
		return nil, err
	}
	if err := run.Cancel(ctx); err != nil {
		return nil, Status(err)
	}
	return connect.NewResponse(&caissonv1.CancelRunResponse{Run: runInfo(run, true)}), nil
}

// WatchRun implements the service.
func (s *Scripts) WatchRun(ctx context.Context, r *connect.Request[caissonv1.WatchRunRequest], stream *connect.ServerStream[caissonv1.WatchRunResponse]) error {
	run, err := s.run(ctx, r.Msg.GetId())
	if err != nil {
		return err
	}
	for {
		info := runInfo(run, true)
		if err := stream.Send(&caissonv1.WatchRunResponse{Run: info}); err != nil {
			return err
		}
		if info.GetState() != caissonv1.RunState_RUN_STATE_RUNNING {
			return nil
		}
		select {
		case <-run.Done():
		case <-ctx.Done():
			return Status(ctx.Err())
		}
	}
}
