package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/caisson-dev/caisson/host-go/caisson"

	"github.com/caisson-dev/caisson/daemon/internal/pool"
)

// An Entry is what all daemons know of a session.
type Entry struct {
	Principal string `json:"principal"`
	ID        string `json:"id"`
	// Server is its name in the configuration.
	Server string `json:"server"`
	// Node is the daemon that has it.
	Node string `json:"node"`
	// Anew says that the server keeps nothing for it, so that another daemon may make it anew.
	Anew bool `json:"anew,omitempty"`

	revision uint64
}

// key is the key of a session: two words of letters and digits, whatever the principal and the id are.
func key(principal, id string) string { return owner(principal) + "." + hex.EncodeToString([]byte(id)) }

// owner is the first word of the keys of a principal's sessions.
func owner(principal string) string {
	sum := sha256.Sum256([]byte(principal))
	return hex.EncodeToString(sum[:16])
}

// unavailable says that the registry cannot be asked. Nothing was sent.
func unavailable(server string, err error) error {
	return &caisson.Error{Code: caisson.CodeConnect, Server: server, Step: "registry", Message: "the registry of sessions cannot be asked: NATS is away, slow, or full; ask again later: " + err.Error(), Err: err}
}

// askWait bounds a question to the registry: one that was lost while NATS was away is not waited for.
const askWait = 2 * time.Second

// listWait bounds a list of keys.
const listWait = 5 * time.Second

// Find finds the session of a principal; nil where no daemon has one.
func (c *Cluster) Find(ctx context.Context, principal, id string) (*Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	found, err := c.sessions.Get(ctx, key(principal, id))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable("", err)
	}
	e := decode(found)
	if e == nil || e.Principal != principal || e.ID != id {
		return nil, fmt.Errorf("the registry of sessions has something else at %s", found.Key())
	}
	return e, nil
}

// decode reads an entry; nil where it is none.
func decode(found jetstream.KeyValueEntry) *Entry {
	e := &Entry{revision: found.Revision()}
	if json.Unmarshal(found.Value(), e) != nil {
		return nil
	}
	return e
}

// keys lists the keys of a principal's sessions.
func (c *Cluster) keys(ctx context.Context, principal string) (all []string, err error) {
	return listed(ctx, func(ctx context.Context) (jetstream.KeyLister, error) {
		return c.sessions.ListKeysFiltered(ctx, owner(principal)+".*")
	})
}

// listed gives the keys of a list, each once.
func listed(ctx context.Context, list func(context.Context) (jetstream.KeyLister, error)) (all []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, listWait)
	defer cancel()
	found, err := list(ctx)
	if err != nil {
		return nil, unavailable("", err)
	}
	for name := range found.Keys() {
		all = append(all, name)
	}
	if ctx.Err() != nil { // What is there is not all.
		return nil, unavailable("", ctx.Err())
	}
	slices.Sort(all)
	return slices.Compact(all), nil // A key that changes meanwhile is there twice.
}

// List lists the sessions of a principal.
func (c *Cluster) List(ctx context.Context, principal string) ([]*Entry, error) {
	keys, err := c.keys(ctx, principal)
	if err != nil {
		return nil, err
	}
	var all []*Entry
	for _, name := range keys {
		found, err := c.sessions.Get(ctx, name)
		if err != nil {
			continue // It has ended meanwhile.
		}
		if e := decode(found); e != nil && e.Principal == principal {
			all = append(all, e)
		}
	}
	return all, nil
}

// Claim has a session be this daemon's: a new one, or that of a daemon that is gone. It fails with [*pool.ExistsError]
// where another session of the principal has the id.
func (c *Cluster) Claim(ctx context.Context, principal, id, server string) error {
	e := &Entry{Principal: principal, ID: id, Server: server, Node: c.Node}
	if err := c.room(ctx, principal, server); err != nil {
		return err
	}
	k := key(principal, id)
	if !c.reserve(k) {
		return &pool.ExistsError{ID: id}
	}
	revision, err := c.sessions.Create(ctx, k, e.text())
	if err == nil {
		c.keep(k, revision)
		return nil
	}
	if errors.Is(err, jetstream.ErrKeyExists) {
		err = c.replace(ctx, e)
	} else {
		err = unavailable(server, err)
	}
	if err != nil {
		c.forget(k)
	}
	return err
}

// room fails where a principal has as many sessions as it may have. Those that are lost with their daemon do not count.
func (c *Cluster) room(ctx context.Context, principal, server string) error {
	keys, err := c.keys(ctx, principal)
	if err != nil || c.options.MaxPerPrincipal <= 0 || len(keys) < c.options.MaxPerPrincipal {
		return err
	}
	all, err := c.List(ctx, principal)
	if err != nil {
		return err
	}
	alive, count := map[string]bool{c.Node: true}, 0
	for _, e := range all {
		if _, known := alive[e.Node]; !known {
			if alive[e.Node], err = c.Alive(ctx, e.Node); err != nil {
				return unavailable(server, err)
			}
		}
		if alive[e.Node] || e.Anew {
			count++
		}
	}
	if count < c.options.MaxPerPrincipal {
		return nil
	}
	return &caisson.Error{Code: caisson.CodeLimit, Server: server, Step: "connect", Message: fmt.Sprintf("the principal has %d sessions on all daemons, and sessions.maxPerPrincipal is no more: disconnect some", count)}
}

