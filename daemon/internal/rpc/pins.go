package rpc

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"connectrpc.com/connect"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/access"
)

// errNoPins says that there is no lock file.
var errNoPins = connect.NewError(connect.CodeFailedPrecondition, fmt.Errorf("the daemon has no lock file: its policy demands no pins"))

// pin is a definition by wire.
func (a *Admin) pin(server string, d *pins.Definition) *caissonv1.Pin {
	return &caissonv1.Pin{Server: server, Kind: string(d.Kind), Name: d.Name, Hash: d.Hash, Daemon: a.name()}
}

// approved are the definitions of a server that are approved.
func (a *Admin) approved(server string) (all []*caissonv1.Pin, err error) {
	for _, kind := range pins.Kinds {
		for _, name := range a.Pins.Names(server, kind) {
			d, err := pins.DefineAs(kind, a.Pins.Definition(server, kind, name))
			if err != nil {
				return nil, err
			}
			all = append(all, a.pin(server, d))
		}
	}
	return all, nil
}

// ListPins implements the service.
func (a *Admin) ListPins(ctx context.Context, r *connect.Request[caissonv1.ListPinsRequest]) (*connect.Response[caissonv1.ListPinsResponse], error) {
	return gather(ctx, a, cmp.Or(r.Msg.GetDaemon(), everyDaemon), daemonWait, r, a.listPins, caissonv1connect.AdminServiceClient.ListPins)
}

// listPins lists what the lock file of this daemon has.
func (a *Admin) listPins(_ context.Context, r *caissonv1.ListPinsRequest) (*caissonv1.ListPinsResponse, error) {
	response := &caissonv1.ListPinsResponse{}
	if a.Pins == nil {
		return response, nil
	}
	for _, server := range a.Pins.Servers() {
		if want := r.GetServer(); want != "" && want != server {
			continue
		}
		all, err := a.approved(server)
		if err != nil {
			return nil, err
		}
		response.Pins = append(response.Pins, all...)
	}
	return response, nil
}

// An offer is what a server offers, and who it is.
type offer struct {
	identity    *pins.Identity
	definitions []*pins.Definition
	unreadable  int // items whose definition could be read in two ways
}

// lists are the lists whose items are pinned.
var lists = []struct {
	kind           pins.Kind
	method, member string
	has            func(*caisson.Session) bool
}{
	{pins.Tool, "tools/list", "tools", func(s *caisson.Session) bool { return s.Capabilities().Tools != nil }},
	{pins.Prompt, "prompts/list", "prompts", func(s *caisson.Session) bool { return s.Capabilities().Prompts != nil }},
	{pins.Resource, "resources/list", "resources", func(s *caisson.Session) bool { return s.Capabilities().Resources != nil }},
	{pins.Template, "resources/templates/list", "resourceTemplates", func(s *caisson.Session) bool { return s.Capabilities().Resources != nil }},
}

