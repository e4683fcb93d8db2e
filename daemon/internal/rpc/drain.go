package rpc

import (
	"cmp"
	"context"
	"os"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/cluster"
)

// ListDaemons implements the service.
func (a *Admin) ListDaemons(ctx context.Context, r *connect.Request[caissonv1.ListDaemonsRequest]) (*connect.Response[caissonv1.ListDaemonsResponse], error) {
	return gather(ctx, a, cmp.Or(r.Msg.GetDaemon(), everyDaemon), daemonWait, r, a.listDaemons, caissonv1connect.AdminServiceClient.ListDaemons)
}

func (a *Admin) listDaemons(context.Context, *caissonv1.ListDaemonsRequest) (*caissonv1.ListDaemonsResponse, error) {
	return &caissonv1.ListDaemonsResponse{Daemons: []*caissonv1.Daemon{a.daemon()}}, nil
}

// daemon is what there is to know of this daemon.
func (a *Admin) daemon() *caissonv1.Daemon {
	d := &caissonv1.Daemon{
		Name: a.name(), Version: caisson.Version, Started: timestamppb.New(a.Started),
		Sessions: int32(a.Pool.Count()), Calls: int32(a.Pool.Underway()),
	}
	d.Host, _ = os.Hostname() // Else nobody knows it.
	if a.Runs != nil {
		d.Runs = int32(a.Runs.Underway())
	}
	if holds := a.Pool.Policy(); holds != nil {
		d.Policy = holds.Version()
	}
	select {
	case <-a.Draining:
		d.Draining = true
	default:
	}
	return d
}

// Drain implements the service.
func (a *Admin) Drain(ctx context.Context, r *connect.Request[caissonv1.DrainRequest]) (*connect.Response[caissonv1.DrainResponse], error) {
	response, err := gather(ctx, a, r.Msg.GetDaemon(), daemonWait, r, a.drain, caissonv1connect.AdminServiceClient.Drain)
	if err != nil {
		return nil, err
	}
	response.Msg.Calls, response.Msg.Runs = 0, 0
	for _, d := range response.Msg.GetDaemons() {
		response.Msg.Calls += d.GetCalls()
		response.Msg.Runs += d.GetRuns()
	}
	if a.Asleep != nil && !cluster.Forwarded(ctx) {
		own, _, err := a.Asleep.Sleeping(ctx)
		if err != nil {
			response.Msg.Failures = append(response.Msg.Failures, failureOf(everyDaemon, err))
		}
		response.Msg.Asleep = int32(own)
	}
	return response, nil
}

// drain has this daemon drain.
func (a *Admin) drain(context.Context, *caissonv1.DrainRequest) (*caissonv1.DrainResponse, error) {
	a.BeginDrain()
	return &caissonv1.DrainResponse{Daemons: []*caissonv1.Daemon{a.daemon()}}, nil
}
