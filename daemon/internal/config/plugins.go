package config

import (
	"maps"
	"slices"
)

// checkPlugins has each plugin have a name of its own: scripts name servers and plugins in one list, and RunTool names
// plugins and folders of tools.
func (f *File) checkPlugins(servers []string) error {
	for _, name := range slices.Sorted(maps.Keys(f.Scripts.Plugins)) {
		of := ""
		_, isPool := f.Pools[name]
		_, isFolder := f.Scripts.Tools[name]
		switch {
		case name == "" || name == "*":
			return &Error{File: f.Path, Key: "scripts.plugins", Message: "a plugin needs a name, and \"*\" is none: it means all"}
		case slices.Contains(servers, name):
			of = "a server"
		case isPool:
			of = "equivalent servers"
		case isFolder:
			of = "a folder of scripts.tools"
		}
		if of != "" {
			return &Error{File: f.Path, Key: "scripts.plugins." + name, Message: "the name is that of " + of + " too: take another for the plugin"}
		}
	}
	return nil
}
