package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	osuser "os/user"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/audit"
	"github.com/caisson-dev/caisson/host-go/caisson/config"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
)

// governanceFlags say which policy holds for the calls of a command.
type governanceFlags struct {
	policy string
	lock   string
	off    bool // the command looks at servers, so that a policy or a lock file can be made for them
}

func (f *governanceFlags) register(c *cobra.Command) {
	if !f.off {
		f.registerAs(c, "make only the calls that `FILE` grants (default: see 'caisson policy --help')")
	}
}

// registerLock is for commands that use the lock file, and of the policy only its place.
func (f *governanceFlags) registerLock(c *cobra.Command) {
	f.registerAs(c, "use the lock file that is beside the policy `FILE` (default: see 'caisson policy --help')")
}

func (f *governanceFlags) registerAs(c *cobra.Command, usage string) {
	c.Flags().StringVar(&f.policy, "policy", "", usage)
	_ = c.MarkFlagFilename("policy", "yaml", "yml", "json")
	c.Flags().StringVar(&f.lock, "lock", "", "read the approved definitions from `FILE` (default: caisson.lock beside the policy)")
}

// path finds the policy that holds: the one that is named, the folder's, or the user's own; "" when there is
// none. It does not choose between the last two: one of them may have come with the folder, and the user may
// count on the other.
func (f *governanceFlags) path() (string, error) {
	if f.policy != "" {
		return f.policy, nil
	}
	var found []string
	paths := []string{policyfile.Name}
	if own, err := config.DefaultPath(); err == nil {
		paths = append(paths, filepath.Join(filepath.Dir(own), policyfile.Name))
	}
	for _, path := range paths {
		if _, err := os.Lstat(path); err == nil {
			found = append(found, path)
		} else if !errors.Is(err, os.ErrNotExist) {
			return "", errPolicy(err)
		}
	}
	switch len(found) {
	case 0:
		return "", nil
	case 2:
		if a, errA := os.Stat(found[0]); errA == nil {
			if b, errB := os.Stat(found[1]); errB == nil && os.SameFile(a, b) {
				return found[1], nil
			}
		}
		return "", errPolicy(fmt.Errorf("there are two policies, %s and %s: say which one holds with --policy", found[0], found[1]))
	}
	return found[0], nil
}

// load reads the policy that holds; nil when there is none.
func (f *governanceFlags) load() (*policy.Policy, string, error) {
	path, err := f.path()
	if err != nil || path == "" {
		return nil, "", err
	}
	p, err := policyfile.Load(path)
	if err != nil {
		return nil, "", errPolicy(err)
	}
	// The folder's policy may have come with the folder. It must not have this program write elsewhere.
	if rules := p.Rules().Audit; rules != nil && f.policy == "" && path == policyfile.Name && !filepath.IsLocal(rules.File) {
		return nil, "", errPolicy(fmt.Errorf("%s: audit.file leads out of the folder: name the policy with --policy if you mean it", path))
	}
	if f.policy == "" && path == policyfile.Name && slices.ContainsFunc(p.Rules().Plugins, func(s policy.Source) bool { return len(s.Secrets) > 0 }) {
		return nil, "", errPolicy(fmt.Errorf("%s gives secrets to plugins: name it with --policy if you mean it", path)) // It may have come with the plugin.
	}
	return p, path, nil
}

// lockPath is the path of the lock file: beside the policy, or in the current folder.
func (f *governanceFlags) lockPath() (string, error) {
	if f.lock != "" {
		return f.lock, nil
	}
	path, err := f.path()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(path), pins.Name), nil
}

func errPolicy(err error) error {
	return &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "policy", Message: err.Error(), Err: err}
}

// apply puts the policy that holds into a client's options. The function that it returns closes the log.
func (f *governanceFlags) apply(options *caisson.ClientOptions, approve policy.Approver) (func(), error) {
	nothing := func() {}
	if f.off {
		return nothing, nil
	}
	p, _, err := f.load()
	if err != nil || p == nil {
		return nothing, err
	}
	g := caisson.Governance{Policy: p, Principal: principal(), Approve: approve}
	if p.PinMode() != policy.PinsOff {
		path, err := f.lockPath()
		if err != nil {
			return nothing, err
		}
		if g.Pins, err = pins.Load(path); err != nil {
			return nothing, errPolicy(err)
		}
	}
	closing := nothing
	if p.Rules().Audit != nil {
		log, err := openAudit(p)
		if err != nil {
			return nothing, errPolicy(err)
		}
		g.Audit, closing = log, func() { _ = log.Close() }
	}
	options.Governance = g
	return closing, nil
}

func openAudit(p *policy.Policy) (*audit.Log, error) {
	rules := p.Rules().Audit
	return audit.Open(rules.File, &audit.Options{MaxBytes: rules.MaxBytes, Files: rules.Files})
}

// whatHides says where to look for what a policy does not show.
const whatHides = "'caisson policy explain' says what it grants, and 'caisson pins verify' what is not approved"

// principal is the user of this process, as the system calls them.
func principal() string {
	u, err := osuser.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

// byPerson marks the calls of a command for the policy.
func byPerson(ctx context.Context) context.Context {
	return caisson.WithCaller(ctx, policy.CallerCommandLine)
}
