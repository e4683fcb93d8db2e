package server

import (
	"context"
	"crypto/tls"
	"os"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
	"github.com/caisson-dev/caisson/host-go/caisson/scripttools"

	"github.com/caisson-dev/caisson/daemon/internal/config"
	"github.com/caisson-dev/caisson/daemon/internal/logins"
	"github.com/caisson-dev/caisson/daemon/internal/rpc"
)

// Check finds what is wrong with the files that a configuration names: all that would keep a daemon from starting, but
// for what it writes, where it listens, and whom it asks over a network.
func Check(ctx context.Context, f *config.File) error {
	servers, err := f.ReadServers()
	if err != nil {
		return err
	}
	if err := checkServers(servers); err != nil {
		return err
	}
	var rules *policy.Policy
	if f.Policy != "" {
		if rules, err = policyfile.Load(f.Policy); err != nil {
			return err
		}
		if rules.PinMode() != policy.PinsOff {
			if _, err := pins.Load(f.Lock); err != nil {
				return err
			}
		}
	}
	if _, err := Pools(f, rules, f.Access.Tokens); err != nil {
		return err
	}
	if err := checkAccess(ctx, f); err != nil {
		return err
	}
	if err := checkScripts(f); err != nil {
		return err
	}
	if err := checkPlugins(ctx, f, rules); err != nil {
		return err
	}
	return checkNATS(f)
}

func checkServers(servers caisson.Servers) error {
	for _, name := range servers.Names() {
		if servers.Disabled(name) {
			continue
		}
		server, err := servers.Server(name)
		if err != nil {
			return err
		}
		if err := server.Validate(); err != nil {
			return err
		}
	}
	return nil
}

func checkAccess(ctx context.Context, f *config.File) error {
	if f.Access.TLS != nil {
		if _, err := readCertificates(f, nil); err != nil {
			return err
		}
	}
	if f.Access.Tokens == "" && len(f.Access.Issuers) == 0 {
		return nil
	}
	_, err := bearer.New(ctx, bearerOptions(f, f.Access.Tokens, nil)) // It asks nobody yet.
	return err
}

func checkScripts(f *config.File) error {
	check := func(key, path string, read func(*os.Root) error) error {
		root, err := os.OpenRoot(path)
		if err == nil {
			err = read(root)
			_ = root.Close()
		}
		if err != nil {
			return &config.Error{File: f.Path, Key: key, Message: err.Error(), Err: err}
		}
		return nil
	}
	if path := f.Scripts.Modules; path != "" {
		if err := check("scripts.modules", path, func(*os.Root) error { return nil }); err != nil {
			return err
		}
	}
	for name, path := range f.Scripts.Tools {
		err := check("scripts.tools."+name, path, func(root *os.Root) error {
			_, err := scripttools.Load(root.FS(), &scripttools.Options{Languages: rpc.Extensions(root.FS())})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func checkNATS(f *config.File) error {
	n := f.NATS
	if n == nil {
		return nil
	}
	wrong := func(key string, err error) error {
		return &config.Error{File: f.Path, Key: "nats." + key, Message: err.Error(), Err: err}
	}
	for key, path := range map[string]string{"credentials": n.Credentials, "ca": n.CA} {
		if path == "" {
			continue
		}
		if _, err := os.ReadFile(path); err != nil {
			return wrong(key, err)
		}
	}
	if n.Certificate != "" {
		if _, err := tls.LoadX509KeyPair(n.Certificate, n.Key); err != nil {
			return wrong("certificate", err)
		}
	}
	if n.CredentialsKey != "" {
		if _, err := logins.ReadKey(n.CredentialsKey); err != nil {
			return wrong("credentialsKey", err)
		}
	}
	return nil
}