// offered asks a server, for who calls, what it offers. The error has its status.
func (a *Admin) offered(ctx context.Context, name string) (*offer, error) {
	if a.Pins == nil {
		return nil, errNoPins
	}
	o := &offer{}
	err := a.Pool.Inspect(ctx, access.FromContext(ctx).Name, name, func(ctx context.Context, server *caisson.Server, s *caisson.Session) (err error) {
		if o.identity, err = server.Identity(); err != nil {
			return err
		}
		o.identity.Issuer = s.Issuer()
		if text := s.Instructions(); text != "" {
			o.add(pins.DefineInstructions(text))
		}
		for _, list := range lists {
			if !list.has(s) {
				continue
			}
			for page, err := range s.Pages(ctx, list.method, nil) {
				if err != nil {
					return err
				}
				var members map[string]json.RawMessage
				var items []json.RawMessage
				err := json.Unmarshal(page, &members)
				if err == nil {
					err = json.Unmarshal(members[list.member], &items)
				}
				if err != nil {
					return &caisson.Error{Code: caisson.CodeProtocol, Server: name, Step: list.method, Message: "the result has no list of " + list.member, Err: err}
				}
				for _, item := range items {
					o.add(pins.DefineAs(list.kind, item))
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, Status(err)
	}
	return o, nil
}

// add adds a definition, where it could be made.
func (o *offer) add(d *pins.Definition, err error) {
	if err != nil {
		o.unreadable++
		return
	}
	o.definitions = append(o.definitions, d)
}

// find finds a definition by kind and name; ambiguous says that there are two different ones.
func (o *offer) find(kind pins.Kind, name string) (found *pins.Definition, ambiguous bool) {
	for _, d := range o.definitions {
		if d.Kind == kind && d.Name == name {
			ambiguous = ambiguous || found != nil && found.Hash != d.Hash
			found = d
		}
	}
	return found, ambiguous
}

// states are what is said of a server, the worst last.
var states = []string{string(pins.Approved), string(pins.Pending), string(pins.Changed)}

// ComparePins implements the service.
func (a *Admin) ComparePins(ctx context.Context, r *connect.Request[caissonv1.ComparePinsRequest]) (*connect.Response[caissonv1.ComparePinsResponse], error) {
	response, err := gather(ctx, a, r.Msg.GetDaemon(), inspectWait, r, a.comparePins, caissonv1connect.AdminServiceClient.ComparePins)
	if err != nil {
		return nil, err
	}
	all := response.Msg
	for _, one := range all.GetCompared() {
		all.Unreadable = max(all.GetUnreadable(), one.GetUnreadable())
		if slices.Index(states, one.GetServer()) > slices.Index(states, all.GetServer()) {
			all.Server = one.GetServer()
		}
	}
	return response, nil
}

// comparePins compares by the lock file of this daemon.
func (a *Admin) comparePins(ctx context.Context, r *caissonv1.ComparePinsRequest) (*caissonv1.ComparePinsResponse, error) {
	server := r.GetServer()
	o, err := a.offered(ctx, server)
	if err != nil {
		return nil, err
	}
	whole := &caissonv1.ComparedServer{Daemon: a.name(), Server: string(a.Pins.Server(server, o.identity)), Unreadable: int32(o.unreadable)}
	response := &caissonv1.ComparePinsResponse{Server: whole.GetServer(), Unreadable: whole.GetUnreadable(), Compared: []*caissonv1.ComparedServer{whole}}
	for _, d := range o.definitions {
		offered := &caissonv1.OfferedPin{Pin: a.pin(server, d), State: string(a.Pins.State(server, o.identity, d))}
		if offered.State != string(pins.Approved) {
			offered.Definition = d.Text
			for _, change := range pins.Difference(a.Pins.Definition(server, d.Kind, d.Name), d.Text) {
				offered.Changes = append(offered.Changes, change.String())
			}
		}
		response.Offers = append(response.Offers, offered)
	}
	before, err := a.approved(server)
	if err != nil {
		return nil, err
	}
	for _, approved := range before {
		if d, _ := o.find(pins.Kind(approved.GetKind()), approved.GetName()); d == nil {
			response.Gone = append(response.Gone, approved)
		}
	}
	return response, nil
}

// ApprovePins implements the service.
func (a *Admin) ApprovePins(ctx context.Context, r *connect.Request[caissonv1.ApprovePinsRequest]) (*connect.Response[caissonv1.ApprovePinsResponse], error) {
	return gather(ctx, a, r.Msg.GetDaemon(), inspectWait, r, a.approvePins, caissonv1connect.AdminServiceClient.ApprovePins)
}

// approvePins approves in the lock file of this daemon.
func (a *Admin) approvePins(ctx context.Context, r *caissonv1.ApprovePinsRequest) (*caissonv1.ApprovePinsResponse, error) {
	server := r.GetServer()
	o, err := a.offered(ctx, server)
	if err != nil {
		return nil, err
	}
	var definitions []*pins.Definition
	for _, want := range r.GetPins() {
		d, ambiguous := o.find(pins.Kind(want.GetKind()), want.GetName())
		if d == nil || ambiguous || d.Hash != want.GetHash() {
			return nil, connect.NewError(connect.CodeFailedPrecondition, fmt.Errorf("%s does not offer the %s %q with this hash, or with another one too: nothing is approved; compare the pins again", server, want.GetKind(), want.GetName()))
		}
		definitions = append(definitions, d)
	}
	whole := o.unreadable == 0 && !slices.ContainsFunc(o.definitions, func(d *pins.Definition) bool { return !slices.Contains(definitions, d) })
	return &caissonv1.ApprovePinsResponse{}, a.change(func() error {
		a.Pins.Approve(server, o.identity, definitions...)
		if whole {
			a.Pins.Cover(server) // Somebody has looked at all kinds.
		}
		return nil
	})
}

// ForgetPins implements the service.
func (a *Admin) ForgetPins(ctx context.Context, r *connect.Request[caissonv1.ForgetPinsRequest]) (*connect.Response[caissonv1.ForgetPinsResponse], error) {
	return gather(ctx, a, r.Msg.GetDaemon(), daemonWait, r, a.forgetPins, caissonv1connect.AdminServiceClient.ForgetPins)
}

// forgetPins forgets in the lock file of this daemon.
func (a *Admin) forgetPins(_ context.Context, r *caissonv1.ForgetPinsRequest) (*caissonv1.ForgetPinsResponse, error) {
	if a.Pins == nil {
		return nil, errNoPins
	}
	server := r.GetServer()
	known := a.known(r) // Another daemon with the same file may forget it first.
	return &caissonv1.ForgetPinsResponse{}, a.change(func() error {
		if err := a.known(r); known != nil && err != nil {
			return err
		}
		if len(r.GetPins()) == 0 {
			a.Pins.Reset(server)
		}
		for _, want := range r.GetPins() {
			a.Pins.Forget(server, pins.Kind(want.GetKind()), want.GetName())
		}
		return nil
	})
}

// known fails where something is not approved that is to be forgotten.
func (a *Admin) known(r *caissonv1.ForgetPinsRequest) error {
	server := r.GetServer()
	if !slices.Contains(a.Pins.Servers(), server) {
		return connect.NewError(connect.CodeNotFound, fmt.Errorf("nothing of a server %q is approved", server))
	}
	for _, want := range r.GetPins() {
		if !slices.Contains(a.Pins.Names(server, pins.Kind(want.GetKind())), want.GetName()) {
			return connect.NewError(connect.CodeNotFound, fmt.Errorf("no %s %q of %s is approved", want.GetKind(), want.GetName(), server))
		}
	}
	return nil
}

// change changes what is approved, on top of what the file says now, and writes the file. Where it cannot be written, or the
// change fails, what the file says holds.
func (a *Admin) change(change func() error) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	if err := a.Pins.Reload(); err != nil {
		return connect.NewError(connect.CodeFailedPrecondition, fmt.Errorf("the lock file cannot be read, and is not changed: %w", err))
	}
	if err := change(); err != nil {
		return err
	}
	if err := a.Pins.Save(); err != nil {
		_ = a.Pins.Reload() // It was read just now.
		return connect.NewError(connect.CodeInternal, fmt.Errorf("the lock file cannot be written: %w", err))
	}
	return nil
}
