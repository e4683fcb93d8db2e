// Package pins remembers which definitions of tools somebody has approved, in a lock file that a repository can
// keep: caisson.lock.
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
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/caisson-dev/caisson/host-go/internal/jcs"
)

// Name is what the lock file is called.
const Name = "caisson.lock"

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

// server is what is approved of one server.
type server struct {
	Identity Identity               `json:"identity"`
	Tools    map[string]*pinnedTool `json:"tools"`
}

// pinnedTool is an approved definition. Its text is in the file so that a difference can be shown, and read in
// a review.
type pinnedTool struct {
	Hash       string          `json:"hash"`
	Definition json.RawMessage `json:"definition"`
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
	if content.Version != 1 {
		return fmt.Errorf("its version is %d, and this program knows 1", content.Version)
	}
	for name, s := range content.Servers {
		if s == nil {
			return fmt.Errorf("servers.%s is null", name)
		}
		for tool, pinned := range s.Tools {
			if pinned == nil {
				return fmt.Errorf("servers.%s.tools.%s is null", name, tool)
			}
			d, err := Define(pinned.Definition)
			if err != nil {
				return fmt.Errorf("servers.%s.tools.%s: %w", name, tool, err)
			}
			if d.Name != tool || d.Hash != pinned.Hash {
				return fmt.Errorf("servers.%s.tools.%s: the hash or the name is not that of the definition: approve it anew", name, tool)
			}
			pinned.Definition = d.Text
		}
	}
	if content.Servers != nil {
		l.servers = content.Servers
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
	err := encoder.Encode(file{Version: 1, Servers: l.servers})
	l.mu.Unlock()
	if err != nil {
		return fmt.Errorf("pins: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(l.path), "."+Name+"-*")
	if err != nil {
		return fmt.Errorf("pins: %w", err)
	}
	_, err = temporary.Write(text.Bytes())
	err = errors.Join(err, temporary.Chmod(0o644), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), l.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("pins: %w", err), os.Remove(temporary.Name()))
	}
	return nil
}

// Changes counts the calls of Approve and Reset.
func (l *Lock) Changes() uint64 { return l.changes.Load() }

// Path is the path of the file.
func (l *Lock) Path() string { return l.path }

// Servers returns the names of the servers of which something is approved, in order.
func (l *Lock) Servers() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.servers))
}

// Tools returns the names of the approved tools of a server, in order.
func (l *Lock) Tools(server string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.servers[server]; s != nil {
		return slices.Sorted(maps.Keys(s.Tools))
	}
	return nil
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

// Tool returns the state of a definition that a server offers.
func (l *Lock) Tool(server string, identity *Identity, d *Definition) State {
	l.mu.Lock()
	defer l.mu.Unlock()
	if state := l.server(server, identity); state != Approved {
		return state
	}
	switch pinned := l.servers[server].Tools[d.Name]; {
	case pinned == nil:
		return Pending
	case pinned.Hash != d.Hash:
		return Changed
	}
	return Approved
}

// Definition returns the approved definition of a tool, and nil when there is none.
func (l *Lock) Definition(server, tool string) json.RawMessage {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.servers[server]; s != nil && s.Tools[tool] != nil {
		return s.Tools[tool].Definition
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

// Approve approves a server's identity, and definitions of its tools in place of those of the same names. When
// the server is another one than before, what was approved of the one before is dropped.
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
		s = &server{Tools: map[string]*pinnedTool{}}
		l.servers[name] = s
	}
	s.Identity = next
	for _, d := range definitions {
		s.Tools[d.Name] = &pinnedTool{Hash: d.Hash, Definition: d.Text}
	}
}

// sameServer reports whether a server is the one before, perhaps with another file: of another machine, or of
// a newer version.
func sameServer(before, now *Identity) bool {
	withoutFiles := *before
	withoutFiles.Files = now.Files
	return withoutFiles.is(now)
}

// Reset forgets approved tools of a server, or the whole server where no tool is named.
func (l *Lock) Reset(name string, tools ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes.Add(1)
	s := l.servers[name]
	if s == nil {
		return
	}
	if len(tools) == 0 {
		delete(l.servers, name)
		return
	}
	for _, tool := range tools {
		delete(s.Tools, tool)
	}
}
