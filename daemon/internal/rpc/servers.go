package rpc

import (
	"cmp"
	"context"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/cluster"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
)

// ListServers implements the service.
func (a *Admin) ListServers(ctx context.Context, r *connect.Request[caissonv1.ListServersRequest]) (*connect.Response[caissonv1.ListServersResponse], error) {
	return gather(ctx, a, cmp.Or(r.Msg.GetDaemon(), everyDaemon), daemonWait, r, a.listServers, caissonv1connect.AdminServiceClient.ListServers)
}

// listServers lists the servers of this daemon.
func (a *Admin) listServers(context.Context, *caissonv1.ListServersRequest) (*caissonv1.ListServersResponse, error) {
	response := &caissonv1.ListServersResponse{}
	for _, s := range a.Pool.Servers() {
		response.Servers = append(response.Servers, a.server(&s))
	}
	for _, set := range a.Pool.Sets() {
		response.Sets = append(response.Sets, &caissonv1.ServerSet{Name: set.Name, Servers: set.Servers, Daemon: a.name()})
	}
	return response, nil
}

// server is what there is of a server of this daemon, by wire.
func (a *Admin) server(s *pool.ServerState) *caissonv1.ConfiguredServer {
	info := &caissonv1.ConfiguredServer{
		Name: s.Name, Daemon: a.name(), Disabled: s.Disabled, Draining: s.Draining,
		Sessions: int32(s.Sessions), Underway: int32(s.Underway), Instances: int32(s.Instances),
	}
	if !s.Reopens.IsZero() {
		info.Reopens = timestamppb.New(s.Reopens)
	}
	if s.Err != nil {
		info.Error = s.Err.Error()
	}
	if s.LastErr != nil {
		info.LastError = s.LastErr.Error()
	}
	return info
}

// one is a server of this daemon, in a list.
func (a *Admin) one(name string) (all []*caissonv1.ConfiguredServer) {
	for _, s := range a.Pool.Servers() {
		if s.Name == name {
			all = append(all, a.server(&s))
		}
	}
	return all
}

// DrainServer implements the service.
func (a *Admin) DrainServer(ctx context.Context, r *connect.Request[caissonv1.DrainServerRequest]) (*connect.Response[caissonv1.DrainServerResponse], error) {
	response, err := gather(ctx, a, r.Msg.GetDaemon(), daemonWait, r, a.drainServer, caissonv1connect.AdminServiceClient.DrainServer)
	if err != nil {
		return nil, err
	}
	response.Msg.Failures = append(response.Msg.Failures, a.remember(ctx, r.Msg.GetDaemon(), r.Msg.GetServer(), Drained.Add)...)
	return response, nil
}

// Drained remembers which servers get nothing new, for daemons that start later.
type Drained interface {
	Add(ctx context.Context, server string) error
	Remove(ctx context.Context, server string) error
}

// remember has what was done with a server hold for daemons that start later, where it was done by all daemons. The daemon
// that was asked does so.
func (a *Admin) remember(ctx context.Context, daemon, server string, how func(Drained, context.Context, string) error) (failures []*caissonv1.DaemonFailure) {
	if a.Drained == nil || cluster.Forwarded(ctx) || daemon != everyDaemon && a.Cluster != nil {
		return nil
	}
	if err := how(a.Drained, ctx, server); err != nil {
		return []*caissonv1.DaemonFailure{failureOf(everyDaemon, err)}
	}
	return nil
}

// drainServer has a server get nothing new of this daemon.
func (a *Admin) drainServer(_ context.Context, r *caissonv1.DrainServerRequest) (*caissonv1.DrainServerResponse, error) {
	if err := a.Pool.DrainServer(r.GetServer(), a.DrainTimeout()); err != nil {
		return nil, err
	}
	return &caissonv1.DrainServerResponse{Servers: a.one(r.GetServer())}, nil
}

// ResumeServer implements the service.
func (a *Admin) ResumeServer(ctx context.Context, r *connect.Request[caissonv1.ResumeServerRequest]) (*connect.Response[caissonv1.ResumeServerResponse], error) {
	response, err := gather(ctx, a, r.Msg.GetDaemon(), daemonWait, r, a.resumeServer, caissonv1connect.AdminServiceClient.ResumeServer)
	if err != nil {
		return nil, err
	}
	response.Msg.Failures = append(response.Msg.Failures, a.remember(ctx, r.Msg.GetDaemon(), r.Msg.GetServer(), Drained.Remove)...)
	return response, nil
}

// resumeServer undoes drainServer.
func (a *Admin) resumeServer(_ context.Context, r *caissonv1.ResumeServerRequest) (*caissonv1.ResumeServerResponse, error) {
	if err := a.Pool.ResumeServer(r.GetServer()); err != nil {
		return nil, err
	}
	return &caissonv1.ResumeServerResponse{Servers: a.one(r.GetServer())}, nil
}

// ListAllSessions implements the service.
func (a *Admin) ListAllSessions(ctx context.Context, r *connect.Request[caissonv1.ListAllSessionsRequest]) (*connect.Response[caissonv1.ListAllSessionsResponse], error) {
	return gather(ctx, a, cmp.Or(r.Msg.GetDaemon(), everyDaemon), daemonWait, r, a.listAllSessions, caissonv1connect.AdminServiceClient.ListAllSessions)
}

// listAllSessions lists the sessions of this daemon.
func (a *Admin) listAllSessions(_ context.Context, r *caissonv1.ListAllSessionsRequest) (*caissonv1.ListAllSessionsResponse, error) {
	response := &caissonv1.ListAllSessionsResponse{}
	for _, s := range a.Pool.All() {
		if r.GetPrincipal() != "" && r.GetPrincipal() != s.Principal || r.GetServer() != "" && r.GetServer() != s.Server {
			continue
		}
		used, underway := a.Pool.Usage(s)
		response.Sessions = append(response.Sessions, &caissonv1.OpenSession{
			Daemon: a.name(), Principal: s.Principal, Server: s.Server, Id: s.ID, Shared: s.Shared,
			Created: timestamppb.New(s.Created), Used: timestamppb.New(used), Underway: int32(underway),
		})
	}
	return response, nil
}
