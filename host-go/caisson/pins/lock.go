// Package pins remembers which definitions somebody has approved, of tools, prompts, resources, templates and
// instructions, in a lock file that a repository can keep: caisson.lock.
//
// A definition is approved, pending (nobody has approved one of this name) or changed (another one was
// approved, or the server is not who it was). The states are found by comparing what a server offers with the
// file, and are kept nowhere: nothing becomes approved but by [Lock.Approve].
package pins

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/caisson-dev/caisson/host-go/internal/atomicfile"
	"github.com/caisson-dev/caisson/host-go/internal/jcs"
)

// Name is what the lock file is called.
const Name = "caisson.lock"

// version is that of the files that are written. Those of version 1 have only tools.
const version = 2

// MaxBytes bounds a lock file.
const MaxBytes = 64 << 20

// A State says what is known of a definition.
type State string

// These are the states.
const (
	Approved State = "approved"
	Pending  State = "pending"
	Changed  State = "changed"
)

// A Lock is a lock file in memory. It is safe for concurrent use.
type Lock struct {
	path string

	changes atomic.Uint64

	mu      sync.Mutex
	servers map[string]*server
}

// server is what is approved of one server. A nil map is of a file of version 1: nobody has looked at this kind,
// and it is not covered.
type server struct {
	Identity     Identity `json:"identity"`
	Tools        pinned   `json:"tools"`
	Prompts      pinned   `json:"prompts,omitzero"`
	Resources    pinned   `json:"resources,omitzero"`
	Templates    pinned   `json:"templates,omitzero"`
	Instructions pinned   `json:"instructions,omitzero"`
}

// pinned are approved definitions of a kind, by name.
type pinned map[string]*approved

// approved is an approved definition. Its text is in the file so that a difference can be shown, and read in
// a review.
type approved struct {
	Hash       string          `json:"hash"`
	Definition json.RawMessage `json:"definition"`
}

// of returns what is approved of a kind.
func (s *server) of(kind Kind) *pinned {
	switch kind {
	case Prompt:
		return &s.Prompts
	case Resource:
		return &s.Resources
	case Template:
		return &s.Templates
	case Instructions:
		return &s.Instructions
	}
	return &s.Tools
}

// cover makes all kinds covered.
func (s *server) cover() {
	for _, kind := range Kinds {
		if of := s.of(kind); *of == nil {
			*of = pinned{}
		}
	}
}

// file is the JSON of a lock file.
type file struct {
	Version int                `json:"version"`
	Servers map[string]*server `json:"servers"`
}

// New returns an empty lock: nothing is approved. [Lock.Save] writes it to the path.
func New(path string) *Lock { return &Lock{path: path, servers: map[string]*server{}} }

// Load reads a lock file. Where there is none, the lock is empty. A file whose hashes are not those of its
// definitions is an error.
func Load(path string) (*Lock, error) {
	l := New(path)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pins: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("pins: %w", err)
	case len(text) > MaxBytes:
		return nil, fmt.Errorf("pins: %s: the file has more than %d bytes", path, MaxBytes)
	}
	if err := l.parse(text); err != nil {
		return nil, fmt.Errorf("pins: %s: %w", path, err)
	}
	return l, nil
}

// Reload reads the file again, as a lock file that somebody else has written. A file with a mistake is an error, and
// changes nothing; without a file nothing is approved any more.
func (l *Lock) Reload() error {
	next, err := Load(l.path)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.servers = next.servers
	l.changes.Add(1)
	return nil
}

