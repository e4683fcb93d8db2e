// Package server is the daemon: it puts the services, who may call them, and what they call, together.
package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/audit"
	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
	"github.com/caisson-dev/caisson/host-go/caisson/scripttools"

	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/approvals"
	"github.com/caisson-dev/caisson/daemon/internal/budget"
	"github.com/caisson-dev/caisson/daemon/internal/cluster"
	"github.com/caisson-dev/caisson/daemon/internal/config"
	"github.com/caisson-dev/caisson/daemon/internal/drained"
	"github.com/caisson-dev/caisson/daemon/internal/plain"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
	"github.com/caisson-dev/caisson/daemon/internal/rpc"
	"github.com/caisson-dev/caisson/daemon/internal/runs"
	"github.com/caisson-dev/caisson/daemon/internal/store"
	"github.com/caisson-dev/caisson/daemon/internal/telemetry"
)

// maxMessageBytes bounds one message of a caller's.
const maxMessageBytes = 32 << 20

// Options say how a Server works.
type Options struct {
	// Runtime holds the compiled core. It stays open.
	Runtime *caisson.Runtime
	// Logger gets what there is to say. Default: nothing is logged.
	Logger *slog.Logger
	// Telemetry says where spans and metrics go. Default: nowhere.
	Telemetry caisson.Telemetry
	// Folder is where the token of the first start and the store are, where the configuration names no others. Default:
	// see [access.Folder].
	Folder string
	// ClusterTimes are for tests. Default: see [cluster.Times].
	ClusterTimes cluster.Times
	// RunPatience is for tests: how long a question of a submitted run is open before it sleeps. Default: 10 s.
	RunPatience time.Duration
	// CacheDir is where compiled plugins are kept. Default: that of caisson.RuntimeOptions.
	CacheDir string
	// Build is for tests: whose runs that sleep this daemon wakes. Default: that of the program.
	Build string
}

// A Server is the daemon.
type Server struct {
	options  Options
	log      *slog.Logger
	ctx      context.Context // of what is fetched for tokens
	stop     context.CancelFunc
	pool     *pool.Pool
	runs     runs.Runs
	asleep   runs.Questions               // nil without a store
	shelf    *runs.Shelf                  // nil without a store
	sleeps   bool                         // whether runs can sleep
	known    *http.ServeMux               // what is for callers who are known
	callers  atomic.Pointer[http.Handler] // lets them through to known, as the configuration says
	pages    access.Pages                 // those that browsers let call
	health   *healthService
	handler  http.Handler
	budget   *budget.Budget
	underway *rpc.Underway // scripts that callers wait for
	// connections are those of callers.
	connections *connections
	first       *access.First
	// certificates are those of the listeners on TCP; nil without TLS.
	certificates *access.Certificates
	store        *store.Store     // nil for none
	cluster      *cluster.Cluster // nil where this is the only daemon
	drained      *drained.Servers // nil without a store
	serving      sync.WaitGroup   // of calls of other daemons, and of what they have changed
	pins         *pins.Lock
	audit        *audit.Log
	runner       *caisson.Client
	closing      []func() error
	started      time.Time
	leaving      chan struct{} // closed when its health says that it ends
	leave        func()
	draining     chan struct{} // closed when it drains
	drain        func()

	mu   sync.Mutex // held while it is reloaded
	file *config.File
}

// services are the names of the services.
var services = []string{caissonv1connect.McpServiceName, caissonv1connect.ScriptServiceName, caissonv1connect.AdminServiceName}

