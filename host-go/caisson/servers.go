package caisson

import (
	"maps"
	"slices"
)

// Servers are servers by their names, for a [Group]. The files of the package config are Servers, and so
// is a [ServerMap]. They must be safe for concurrent use.
type Servers interface {
	// Names returns the names of all servers, sorted.
	Names() []string
	// Disabled reports whether the server of this name is there and not to be used.
	Disabled(name string) bool
	// Server returns the server of this name, or why it cannot be used. It is called for each connection.
	Server(name string) (Server, error)
}

// A ServerMap is servers by their names, as a program has them. It must not change while it is in use.
type ServerMap map[string]Server

// Names implements [Servers].
func (m ServerMap) Names() []string { return slices.Sorted(maps.Keys(m)) }

// Disabled implements [Servers]: none is.
func (m ServerMap) Disabled(string) bool { return false }

// Server implements [Servers]. The server's Name is its name in the map.
func (m ServerMap) Server(name string) (Server, error) {
	server, ok := m[name]
	if !ok {
		return Server{}, &Error{Code: CodeInvalidArgument, Server: name, Step: "connect", Message: "there is no such server"}
	}
	server.Name = name
	return server, nil
}