func (l *Lock) parse(text []byte) error {
	if _, err := jcs.Lenient(text); err != nil { // A member that is there twice would be read as one of the two.
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var content file
	if err := decoder.Decode(&content); err != nil {
		return fmt.Errorf("it is no lock file: %w", err)
	}
	if content.Version != 1 && content.Version != version {
		return fmt.Errorf("its version is %d, and this program knows 1 and %d", content.Version, version)
	}
	for name, s := range content.Servers {
		if s == nil {
			return fmt.Errorf("servers.%s is null", name)
		}
		for _, kind := range Kinds {
			if kind != Tool && content.Version == 1 && *s.of(kind) != nil {
				return fmt.Errorf("servers.%s: a file of version 1 has only tools", name)
			}
			if err := s.of(kind).check(kind, name); err != nil {
				return err
			}
		}
	}
	if content.Servers != nil {
		l.servers = content.Servers
	}
	return nil
}

// check finds definitions that are not what the file says.
func (p *pinned) check(kind Kind, server string) error {
	for name, a := range *p {
		at := fmt.Sprintf("servers.%s: the %s %s", server, kind, name)
		if a == nil {
			return fmt.Errorf("%s is null", at)
		}
		d, err := DefineAs(kind, a.Definition)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if d.Name != name || d.Hash != a.Hash {
			return fmt.Errorf("%s: the hash or the name is not that of the definition: approve it anew", at)
		}
		a.Definition = d.Text
	}
	return nil
}

// Save writes the file, in one step: a process that ends meanwhile leaves the old one.
func (l *Lock) Save() error {
	l.mu.Lock()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(file{Version: version, Servers: l.servers})
	l.mu.Unlock()
	if err != nil {
		return fmt.Errorf("pins: %w", err)
	}
	if err := atomicfile.Write(l.path, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("pins: %w", err)
	}
	return nil
}

// Changes counts the calls that change what is approved.
func (l *Lock) Changes() uint64 { return l.changes.Load() }

// Path is the path of the file.
func (l *Lock) Path() string { return l.path }

// Servers returns the names of the servers of which something is approved, in order.
func (l *Lock) Servers() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.servers))
}

// Names returns the names of a server's approved definitions of a kind, in order.
func (l *Lock) Names(server string, kind Kind) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.servers[server]; s != nil {
		return slices.Sorted(maps.Keys(*s.of(kind)))
	}
	return nil
}

// Covers reports whether somebody has looked at a server's definitions of this kind. A file of version 1 has only
// tools: until its server is approved anew, the other kinds are as if they were approved.
func (l *Lock) Covers(server string, kind Kind) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.servers[server]
	return s == nil || kind == Tool || *s.of(kind) != nil
}

// Cover says that somebody has looked at all kinds of definitions of a server of which something is approved.
func (l *Lock) Cover(server string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.servers[server]; s != nil {
		l.changes.Add(1)
		s.cover()
	}
}

// Server returns the state of a server's identity.
func (l *Lock) Server(name string, identity *Identity) State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.server(name, identity)
}

func (l *Lock) server(name string, identity *Identity) State {
	s := l.servers[name]
	switch {
	case s == nil:
		return Pending
	case !s.Identity.is(identity):
		return Changed
	}
	return Approved
}

// State returns the state of a definition that a server offers.
func (l *Lock) State(server string, identity *Identity, d *Definition) State {
	l.mu.Lock()
	defer l.mu.Unlock()
	if state := l.server(server, identity); state != Approved {
		return state
	}
	all := *l.servers[server].of(d.Kind)
	switch a := all[d.Name]; {
	case all == nil && d.Kind != Tool: // Not covered.
		return Approved
	case a == nil:
		return Pending
	case a.Hash != d.Hash:
		return Changed
	}
	return Approved
}

// Definition returns the approved definition of a kind and name, and nil when there is none.
func (l *Lock) Definition(server string, kind Kind, name string) json.RawMessage {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.servers[server]; s != nil && (*s.of(kind))[name] != nil {
		return (*s.of(kind))[name].Definition
	}
	return nil
}

// Identity returns the approved identity of a server, and nil when there is none.
func (l *Lock) Identity(server string) *Identity {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.servers[server]; s != nil {
		identity := s.Identity
		return &identity
	}
	return nil
}

// Approve approves a server's identity, and definitions in place of those of the same kinds and names. When the
// server is another one than before, what was approved of the one before is dropped.
func (l *Lock) Approve(name string, identity *Identity, definitions ...*Definition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes.Add(1)
	s := l.servers[name]
	var before *Identity
	if s != nil {
		before = &s.Identity
	}
	next := before.merge(identity)
	if s == nil || !sameServer(before, identity) {
		s = &server{}
		s.cover()
		l.servers[name] = s
	}
	s.Identity = next
	for _, d := range definitions {
		of := s.of(d.Kind)
		if *of == nil {
			*of = pinned{}
		}
		(*of)[d.Name] = &approved{Hash: d.Hash, Definition: d.Text}
	}
}

// sameServer reports whether a server is the one before, perhaps with another file: of another machine, or of
// a newer version.
func sameServer(before, now *Identity) bool {
	withoutFiles := *before
	withoutFiles.Files = now.Files
	return withoutFiles.is(now)
}

// Reset forgets a server.
func (l *Lock) Reset(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes.Add(1)
	delete(l.servers, name)
}

// Forget forgets approved definitions of a kind.
func (l *Lock) Forget(name string, kind Kind, of ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes.Add(1)
	if s := l.servers[name]; s != nil {
		for _, one := range of {
			delete(*s.of(kind), one)
		}
	}
}
