package main

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caisson/config"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/jsontext"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
)

// A serverStatus is what there is of one server's authorization.
type serverStatus struct {
	// Name is the server's in the configuration; "" for one that is only in the store.
	Name string `json:"name,omitempty"`
	// URL is the server's address, without its query.
	URL string `json:"url,omitempty"`
	// Status is what the store has; nil for nothing.
	*auth.Status
	// Configured is what the configuration has in place of a login: one of the constants in auth_logins.go.
	Configured string       `json:"configured,omitempty"`
	Store      *storeStatus `json:"store,omitempty"`
	// Error is why the server cannot be used.
	Error string `json:"error,omitempty"`

	// server is the server as the configuration has it; nil for one that is only in the store.
	server *caisson.Server
}

// A storeStatus is where a login is kept.
type storeStatus struct {
	Folder string `json:"folder,omitempty"`
	Key    string `json:"key"` // keyring, file or memory
	words  string
}

func (s *loginStore) status() *storeStatus {
	return &storeStatus{Folder: s.folder, Key: s.keyPlace(), words: s.where()}
}

func (a *app) authStatusCommand() *cobra.Command {
	var configFile string
	var store storeFlag
	var asJSON bool
	c := &cobra.Command{
		Use:   "status [SERVER]...",
		Short: "Show the logins",
		Long: `Shows, for each server in the configuration and in the store, or for those that are named: the issuer, the
scopes, when the token ends, whether it is refreshed without you, and where it is kept. No secret is shown, and no
server is asked.`,
		Example: `  caisson auth status
  caisson auth status github --json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if err := store.check(c); err != nil {
				return err
			}
			all, err := a.statuses(c, configFile, args, store.open())
			if err != nil {
				return err
			}
			if asJSON {
				text, err := jsontext.Marshal(map[string]any{"servers": all})
				if err != nil {
					return err
				}
				return a.printf("%s\n", text)
			}
			if len(all) == 0 {
				return a.printf("there are no logins, and no servers on the network in the configuration\n")
			}
			for i := range all {
				if err := a.printStatus(&all[i]); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&configFile, "config", "", "look at the servers in `FILE` (default: see 'caisson --help')")
	store.register(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// statuses are what there is of the servers that are named, or of all.
func (a *app) statuses(c *cobra.Command, configFile string, names []string, store *loginStore) ([]serverStatus, error) {
	keys, err := store.Keys(c.Context())
	if err != nil {
		return nil, err
	}
	kept := map[string]*auth.Status{}
	for _, key := range keys {
		of, err := authorization.Statuses(c.Context(), oneKey{store, key}, time.Now)
		if err != nil {
			return nil, err
		}
		if len(of) > 0 {
			kept[key] = &of[0]
		}
	}
	all, err := a.configuredServers(configFile)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for i := range all {
		key, err := keyOf(c.Context(), store, all[i].server)
		if err != nil {
			return nil, err
		}
		if status := kept[key]; status != nil {
			all[i].Status, all[i].Store, used[key] = status, store.status(), true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(kept)) {
		if !used[key] {
			all = append(all, serverStatus{URL: kept[key].Server, Status: kept[key], Store: store.status()})
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	var named []serverStatus
	for _, name := range names {
		at := address(&caisson.Server{URL: name})
		before := len(named)
		for _, s := range all {
			if s.Name == name || at != "" && s.URL == at {
				named = append(named, s)
			}
		}
		if len(named) == before && at == "" {
			return nil, usage(c, "there is no server %q on the network in the configuration: 'caisson auth status' shows all; a command has no login", shown(name))
		} else if len(named) == before {
			named = append(named, serverStatus{URL: at})
		}
	}
	return named, nil
}

// keyOf is where the login of a configured server is in the store, by its own way to authorize, as other commands
// have it; "" for one that has no login.
func keyOf(ctx context.Context, store auth.Store, server *caisson.Server) (string, error) {
	if server == nil || !loginable(server) {
		return "", nil
	}
	settings, err := loadSettings(ctx, store, server)
	if err != nil {
		return "", err
	}
	method, err := settings.method(server.Auth, "", server.Name)
	if err != nil { // The other commands say so.
		return "", nil
	}
	return loginKey(server, method), nil
}

// oneKey is a store with one of its entries.
type oneKey struct {
	auth.Store
	key string
}

// Keys implements [auth.Store].
func (o oneKey) Keys(context.Context) ([]string, error) { return []string{o.key}, nil }

// configuredServers are the servers with a URL in the configuration. Those of a folder's own file are there only
// when the user has said yes to it, since what it names is read.
func (a *app) configuredServers(configFile string) ([]serverStatus, error) {
	all := []serverStatus{}
	seen := map[string]bool{}
	add := func(file *config.File) {
		for _, name := range file.Names() {
			if seen[name] || file.Disabled(name) {
				continue
			}
			seen[name] = true
			server, err := file.Server(name)
			one := serverStatus{Name: name}
			if wrong := (*caisson.Error)(nil); errors.As(err, &wrong) {
				one.Error = wrong.Message
			}
			if server.URL != "" {
				one.URL, one.Configured, one.server = address(&server), insteadOfLogin(&server), &server
			}
			if one.URL != "" || one.Error != "" {
				all = append(all, one)
			}
		}
	}
	if configFile != "" {
		file, err := config.Load(configFile)
		if err != nil {
			return nil, err
		}
		add(file)
		return all, nil
	}
	for i, path := range defaultConfigs() {
		if i == 0 {
			project, err := readProject(path)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				continue
			case err != nil:
				return nil, err
			case project.trusted():
				add(project.file)
			default:
				a.err.Say("%s is left out, as you have not said yes to it as it is now: see 'caisson trust'", project.path)
			}
			continue
		}
		file, err := config.Load(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			add(file)
		}
	}
	return all, nil
}

// printStatus prints what there is of one server.
func (a *app) printStatus(s *serverStatus) error {
	head := strings.TrimSpace(s.Name + "  " + s.URL)
	if s.Name == s.URL {
		head = s.URL
	}
	lines := []string{head}
	if s.Error != "" {
		lines = append(lines, "cannot be used: "+s.Error)
	}
	switch {
	case s.Configured == insteadHeader:
		lines = append(lines, "has an Authorization header in the configuration")
	case s.Configured == insteadToken:
		lines = append(lines, "has a token in the configuration")
	case s.Configured == insteadNone:
		lines = append(lines, "is not to be logged in to, as the configuration says")
	case s.Error != "" && (s.Status == nil || s.TokenType == ""):
	case s.Status == nil || s.TokenType == "":
		lines = append(lines, "not logged in")
	default:
		lines = append(lines, s.lines()...)
	}
	for i, line := range lines {
		indent := ""
		if i > 0 {
			indent = "  "
		}
		if err := a.printf("%s%s\n", indent, terminal.OneLine(line, terminal.MaxLine)); err != nil {
			return err
		}
	}
	return nil
}

// lines say what there is of a login.
func (s *serverStatus) lines() []string {
	client := "client: " + s.ClientID
	if s.Registered {
		client += " (registered by this program)"
	}
	scopes := slices.Clone(s.Scopes)
	if len(scopes) == 0 {
		scopes = []string{"not said"}
	}
	lines := []string{"issuer: " + s.Issuer, client, "scopes: " + strings.Join(scopes, " ")}
	if s.Principal != "" {
		lines = append(lines, "for: "+s.Principal)
	}
	expires := "expires: "
	switch {
	case s.Expiry.IsZero():
		expires += "not said"
	case s.Expired:
		expires += s.Expiry.Local().Format(time.RFC3339) + ", which is over"
	default:
		expires += s.Expiry.Local().Format(time.RFC3339)
	}
	refreshed := "refresh: without you"
	if !s.Refreshable {
		refreshed = "refresh: no; then it is to be logged in to anew"
	}
	return append(lines, expires, refreshed, "kept: "+s.Store.words)
}
