package plugin

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
	"github.com/caisson-dev/caisson/host-go/internal/reference"
)

// Grants are what a plugin may reach outside of its sandbox. The zero value grants nothing: a plugin that asks
// all the same gets the error of the WASI interface, or an empty answer, and goes on.
type Grants struct {
	// Folders are the folders that the plugin finds (wasi:filesystem). Default: none.
	Folders []Folder
	// Env is its environment (wasi:cli/environment). Default: empty.
	Env map[string]string
	// Origins are the origins that its HTTP requests may go to (wasi:http/outgoing-handler), each a scheme, a host
	// and, unless it is the scheme's default, a port, such as "https://api.example.com". Redirects are not followed:
	// the plugin gets them as responses. Default: none.
	Origins []string
	// PrivateAddresses lets the names of Origins lead to private addresses. Origins that are addresses, localhost,
	// and names that no public DNS has, always may. Transport, when it is set, decides in its place.
	PrivateAddresses bool
	// Transport sends the requests to Origins. Default: a transport of the plugin's own, with a proxy from the
	// environment.
	Transport http.RoundTripper
	// Clocks grants the wall clock, and a monotonic clock of nanoseconds (wasi:clocks). Without it the date is always
	// 1970-01-01, and the monotonic clock, which a plugin needs to wait, goes in steps of a millisecond.
	Clocks bool
	// Random grants real random numbers (wasi:random). Without it each instance gets the same ones, made from Seed.
	Random bool
	// Seed is what the random numbers are made from without Random. Default: zeros.
	Seed [32]byte
}

// A Folder is a folder that a plugin is granted, with everything in it. Links do not lead out of it.
type Folder struct {
	// Path is where the plugin finds the folder, such as "/" or "/data".
	Path string
	// Host is the folder's path on this machine. Set it or FS.
	Host string
	// FS is a file system to read, in place of a folder of this machine. Give a folder of the machine as Host, and
	// not as os.DirFS, whose links lead out of it.
	FS fs.FS
	// Write lets the plugin change what is in Host.
	Write bool
}

// open opens the folders. It returns a configuration without clocks, random numbers and output, which belong to
// an instance, and what closes the folders and the connections.
func (g *Grants) open() (cfg wasi.Config, release func(), err error) {
	var roots []*os.Root
	var own *http.Transport
	closeAll := func() {
		for _, r := range roots {
			_ = r.Close()
		}
		if own != nil {
			own.CloseIdleConnections()
		}
	}
	defer func() {
		if err != nil {
			closeAll()
		}
	}()
	for _, origin := range g.Origins {
		if _, err := wasi.ParseOrigin(origin); err != nil {
			return cfg, nil, fmt.Errorf("Grants.Origins: %s", strings.TrimPrefix(err.Error(), "wasi: "))
		}
	}
	cfg.AllowedOrigins = slices.Clone(g.Origins)
	if cfg.Transport = g.Transport; cfg.Transport == nil {
		own = egress.NewTransport(g.PrivateAddresses)
		cfg.Transport = own
	}
	for _, name := range slices.Sorted(maps.Keys(g.Env)) {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(g.Env[name], "\x00") {
			return cfg, nil, fmt.Errorf("Grants.Env: %q is no name of a variable, or its value has a NUL in it", name)
		}
		cfg.Env = append(cfg.Env, [2]string{name, g.Env[name]})
	}
	for i, f := range g.Folders {
		m := wasi.Mount{Path: f.Path, FS: f.FS, ReadOnly: !f.Write}
		switch {
		case f.Path == "" || (f.Host == "") == (f.FS == nil):
			return cfg, nil, fmt.Errorf("Grants.Folders[%d] needs Path, and either Host or FS", i)
		case f.FS != nil && f.Write:
			return cfg, nil, fmt.Errorf("Grants.Folders[%d]: an FS cannot be written to", i)
		case f.FS == nil:
			if m.Root, err = os.OpenRoot(f.Host); err != nil {
				return cfg, nil, fmt.Errorf("Grants.Folders[%d]: %w", i, err)
			}
			roots = append(roots, m.Root)
		}
		cfg.Mounts = append(cfg.Mounts, m)
	}
	return cfg, closeAll, nil
}

// within finds whether a policy grants all of it to a plugin of this name.
func (g *Grants) within(p *policy.Policy, name string) error {
	if p == nil {
		return nil
	}
	wanted := policy.Grants{Origins: g.Origins, Environment: slices.Sorted(maps.Keys(g.Env))}
	for i, f := range g.Folders {
		if f.FS != nil {
			message := fmt.Sprintf("the plugin %q is to have Grants.Folders[%d], an FS, which a policy cannot grant: give a folder of the machine as Host", name, i)
			return policy.Denied(policy.NotGranted, message, nil)
		}
		folder := policy.Folder{Path: f.Host, Access: policy.AccessRead}
		if f.Write {
			folder.Access = policy.AccessWrite
		}
		wanted.Folders = append(wanted.Folders, folder)
	}
	return p.CheckGrants(policy.Plugin, name, wanted)
}

// fillIn adds the variables that a policy has by references for a plugin of this name. No error has a value in it.
func (g *Grants) fillIn(ctx context.Context, p *policy.Policy, name string) error {
	if p == nil {
		return nil
	}
	rules, key := p.Source(policy.Plugin, name)
	if rules == nil || len(rules.Secrets) == 0 {
		return nil
	}
	env := maps.Clone(g.Env)
	if env == nil {
		env = map[string]string{}
	}
	for _, variable := range slices.Sorted(maps.Keys(rules.Secrets)) {
		inner, _ := reference.Whole(rules.Secrets[variable]) // The policy was checked.
		secret, _, err := reference.Read(ctx, inner, os.LookupEnv)
		if err != nil {
			return fmt.Errorf("%s.secrets.%s of the policy: %w", key, policy.QuoteKey(variable), err)
		}
		env[variable] = secret
	}
	g.Env = env
	return nil
}

// of sets the clocks and the random numbers of one instance.
func (g *Grants) of(cfg *wasi.Config) {
	if !g.Clocks {
		start := time.Now()
		cfg.Now = func() time.Time { return time.Unix(0, 0) }
		cfg.Monotonic = func() time.Duration { return time.Since(start).Truncate(time.Millisecond) }
	}
	if !g.Random {
		cfg.Random = seeded{rand.NewChaCha8(g.Seed)}
	}
}

// seeded is a source of random bytes that are always the same.
type seeded struct{ *rand.ChaCha8 }

var _ io.Reader = seeded{}
