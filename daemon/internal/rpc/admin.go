package rpc

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/approvals"
	"github.com/caisson-dev/caisson/daemon/internal/cluster"
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
	// Drained remembers which servers get nothing new; nil where nothing does.
	Drained Drained
	// Cluster are the daemons that can be asked too; nil where this is the only one.
	Cluster *cluster.Cluster
	// Started is when the daemon was, and Draining is closed when it drains.
	Started  time.Time
	Draining <-chan struct{}
	// BeginDrain has the daemon drain, and returns at once.
	BeginDrain func()
	// DrainTimeout is how long calls may take that are underway when something drains.
	DrainTimeout func() time.Duration
	// Reread reads the configuration and its files again.
	Reread func(context.Context) error

	changing sync.Mutex // held while the lock file is changed
}

// kinds are what CheckPolicy may be asked about.
var kinds = map[string]policy.Kind{
	"": policy.Tool, "tool": policy.Tool, "resource": policy.Resource, "prompt": policy.Prompt, "method": policy.Method,
}

// CheckPolicy implements the service. It is about one daemon.
func (a *Admin) CheckPolicy(ctx context.Context, r *connect.Request[caissonv1.CheckPolicyRequest]) (*connect.Response[caissonv1.CheckPolicyResponse], error) {
	if r.Msg.GetDaemon() == everyDaemon {
		return nil, invalid("check policy", "one daemon decides: name it; GetPolicy says whether the others have the same policy")
	}
	replies, err := ask(ctx, a, r.Msg.GetDaemon(), daemonWait, r, a.checkPolicy, caissonv1connect.AdminServiceClient.CheckPolicy)
	if err == nil {
		err = replies[0].err
	}
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(replies[0].of), nil
}

// checkPolicy says what the policy of this daemon decides.
func (a *Admin) checkPolicy(ctx context.Context, r *caissonv1.CheckPolicyRequest) (*caissonv1.CheckPolicyResponse, error) {
	kind, ok := kinds[r.GetKind()]
	if !ok {
		return nil, invalid("check policy", fmt.Sprintf("the kind %q is not one of tool, resource, prompt and method", r.GetKind()))
	}
	call := &policy.Call{
		Principal: cmp.Or(r.GetPrincipal(), access.FromContext(ctx).Name), Caller: policy.CallerRPC, Server: r.GetServer(), Kind: kind, Name: r.GetName(),
		Arguments: json.RawMessage(r.GetArguments()), ReadOnly: r.GetReadOnly(),
	}
	switch who := policy.Caller(r.GetCaller()); who {
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
		return &caissonv1.CheckPolicyResponse{Effect: string(policy.Allow), Message: "there is no policy"}, nil
	}
	decision := holds.Decide(call)
	return &caissonv1.CheckPolicyResponse{
		Effect: string(decision.Effect), Rule: decision.Rule, Reason: string(decision.Reason), Message: decision.Message, Policy: holds.Version(),
	}, nil
}

// GetPolicy implements the service.
func (a *Admin) GetPolicy(ctx context.Context, r *connect.Request[caissonv1.GetPolicyRequest]) (*connect.Response[caissonv1.GetPolicyResponse], error) {
	daemon := cmp.Or(r.Msg.GetDaemon(), everyDaemon)
	response, err := gather(ctx, a, daemon, daemonWait, r, a.policy, caissonv1connect.AdminServiceClient.GetPolicy)
	if err != nil {
		return nil, err
	}
	if daemon == everyDaemon { // The rules are this daemon's.
		own, err := a.policy(ctx, r.Msg)
		if err != nil {
			return nil, Status(err)
		}
		response.Msg.Policy, response.Msg.Rules = own.GetPolicy(), own.GetRules()
	}
	return response, nil
}

// policy is the policy of this daemon.
func (a *Admin) policy(context.Context, *caissonv1.GetPolicyRequest) (*caissonv1.GetPolicyResponse, error) {
	holds := a.Pool.Policy()
	if holds == nil {
		return &caissonv1.GetPolicyResponse{Held: []*caissonv1.HeldPolicy{{Daemon: a.name()}}}, nil
	}
	rules, err := json.Marshal(holds.Rules())
	if err != nil {
		return nil, err
	}
	return &caissonv1.GetPolicyResponse{Policy: holds.Version(), Rules: rules, Held: []*caissonv1.HeldPolicy{{Daemon: a.name(), Policy: holds.Version()}}}, nil
}

// Reload implements the service.
func (a *Admin) Reload(ctx context.Context, r *connect.Request[caissonv1.ReloadRequest]) (*connect.Response[caissonv1.ReloadResponse], error) {
	return gather(ctx, a, r.Msg.GetDaemon(), daemonWait, r, a.reload, caissonv1connect.AdminServiceClient.Reload)
}

// reload has this daemon read its files again.
func (a *Admin) reload(ctx context.Context, _ *caissonv1.ReloadRequest) (*caissonv1.ReloadResponse, error) {
	if err := a.Reread(context.WithoutCancel(ctx)); err != nil { // What it has begun, it ends.
		return nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "reload", Message: "nothing has changed: " + err.Error(), Err: err}
	}
	return &caissonv1.ReloadResponse{}, nil
}
