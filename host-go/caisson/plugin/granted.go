package plugin

import (
	"errors"
	"os"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// Granted returns what a policy's rules for the plugin of a name grant it to reach: the origins, the folders, each under
// its own path, and the variables that this process has. Without a policy it is nothing. It fails with
// [caisson.CodeDenied] where the policy has no rules for the plugin. It is safe for concurrent use.
func Granted(p *policy.Policy, name string) (*Grants, error) {
	grants := &Grants{}
	if p == nil {
		return grants, nil
	}
	source, _ := p.Source(policy.Plugin, name)
	if source == nil {
		return nil, &caisson.Error{
			Code: caisson.CodeDenied, Server: name, Step: "load plugin",
			Message: "the policy has nothing for the plugin: add it to \"plugins\"", Err: errors.New("not granted"),
		}
	}
	grants.Origins, grants.Env = source.Origins, map[string]string{}
	for _, variable := range source.Environment {
		if value, ok := os.LookupEnv(variable); ok {
			grants.Env[variable] = value
		}
	}
	for _, folder := range source.Folders {
		grants.Folders = append(grants.Folders, Folder{Path: folder.Path, Host: folder.Path, Write: folder.Access == policy.AccessWrite})
	}
	return grants, nil
}