// New makes the daemon of a configuration. Close it.
func New(ctx context.Context, file *config.File, options Options) (*Server, error) {
	s := &Server{options: options, log: options.Logger, file: file, started: time.Now(), leaving: make(chan struct{}), draining: make(chan struct{}), health: newHealth()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.budget = budget.New(file.Callers.MaxBytesPerPrincipal, file.Callers.MaxBytes)
	s.underway = rpc.NewUnderway(file.Scripts.MaxPerPrincipal)
	s.connections = newConnections(file.Callers.MaxConnections, s.log)
	if s.options.Folder == "" {
		var err error
		if s.options.Folder, err = access.Folder(); err != nil {
			return nil, err
		}
	}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.leave = sync.OnceFunc(func() {
		s.health.drain()
		close(s.leaving)
	})
	s.drain = sync.OnceFunc(func() {
		s.runs.Stop() // Before the pool: what is begun finds its sessions.
		s.leave()
		s.pool.Drain()
		close(s.draining)
	})
	if err := s.build(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) build(ctx context.Context) error {
	f := s.file
	asked := &approvals.Approvals{}
	governance, err := s.governance(asked)
	if err != nil {
		return err
	}
	servers, err := f.ReadServers()
	if err != nil {
		return err
	}
	if s.store, err = openStore(ctx, f, s.options.Folder, s.log); err != nil {
		return err
	}
	if s.store != nil && s.store.Shared {
		if s.cluster, err = cluster.Join(ctx, cluster.Options{
			Store: s.store, MaxPerPrincipal: f.Sessions.MaxPerPrincipal, Times: s.options.ClusterTimes, Logger: s.log, Meter: meterOf(s.options.Telemetry.MeterProvider),
		}); err != nil {
			return err
		}
	}
	s.shareCounts(governance.Policy)
	logins, err := openLogins(ctx, f, s.store)
	if err != nil {
		return err
	}
	authenticator, err := s.authenticator(ctx, f)
	if err != nil {
		return err
	}
	settings, err := Pools(f, governance.Policy, s.tokens(f))
	if err != nil {
		return err
	}
	sleeping, err := s.openSleeping(ctx)
	if err != nil {
		return err
	}
	s.sleeps = len(sleeping.SleepKey) > 0
	left, err := s.openDrained(ctx)
	if err != nil {
		return err
	}
	s.pool = pool.New(s.options.Runtime, servers, pool.Options{
		Client: caisson.ClientOptions{
			Logger: s.log, Governance: governance, Sleeping: sleeping, PrivateAddresses: f.Sessions.PrivateAddresses,
			Limits:    caisson.Limits{ConnectTimeout: time.Duration(f.Sessions.ConnectTimeout)},
			Telemetry: s.options.Telemetry,
		},
		Store: logins, Max: f.Sessions.Max, MaxPerPrincipal: f.Sessions.MaxPerPrincipal,
		Idle: time.Duration(f.Sessions.Idle), Age: time.Duration(f.Sessions.Age),
		Health: health(f.Health), Settings: settings, Drained: left,
	})
	scripts, err := s.scripts(ctx, governance.Policy)
	if err != nil {
		return err
	}
	mcp := &rpc.MCP{Pool: s.pool, Draining: s.draining}
	service := caissonv1connect.McpServiceHandler(mcp)
	if s.cluster != nil {
		mcp.Cluster = s.cluster
		service = rpc.NewShared(mcp)
	}
	admin := &rpc.Admin{
		Pool: s.pool, Approvals: asked, Pins: s.pins, Cluster: s.cluster,
		Started: s.started, Draining: s.draining, BeginDrain: s.drain, DrainTimeout: s.drainTimeout, Reread: s.Reload,
	}
	if s.drained != nil {
		admin.Drained = s.drained
	}
	if err := s.openRuns(ctx, scripts.Work, admin); err != nil {
		return err
	}
	scripts.Runs = s.runs
	if err := s.routes(service, scripts, admin); err != nil {
		return err
	}
	s.admit(f, authenticator)
	if s.cluster != nil {
		others := http.NewServeMux() // Other daemons call sessions, and pass on what an owner asks; nothing else.
		others.Handle(caissonv1connect.NewMcpServiceHandler(service, s.handlerOptions()...))
		others.Handle(caissonv1connect.NewAdminServiceHandler(admin, s.handlerOptions()...))
		s.serving.Go(func() { s.cluster.Serve(s.counted(others)) })
		s.serving.Go(s.watchDrained)
	}
	return nil
}

// governance reads the policy, and opens what it needs.
func (s *Server) governance(asked *approvals.Approvals) (caisson.Governance, error) {
	g := caisson.Governance{}
	if s.file.Policy == "" {
		return g, nil
	}
	p, err := policyfile.Load(s.file.Policy)
	if err != nil {
		return g, err
	}
	g.Policy, g.Approve = p, runs.Approver(asked.Approve)
	if p.PinMode() != policy.PinsOff {
		if s.pins, err = pins.Load(s.file.Lock); err != nil {
			return g, err
		}
		g.Pins = s.pins
	}
	if rules := p.Rules().Audit; rules != nil {
		if s.audit, err = audit.Open(rules.File, &audit.Options{MaxBytes: rules.MaxBytes, Files: rules.Files}); err != nil {
			return g, err
		}
		s.closing = append(s.closing, s.audit.Close)
		g.Audit = s.audit
	}
	return g, nil
}

// scripts reads the folders of scripts, and loads the plugins.
func (s *Server) scripts(ctx context.Context, p *policy.Policy) (*rpc.Scripts, error) {
	limits := s.file.Scripts.Limits
	scripts := &rpc.Scripts{
		Pool: s.pool, Tools: map[string]*scripttools.Folder{}, Underway: s.underway,
		Limits: caisson.ScriptLimits{
			Computing: time.Duration(limits.Computing), Time: time.Duration(limits.Time), MemoryBytes: limits.MemoryBytes, Fuel: limits.Fuel,
			OutputBytes: limits.OutputBytes, ToolCalls: limits.ToolCalls, ParallelCalls: limits.ParallelCalls,
		},
	}
	var err error
	if s.runner, err = s.options.Runtime.NewClient(&caisson.ClientOptions{Logger: s.log, Telemetry: s.options.Telemetry}); err != nil {
		return nil, err
	}
	scripts.Runner = s.runner
	open := func(key, path string) (fs.FS, error) {
		root, err := os.OpenRoot(path)
		if err != nil {
			return nil, &config.Error{File: s.file.Path, Key: key, Message: err.Error(), Err: err}
		}
		s.closing = append(s.closing, root.Close)
		return root.FS(), nil
	}
	if path := s.file.Scripts.Modules; path != "" {
		if scripts.Modules, err = open("scripts.modules", path); err != nil {
			return nil, err
		}
	}
	for name, path := range s.file.Scripts.Tools {
		folder, err := open("scripts.tools."+name, path)
		if err != nil {
			return nil, err
		}
		if scripts.Tools[name], err = scripttools.Load(folder, &scripttools.Options{Languages: rpc.Extensions(folder), Limits: scripts.Limits}); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	scripts.Plugins, err = s.openPlugins(ctx, p)
	return scripts, err
}

// authenticator says who may call. Where the configuration does not, and the daemon listens on TCP, it makes a token.
func (s *Server) authenticator(ctx context.Context, f *config.File) (*access.Authenticator, error) {
	a := &access.Authenticator{Log: s.log, Grants: access.Grants{}}
	for name, scopes := range f.Access.Scopes {
		a.Grants[name] = []access.Scope{}
		for _, scope := range scopes {
			a.Grants[name] = append(a.Grants[name], access.Scope(scope))
		}
	}
	tokens := f.Access.Tokens
	a.Certificates = f.Access.TLS != nil && f.Access.TLS.ClientCAs != ""
	if tokens == "" && len(f.Access.Issuers) == 0 && !a.Certificates && slices.ContainsFunc(f.Listen, isTCP) {
		first, err := access.FirstToken(ctx, s.options.Folder)
		if err != nil {
			return nil, fmt.Errorf("there is no token for the callers of this machine, and none can be made: %w", err)
		}
		s.first, tokens = first, first.Tokens
	}
	if tokens == "" && len(f.Access.Issuers) == 0 {
		return a, nil
	}
	var err error
	a.Tokens, err = bearer.New(s.ctx, bearerOptions(f, tokens, s.log))
	return a, err
}

// bearerOptions say whose tokens a configuration takes.
func bearerOptions(f *config.File, tokens string, log *slog.Logger) bearer.Options {
	return bearer.Options{TokensFile: tokens, Issuers: f.Access.Issuers, Audiences: f.Access.Audiences, URL: f.Access.URL, Logger: log}
}

// routes makes the handler of the one port.
func (s *Server) routes(mcp caissonv1connect.McpServiceHandler, scripts *rpc.Scripts, admin *rpc.Admin) error {
	options := s.handlerOptions()
	s.known = http.NewServeMux()
	s.known.Handle(caissonv1connect.NewMcpServiceHandler(mcp, options...))
	s.known.Handle(caissonv1connect.NewScriptServiceHandler(scripts, options...))
	s.known.Handle(caissonv1connect.NewAdminServiceHandler(admin, options...))
	reflector := grpcreflect.NewStaticReflector(append([]string{grpchealth.HealthV1ServiceName}, services...)...)
	s.known.Handle(grpcreflect.NewHandlerV1(reflector, options...))
	s.known.Handle(grpcreflect.NewHandlerV1Alpha(reflector, options...))
	paths := &plain.Services{MCP: mcp, Scripts: scripts}
	document, err := paths.Register(s.known)
	if err != nil {
		return err
	}
	open := http.NewServeMux()
	open.Handle(s.health.handler())
	open.HandleFunc("GET /health", s.serveHealth)
	open.Handle("GET /openapi.json", document)
	open.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		(*s.callers.Load()).ServeHTTP(w, r)
	})
	s.handler = s.pages.Handler(open)
	return nil
}

func (s *Server) handlerOptions() []connect.HandlerOption {
	return []connect.HandlerOption{
		connect.WithReadMaxBytes(maxMessageBytes), boundedGzip(), connect.WithRecover(s.recovered), connect.WithInterceptors(budget.Interceptor{}),
	}
}

// admit has a configuration, and its authenticator, say from now on who may call.
func (s *Server) admit(f *config.File, authenticator *access.Authenticator) {
	s.pages.Set(f.Access.Origins)
	known := s.counted(s.known)
	if s.options.Telemetry.TracerProvider != nil {
		known = telemetry.Continue(known)
	}
	callers := authenticator.Authenticate(known)
	s.callers.Store(&callers)
}

// counted counts the bytes of messages that are in flight.
func (s *Server) counted(next http.Handler) http.Handler {
	return s.budget.Handler(maxMessageBytes, rpc.Status, next)
}

// recovered keeps a fault of one call from the others.
func (s *Server) recovered(ctx context.Context, spec connect.Spec, _ http.Header, fault any) error {
	s.log.ErrorContext(ctx, "a call has panicked", "procedure", spec.Procedure, "fault", fault)
	return connect.NewError(connect.CodeInternal, errors.New("the daemon has failed: its log says how"))
}

func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	select {
	case <-s.leaving:
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"draining"}` + "\n"))
	default:
		_, _ = w.Write([]byte(`{"status":"serving"}` + "\n"))
	}
}

// Handler serves everything but the metrics.
func (s *Server) Handler() http.Handler { return s.handler }

// First is the token of the first start; nil where the configuration says who may call.
func (s *Server) First() *access.First { return s.first }

// Drain has the daemon take no new sessions and runs. It returns at once.
func (s *Server) Drain() { s.drain() }

// shareCounts has the limits of a policy, which may be nil, hold for all daemons together.
func (s *Server) shareCounts(p *policy.Policy) {
	if p != nil && s.cluster != nil {
		p.ShareCounts(s.cluster.Counts)
	}
}

// drainTimeout is how long calls may take that are underway when something drains.
func (s *Server) drainTimeout() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.file.DrainTimeout)
}

// Reload reads the configuration, the policy and the lock file again. With a mistake the ones before hold.
func (s *Server) Reload(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, err := config.Load(s.file.Path)
	if err != nil {
		return err
	}
	next.Listen, next.Metrics = s.file.Listen, s.file.Metrics // They may be the command line's, and count at the start.
	next.Scripts.Plugins = s.file.Scripts.Plugins             // They are loaded at the start.
	servers, err := next.ReadServers()
	if err != nil {
		return err
	}
	if (next.Policy == "") != (s.file.Policy == "") {
		return &config.Error{File: next.Path, Key: "policy", Message: "there was one before and now there is none, or the other way round: start the daemon again"}
	}
	var p *policy.Policy
	if next.Policy != "" {
		if p, err = policyfile.Load(next.Policy); err != nil {
			return err
		}
		if is, was := p.Rules().Audit, s.pool.Policy().Rules().Audit; is != nil && was != nil && (is.File != was.File || is.MaxBytes != was.MaxBytes || is.Files != was.Files) {
			return &config.Error{File: next.Policy, Key: "audit", Message: "it names another file, or other bounds for it: start the daemon again"}
		}
	}
	authenticator, err := s.authenticator(ctx, next)
	if err != nil {
		return err
	}
	settings, err := Pools(next, p, s.tokens(next))
	if err != nil {
		return err
	}
	certificates, err := s.nextCertificates(next)
	if err != nil {
		return err
	}
	if s.pins != nil {
		if err := s.pins.Reload(); err != nil {
			return err
		}
	}
	if p != nil {
		s.shareCounts(p)
		if err := s.pool.SetPolicy(p); err != nil {
			return err
		}
	}
	if certificates != nil {
		s.certificates.Replace(certificates)
	}
	s.admit(next, authenticator)
	s.budget.Set(next.Callers.MaxBytesPerPrincipal, next.Callers.MaxBytes)
	s.connections.set(next.Callers.MaxConnections)
	s.pool.SetServers(servers, settings)
	s.file = next
	return nil
}

// nextCertificates reads the certificates of a configuration that is to hold from now on; nil without TLS.
func (s *Server) nextCertificates(next *config.File) (*access.Certificates, error) {
	if (next.Access.TLS == nil) != (s.file.Access.TLS == nil) {
		return nil, &config.Error{File: next.Path, Key: "access.tls", Message: "there was TLS before and now there is none, or the other way round: start the daemon again"}
	}
	if next.Access.TLS == nil || s.certificates == nil {
		return nil, nil
	}
	return readCertificates(next, s.log)
}

// Close ends everything, at once.
func (s *Server) Close() {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if s.runs != nil {
		s.runs.Drain(ended)
	}
	if s.pool != nil {
		s.pool.Close()
	}
	if s.runner != nil {
		_ = s.runner.Close()
	}
	s.stop()
	for _, f := range s.closing {
		_ = f()
	}
	if s.cluster != nil {
		s.cluster.Close()
		s.serving.Wait()
	}
	if s.store != nil {
		s.store.Close()
	}
}
