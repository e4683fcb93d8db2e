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
func pin(server string, d *pins.Definition) *caissonv1.Pin {
	return &caissonv1.Pin{Server: server, Kind: string(d.Kind), Name: d.Name, Hash: d.Hash}
}

// approved are the definitions of a server that are approved.
func (a *Admin) approved(server string) (all []*caissonv1.Pin, err error) {
	for _, kind := range pins.Kinds {
		for _, name := range a.Pins.Names(server, kind) {
			d, err := pins.DefineAs(kind, a.Pins.Definition(server, kind, name))
			if err != nil {
				return nil, err
			}
			all = append(all, pin(server, d))
		}
	}
	return all, nil
}

// ListPins implements the service.
func (a *Admin) ListPins(ctx context.Context, r *connect.Request[caissonv1.ListPinsRequest]) (*connect.Response[caissonv1.ListPinsResponse], error) {
	return gather(ctx, a, cmp.Or(r.Msg.GetDaemon(), everyDaemon), r, a.listPins, caissonv1connect.AdminServiceClient.ListPins)
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
		for _, one := range all {
			one.Daemon = a.name()
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

// withPins gives who calls, where they may, and there is a lock file.
func (a *Admin) withPins(ctx context.Context) (*access.Principal, error) {
	p, err := caller(ctx, access.Admin)
	if err == nil && a.Pins == nil {
		err = errNoPins
	}
	return p, err
}

// offered asks a server, for who calls, what it offers. The error has its status.
func (a *Admin) offered(ctx context.Context, name string) (*offer, error) {
	p, err := a.withPins(ctx)
	if err != nil {
		return nil, err
	}
	o := &offer{}
	err = a.Pool.Inspect(ctx, p.Name, name, func(ctx context.Context, server *caisson.Server, s *caisson.Session) (err error) {
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

// ComparePins implements the service.
func (a *Admin) ComparePins(ctx context.Context, r *connect.Request[caissonv1.ComparePinsRequest]) (*connect.Response[caissonv1.ComparePinsResponse], error) {
	server := r.Msg.GetServer()
	o, err := a.offered(ctx, server)
	if err != nil {
		return nil, err
	}
	response := &caissonv1.ComparePinsResponse{Server: string(a.Pins.Server(server, o.identity)), Unreadable: int32(o.unreadable)}
	for _, d := range o.definitions {
		offered := &caissonv1.OfferedPin{Pin: pin(server, d), State: string(a.Pins.State(server, o.identity, d))}
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
		return nil, Status(err)
	}
	for _, approved := range before {
		if d, _ := o.find(pins.Kind(approved.GetKind()), approved.GetName()); d == nil {
			response.Gone = append(response.Gone, approved)
		}
	}
	return connect.NewResponse(response), nil
}

// ApprovePins implements the service.
func (a *Admin) ApprovePins(ctx context.Context, r *connect.Request[caissonv1.ApprovePinsRequest]) (*connect.Response[caissonv1.ApprovePinsResponse], error) {
	server := r.Msg.GetServer()
	o, err := a.offered(ctx, server)
	if err != nil {
		return nil, err
	}
	var definitions []*pins.Definition
	for _, want := range r.Msg.GetPins() {
		d, ambiguous := o.find(pins.Kind(want.GetKind()), want.GetName())
		if d == nil || ambiguous || d.Hash != want.GetHash() {
			return nil, connect.NewError(connect.CodeFailedPrecondition, fmt.Errorf("%s does not offer the %s %q with this hash, or with another one too: nothing is approved; compare the pins again", server, want.GetKind(), want.GetName()))
		}
		definitions = append(definitions, d)
	}
	whole := o.unreadable == 0 && !slices.ContainsFunc(o.definitions, func(d *pins.Definition) bool { return !slices.Contains(definitions, d) })
	return connect.NewResponse(&caissonv1.ApprovePinsResponse{}), a.change(func() {
		a.Pins.Approve(server, o.identity, definitions...)
		if whole {
			a.Pins.Cover(server) // Somebody has looked at all kinds.
		}
	})
}

// ForgetPins implements the service.
func (a *Admin) ForgetPins(ctx context.Context, r *connect.Request[caissonv1.ForgetPinsRequest]) (*connect.Response[caissonv1.ForgetPinsResponse], error) {
	if _, err := a.withPins(ctx); err != nil {
		return nil, err
	}
	server := r.Msg.GetServer()
	if !slices.Contains(a.Pins.Servers(), server) {
		return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("nothing of a server %q is approved", server))
	}
	for _, want := range r.Msg.GetPins() {
		if !slices.Contains(a.Pins.Names(server, pins.Kind(want.GetKind())), want.GetName()) {
			return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("no %s %q of %s is approved", want.GetKind(), want.GetName(), server))
		}
	}
	return connect.NewResponse(&caissonv1.ForgetPinsResponse{}), a.change(func() {
		if len(r.Msg.GetPins()) == 0 {
			a.Pins.Reset(server)
		}
		for _, want := range r.Msg.GetPins() {
			a.Pins.Forget(server, pins.Kind(want.GetKind()), want.GetName())
		}
	})
}

// change changes what is approved, on top of what the file says now, and writes the file. Where it cannot be written, what
// the file says holds.
func (a *Admin) change(change func()) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	if err := a.Pins.Reload(); err != nil {
		return connect.NewError(connect.CodeFailedPrecondition, fmt.Errorf("the lock file cannot be read, and is not changed: %w", err))
	}
	change()
	if err := a.Pins.Save(); err != nil {
		_ = a.Pins.Reload() // It was read just now.
		return connect.NewError(connect.CodeInternal, fmt.Errorf("the lock file cannot be written: %w", err))
	}
	return nil
}
