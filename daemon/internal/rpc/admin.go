package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/approvals"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
	"github.com/caisson-dev/caisson/daemon/internal/runs"
)

var _ caissonv1connect.AdminServiceHandler = (*Admin)(nil)

// Admin is the AdminService.
type Admin struct {
	Pool      *pool.Pool
	Approvals *approvals.Approvals
	// Pins are what is approved; nil without a lock file.
	Pins *pins.Lock
	// Runs are those that outlive their call.
	Runs runs.Runs
	// Asleep are the questions of those that sleep; nil where none do.
	Asleep runs.Questions
	// BeginDrain has the daemon drain, and returns at once.
	BeginDrain func()
	// Reread reads the configuration and its files again.
	Reread func(context.Context) error

	changing sync.Mutex // held while the lock file is changed
}

// ListServers implements the service.
func (a *Admin) ListServers(ctx context.Context, _ *connect.Request[caissonv1.ListServersRequest]) (*connect.Response[caissonv1.ListServersResponse], error) {
	if _, err := caller(ctx, access.Admin); err != nil {
		return nil, err
	}
	response := &caissonv1.ListServersResponse{}
	for _, s := range a.Pool.Servers() {
		info := &caissonv1.ConfiguredServer{
			Name: s.Name, Disabled: s.Disabled, Sessions: int32(s.Sessions), Underway: int32(s.Underway), Instances: int32(s.Instances),
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
		response.Servers = append(response.Servers, info)
	}
	for _, set := range a.Pool.Sets() {
		response.Sets = append(response.Sets, &caissonv1.ServerSet{Name: set.Name, Servers: set.Servers})
	}
	return connect.NewResponse(response), nil
}

// kinds are what CheckPolicy may be asked about.
var kinds = map[string]policy.Kind{
	"": policy.Tool, "tool": policy.Tool, "resource": policy.Resource, "prompt": policy.Prompt, "method": policy.Method,
}

// CheckPolicy implements the service.
func (a *Admin) CheckPolicy(ctx context.Context, r *connect.Request[caissonv1.CheckPolicyRequest]) (*connect.Response[caissonv1.CheckPolicyResponse], error) {
	p, err := caller(ctx, access.Admin)
	if err != nil {
		return nil, err
	}
	kind, ok := kinds[r.Msg.GetKind()]
	if !ok {
		return nil, invalid("check policy", fmt.Sprintf("the kind %q is not one of tool, resource, prompt and method", r.Msg.GetKind()))
	}
	call := &policy.Call{
		Principal: r.Msg.GetPrincipal(), Caller: policy.CallerRPC, Server: r.Msg.GetServer(), Kind: kind, Name: r.Msg.GetName(),
		Arguments: json.RawMessage(r.Msg.GetArguments()), ReadOnly: r.Msg.GetReadOnly(),
	}
	if call.Principal == "" {
		call.Principal = p.Name
	}
	switch who := policy.Caller(r.Msg.GetCaller()); who {
	case "", policy.CallerRPC:
	case policy.CallerScript:
		call.Caller = who
	default:
		return nil, invalid("check policy", fmt.Sprintf("the caller %q is not one of rpc and script", who))
	}
	if len(call.Arguments) == 0 {
		call.Arguments = json.RawMessage("{}")
	}
	if err := isObject(call.Arguments); err != nil {
		return nil, invalid("check policy", "arguments: "+err.Error())
	}
	holds := a.Pool.Policy()
	if holds == nil {
		return connect.NewResponse(&caissonv1.CheckPolicyResponse{Effect: string(policy.Allow), Message: "there is no policy"}), nil
	}
	decision := holds.Decide(call)
	return connect.NewResponse(&caissonv1.CheckPolicyResponse{
		Effect: string(decision.Effect), Rule: decision.Rule, Reason: string(decision.Reason), Message: decision.Message, Policy: holds.Version(),
	}), nil
}

// GetPolicy implements the service.
func (a *Admin) GetPolicy(ctx context.Context, _ *connect.Request[caissonv1.GetPolicyRequest]) (*connect.Response[caissonv1.GetPolicyResponse], error) {
	if _, err := caller(ctx, access.Admin); err != nil {
		return nil, err
	}
	holds := a.Pool.Policy()
	if holds == nil {
		return connect.NewResponse(&caissonv1.GetPolicyResponse{}), nil
	}
	rules, err := json.Marshal(holds.Rules())
	if err != nil {
		return nil, Status(err)
	}
	return connect.NewResponse(&caissonv1.GetPolicyResponse{Policy: holds.Version(), Rules: rules}), nil
}

// Reload implements the service.
func (a *Admin) Reload(ctx context.Context, _ *connect.Request[caissonv1.ReloadRequest]) (*connect.Response[caissonv1.ReloadResponse], error) {
	if _, err := caller(ctx, access.Admin); err != nil {
		return nil, err
	}
	if err := a.Reread(context.WithoutCancel(ctx)); err != nil { // What it has begun, it ends.
		return nil, Status(&caisson.Error{Code: caisson.CodeInvalidArgument, Step: "reload", Message: "nothing has changed: " + err.Error(), Err: err})
	}
	return connect.NewResponse(&caissonv1.ReloadResponse{}), nil
}

// ListApprovals implements the service.
func (a *Admin) ListApprovals(ctx context.Context, _ *connect.Request[caissonv1.ListApprovalsRequest]) (*connect.Response[caissonv1.ListApprovalsResponse], error) {
	if _, err := caller(ctx, access.Admin); err != nil {
		return nil, err
	}
	response := &caissonv1.ListApprovalsResponse{}
	if a.Asleep != nil {
		asleep, err := a.Asleep.Questions(ctx)
		if err != nil {
			return nil, Status(err)
		}
		for _, q := range asleep {
			response.Approvals = append(response.Approvals, &caissonv1.Approval{
				Id: q.ID, Principal: q.Principal, Caller: q.Caller, Server: q.Server, Name: q.Name,
				Arguments: q.Arguments, Text: q.Text, Lasting: q.Lasting, Until: timestamppb.New(q.Until),
			})
		}
	}
	for _, q := range a.Approvals.List() {
		response.Approvals = append(response.Approvals, &caissonv1.Approval{
			Id: q.ID, Principal: q.Call.Principal, Caller: string(q.Call.Caller), Server: q.Call.Server, Name: q.Call.Name,
			Arguments: q.Call.Arguments, Text: q.Text, Lasting: q.Lasting(), Until: timestamppb.New(q.Until),
		})
	}
	return connect.NewResponse(response), nil
}

// AnswerApproval implements the service.
func (a *Admin) AnswerApproval(ctx context.Context, r *connect.Request[caissonv1.AnswerApprovalRequest]) (*connect.Response[caissonv1.AnswerApprovalResponse], error) {
	p, err := caller(ctx, access.Admin)
	if err != nil {
		return nil, err
	}
	err = a.Approvals.Answer(p.Name, r.Msg.GetId(), r.Msg.GetApprove(), r.Msg.GetOnce())
	if errors.Is(err, approvals.ErrNoQuestion) && a.Asleep != nil {
		err = a.Asleep.Answer(ctx, p.Name, r.Msg.GetId(), r.Msg.GetApprove(), r.Msg.GetOnce())
	}
	switch {
	case err == nil:
		return connect.NewResponse(&caissonv1.AnswerApprovalResponse{}), nil
	case errors.Is(err, approvals.ErrOwn):
		return nil, connect.NewError(connect.CodePermissionDenied, err)
	case errors.Is(err, approvals.ErrNoQuestion):
		return nil, connect.NewError(connect.CodeNotFound, err)
	}
	return nil, Status(err)
}

// Drain implements the service.
func (a *Admin) Drain(ctx context.Context, _ *connect.Request[caissonv1.DrainRequest]) (*connect.Response[caissonv1.DrainResponse], error) {
	if _, err := caller(ctx, access.Admin); err != nil {
		return nil, err
	}
	a.BeginDrain()
	response := &caissonv1.DrainResponse{Calls: int32(a.Pool.Underway())}
	if a.Runs != nil {
		response.Runs = int32(a.Runs.Underway())
	}
	if a.Asleep != nil {
		own, _, err := a.Asleep.Sleeping(ctx)
		if err != nil {
			return nil, Status(err)
		}
		response.Asleep = int32(own)
	}
	return connect.NewResponse(response), nil
}
