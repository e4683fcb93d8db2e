package rpc

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/approvals"
	"github.com/caisson-dev/caisson/daemon/internal/cluster"
)

// ListApprovals implements the service.
func (a *Admin) ListApprovals(ctx context.Context, r *connect.Request[caissonv1.ListApprovalsRequest]) (*connect.Response[caissonv1.ListApprovalsResponse], error) {
	response, err := gather(ctx, a, cmp.Or(r.Msg.GetDaemon(), everyDaemon), daemonWait, r, a.listApprovals, caissonv1connect.AdminServiceClient.ListApprovals)
	if err != nil {
		return nil, err
	}
	if daemon := r.Msg.GetDaemon(); a.Asleep != nil && !cluster.Forwarded(ctx) && (daemon == "" || daemon == everyDaemon) {
		asleep, err := a.listAsleep(ctx)
		if err != nil {
			response.Msg.Failures = append(response.Msg.Failures, failureOf(everyDaemon, err))
		}
		response.Msg.Approvals = append(response.Msg.Approvals, asleep...)
	}
	slices.SortStableFunc(response.Msg.GetApprovals(), func(x, y *caissonv1.Approval) int {
		return x.GetUntil().AsTime().Compare(y.GetUntil().AsTime())
	})
	return response, nil
}

// listApprovals lists the calls that wait on this daemon.
func (a *Admin) listApprovals(context.Context, *caissonv1.ListApprovalsRequest) (*caissonv1.ListApprovalsResponse, error) {
	response := &caissonv1.ListApprovalsResponse{}
	for _, q := range a.Approvals.List() {
		response.Approvals = append(response.Approvals, &caissonv1.Approval{
			Id: q.ID, Daemon: a.name(), Principal: q.Call.Principal, Caller: string(q.Call.Caller), Server: q.Call.Server, Name: q.Call.Name,
			Arguments: q.Call.Arguments, Who: q.Who, Text: q.Text, Lasting: q.Lasting(), Until: timestamppb.New(q.Until),
		})
	}
	return response, nil
}

// listAsleep lists the calls of submitted runs that sleep. They wait on no daemon.
func (a *Admin) listAsleep(ctx context.Context) (asleep []*caissonv1.Approval, err error) {
	questions, err := a.Asleep.Questions(ctx)
	for _, q := range questions {
		asleep = append(asleep, &caissonv1.Approval{
			Id: q.ID, Principal: q.Principal, Caller: q.Caller, Server: q.Server, Name: q.Name,
			Arguments: q.Arguments, Who: q.Who, Text: q.Text, Lasting: q.Lasting, Until: timestamppb.New(q.Until),
		})
	}
	return asleep, err
}

// AnswerApproval implements the service. The call waits on one daemon: where it is not this one, all are asked.
func (a *Admin) AnswerApproval(ctx context.Context, r *connect.Request[caissonv1.AnswerApprovalRequest]) (*connect.Response[caissonv1.AnswerApprovalResponse], error) {
	p, err := caller(ctx, access.Admin)
	if err != nil {
		return nil, err
	}
	response, err := a.answerApproval(ctx, r.Msg)
	if connect.CodeOf(err) == connect.CodeNotFound && a.Asleep != nil && !cluster.Forwarded(ctx) {
		response, err = answered(a.Asleep.Answer(ctx, p.Name, r.Msg.GetId(), r.Msg.GetApprove(), r.Msg.GetOnce()))
	}
	if err == nil {
		return connect.NewResponse(response), nil
	}
	if a.Cluster == nil || cluster.Forwarded(ctx) || connect.CodeOf(err) != connect.CodeNotFound {
		return nil, err
	}
	replies, failed := ask(ctx, a, everyDaemon, daemonWait, r, a.answerApproval, caissonv1connect.AdminServiceClient.AnswerApproval)
	if failed != nil {
		return nil, failed
	}
	for _, reply := range replies {
		switch {
		case reply.err == nil:
			return connect.NewResponse(reply.of), nil
		case connect.CodeOf(reply.err) != connect.CodeNotFound: // It may be there.
			err = reply.err
		}
	}
	return nil, err
}

// answerApproval answers a call that waits on this daemon.
func (a *Admin) answerApproval(ctx context.Context, r *caissonv1.AnswerApprovalRequest) (*caissonv1.AnswerApprovalResponse, error) {
	return answered(a.Approvals.Answer(access.FromContext(ctx).Name, r.GetId(), r.GetApprove(), r.GetOnce()))
}

// answered is what the service says of an answer.
func answered(err error) (*caissonv1.AnswerApprovalResponse, error) {
	switch {
	case err == nil:
		return &caissonv1.AnswerApprovalResponse{}, nil
	case errors.Is(err, approvals.ErrOwn), errors.Is(err, approvals.ErrNotAsked):
		return nil, connect.NewError(connect.CodePermissionDenied, err)
	case errors.Is(err, approvals.ErrNoQuestion):
		return nil, connect.NewError(connect.CodeNotFound, err)
	}
	return nil, Status(err)
}