// reserve has a key be this daemon's before the registry has it; false where it is already.
func (c *Cluster) reserve(k string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.own[k]; there {
		return false
	}
	c.own[k] = 0
	return true
}

// replace puts an entry in the place of one whose session is gone: with its daemon, or since this one has not heard that
// NATS has taken it.
func (c *Cluster) replace(ctx context.Context, e *Entry) error {
	before, err := c.Find(ctx, e.Principal, e.ID)
	if err != nil {
		return err
	}
	if before == nil {
		return &pool.ExistsError{ID: e.ID} // It was there a moment ago.
	}
	if before.Node != c.Node {
		if alive, err := c.Alive(ctx, before.Node); alive || err != nil {
			return &pool.ExistsError{ID: e.ID}
		}
	}
	return c.Take(ctx, before, e.Server)
}

// Take has a session of another daemon be this one's. It fails with [*pool.ExistsError] where a third one was faster.
func (c *Cluster) Take(ctx context.Context, before *Entry, server string) error {
	e := &Entry{Principal: before.Principal, ID: before.ID, Server: server, Node: c.Node}
	revision, err := c.sessions.Update(ctx, key(e.Principal, e.ID), e.text(), before.revision)
	if err != nil {
		if again, failed := c.Find(ctx, e.Principal, e.ID); failed == nil && again != nil && again.revision != before.revision {
			return &pool.ExistsError{ID: e.ID}
		}
		return unavailable(server, err)
	}
	c.keep(key(e.Principal, e.ID), revision)
	return nil
}

// Settle says of a session of this daemon that the server keeps nothing for it.
func (c *Cluster) Settle(ctx context.Context, principal, id, server string) error {
	e := &Entry{Principal: principal, ID: id, Server: server, Node: c.Node, Anew: true}
	return c.update(ctx, key(principal, id), e.text())
}

// Release takes a session of this daemon out.
func (c *Cluster) Release(ctx context.Context, principal, id string) {
	k := key(principal, id)
	if revision := c.forget(k); revision > 0 {
		_ = c.sessions.Delete(ctx, k, jetstream.LastRevision(revision)) // Else it runs out; or it is another daemon's now.
	}
}

// Return gives a session back that was taken, as it was before.
func (c *Cluster) Return(ctx context.Context, before *Entry) {
	k := key(before.Principal, before.ID)
	if revision := c.forget(k); revision > 0 { // It was taken, so there is one.
		_, _ = c.sessions.Update(ctx, k, before.text(), revision) // Else it runs out.
	}
}

// ReleaseAfter takes a session of this daemon out when it has ended: when wait returns.
func (c *Cluster) ReleaseAfter(principal, id string, wait func()) {
	c.releasing.Go(func() {
		wait()
		ctx, cancel := context.WithTimeout(context.Background(), closeWait)
		defer cancel()
		c.Release(ctx, principal, id)
	})
}

// update writes an entry of this daemon, unless another one has it now.
func (c *Cluster) update(ctx context.Context, k string, text []byte) error {
	c.mu.Lock()
	revision, ours := c.own[k]
	c.mu.Unlock()
	if !ours || revision == 0 {
		return nil
	}
	next, err := c.sessions.Update(ctx, k, text, revision)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ours := c.own[k]; ours { // It may have ended meanwhile.
		c.own[k] = next
	}
	return nil
}

// forget has an entry be this daemon's no more, and returns its revision; 0 where the registry has none of this daemon's.
func (c *Cluster) forget(k string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	revision := c.own[k]
	delete(c.own, k)
	return revision
}

func (c *Cluster) keep(k string, revision uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own[k] = revision
}

// renew has the entries of this daemon go on. One that another daemon has taken is that one's.
func (c *Cluster) renew(ctx context.Context) error {
	c.mu.Lock()
	own := maps.Clone(c.own)
	c.mu.Unlock()
	var failed error
	for k := range own {
		found, err := c.sessions.Get(ctx, k)
		if err == nil {
			e := &Entry{}
			if json.Unmarshal(found.Value(), e) == nil && e.Node == c.Node {
				err = c.update(ctx, k, found.Value())
			} else {
				c.forget(k)
				c.metrics.lost(ofSession, 1)
			}
		}
		if err != nil {
			failed = err
		}
	}
	return failed
}

func (e *Entry) text() []byte {
	text, _ := json.Marshal(e) // It is text and a flag.
	return text
}
