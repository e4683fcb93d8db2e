package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/config"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/scan"
)

// An offer is what a server offers, whatever a policy says.
type offer struct {
	server       string
	identity     *pins.Identity
	definitions  []*pins.Definition
	unreadable   int  // items whose definition could be read in two ways
	partial      bool // the definitions are not all that it offers
	items        []scan.Item
	instructions string
}

// offerOf connects with a server, and lists what it offers.
func (a *app) offerOf(ctx context.Context, f *sessionFlags, server caisson.Server) (*offer, error) {
	o := &offer{}
	identity, err := server.Identity()
	if err != nil {
		return nil, err
	}
	o.identity = identity
	return o, a.withSession(ctx, f, server, action{use: func(ctx context.Context, client *client) error {
		s := client.session
		o.server, o.instructions = s.Name(), s.Instructions()
		o.identity.Issuer = s.Issuer()
		can := s.Capabilities()
		if o.instructions != "" {
			text, _ := json.Marshal(o.instructions) // A text always marshals.
			o.items = append(o.items, scan.Item{Server: o.server, Kind: "instructions", Definition: text})
			if d, err := pins.DefineInstructions(o.instructions); err == nil {
				o.definitions = append(o.definitions, d)
			} else {
				o.unreadable++
			}
		}
		for _, list := range []struct {
			has                bool
			method, member, id string
			kind               pins.Kind
		}{
			{can.Tools != nil, "tools/list", "tools", "name", pins.Tool},
			{can.Prompts != nil, "prompts/list", "prompts", "name", pins.Prompt},
			{can.Resources != nil, "resources/list", "resources", "uri", pins.Resource},
			{can.Resources != nil, "resources/templates/list", "resourceTemplates", "uriTemplate", pins.Template},
		} {
			if !list.has {
				continue
			}
			for page, err := range client.pages(ctx, list.method) {
				if err != nil {
					return err
				}
				if err := o.add(page, list.member, list.id, list.kind); err != nil {
					return client.protocolError(list.method, err.Error())
				}
			}
		}
		return nil
	}})
}

// add takes in one page of a list.
func (o *offer) add(page json.RawMessage, member, id string, kind pins.Kind) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(page, &members); err != nil {
		return err
	}
	var items []json.RawMessage
	if err := json.Unmarshal(members[member], &items); err != nil && members[member] != nil {
		return err
	}
	for _, item := range items {
		var own map[string]json.RawMessage
		var name string
		_ = json.Unmarshal(item, &own) // What is not readable has no name.
		_ = json.Unmarshal(own[id], &name)
		sort := string(kind)
		if kind == pins.Template {
			sort = string(pins.Resource)
		}
		o.items = append(o.items, scan.Item{Server: o.server, Kind: sort, Name: name, Definition: item})
		if d, err := pins.DefineAs(kind, item); err == nil {
			o.definitions = append(o.definitions, d)
		} else {
			o.unreadable++
		}
	}
	return nil
}

// offerCommand is a command that looks at what servers offer. Its operands are names of servers; without any it
// looks at all of the configuration, or at the command after --. It connects with nobody when prepare, which may be
// nil, fails.
func (a *app) offerCommand(c *cobra.Command, f *sessionFlags, prepare func(*cobra.Command) error, run func(*cobra.Command, []*offer) error) *cobra.Command {
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := f.check(c); err != nil {
			return err
		}
		targets, err := offerTargets(c, f, args)
		if err != nil {
			return err
		}
		if prepare != nil {
			if err := prepare(c); err != nil {
				return err
			}
		}
		var offers []*offer
		for _, t := range targets {
			server, err := f.server.resolve(a, c, t)
			if err != nil {
				return err
			}
			o, err := a.offerOf(c.Context(), f, server)
			if err != nil {
				return err
			}
			offers = append(offers, o)
		}
		return run(c, offers)
	}
	f.governance.off = true
	f.register(c)
	return c
}

// offerTargets are the servers of a command line.
func offerTargets(c *cobra.Command, f *sessionFlags, args []string) ([]target, error) {
	if dash := c.ArgsLenAtDash(); dash >= 0 {
		if dash > 0 || dash == len(args) {
			return nil, usage(c, "a command stands alone after --")
		}
		return []target{{command: args}}, nil
	}
	var paths []string
	if len(args) == 0 {
		paths = []string{f.server.config}
		if f.server.config == "" {
			paths = defaultConfigs()
		}
		for _, path := range paths {
			file, err := config.Load(path)
			if f.server.config == "" && errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			for _, name := range file.Names() {
				if !file.Disabled(name) {
					args = append(args, name)
				}
			}
			break
		}
	}
	if len(args) == 0 {
		return nil, usage(c, "no server is given, and none is in %s: write one there, or name a server, or a configuration with --config FILE", strings.Join(paths, " or "))
	}
	var all []target
	for i, name := range args {
		if !slices.Contains(args[:i], name) {
			all = append(all, target{name: name})
		}
	}
	return all, nil
}
