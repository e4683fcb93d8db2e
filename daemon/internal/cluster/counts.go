package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

const (
	countsStream   = "caisson_counts"
	countsSubject  = "caisson.v1.counts."
	maxCountsBytes = 64 << 20
	// maxCountBytes bounds one count: that of calls underway has a number for each daemon.
	maxCountBytes = 1 << 20
	// underwayLife is how long a count of calls underway is kept that nobody changes.
	underwayLife = 24 * time.Hour
	// maxTries bounds how often a count is changed that others change at the same time.
	maxTries = 32
	// countWait bounds a change, and countPause is how long nobody tries after one has failed.
	countWait  = time.Second
	countPause = 2 * time.Second
)

// Counts are what the policy's limits count on all daemons together, in NATS: each a message of its own that is changed
// where it is as it was read. It is a [policy.SharedCounts].
type Counts struct {
	cluster *Cluster
	stream  jetstream.Stream

	mu    sync.Mutex
	own   map[string]*count // those that calls use now
	late  map[string]bool   // those in which NATS has calls that have ended
	pause time.Time         // when NATS is asked again
}

// A count is one of a daemon's own. One goroutine at a time changes it in NATS, so that only daemons meet there.
type count struct {
	turn     sync.Mutex
	users    int // who has it or waits for it; guarded by the lock of all
	underway int // calls of this daemon; guarded by turn
}

// newCounts opens the counts.
func newCounts(ctx context.Context, c *Cluster) (*Counts, error) {
	stream, err := c.options.Store.Stream(ctx, jetstream.StreamConfig{
		Name: countsStream, Subjects: []string{countsSubject + ">"}, MaxBytes: maxCountsBytes, MaxMsgSize: maxCountBytes, MaxMsgsPerSubject: 1,
		Discard: jetstream.DiscardNew, AllowDirect: true, AllowMsgTTL: true,
	})
	if err != nil {
		return nil, err
	}
	return &Counts{cluster: c, stream: stream, own: map[string]*count{}, late: map[string]bool{}}, nil
}

var errAway = errors.New("the counts of all daemons cannot be asked: NATS is away")

// change reads a count, and writes what next makes of it; nil to leave it as it is. What it was read from is empty where
// nobody has counted.
func (c *Counts) change(ctx context.Context, key string, next func(before []byte) (after []byte, life time.Duration, err error)) (err error) {
	c.mu.Lock()
	away := time.Now().Before(c.pause) || !c.cluster.options.Store.Conn.IsConnected()
	c.mu.Unlock()
	if away {
		return errAway
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), countWait) // What is begun is ended.
	defer cancel()
	defer func() {
		if err != nil {
			c.cluster.log.Warn("a count of all daemons cannot be changed, and this one counts for itself", "error", err)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.pause = time.Now().Add(countPause)
		}
	}()
	subject := countsSubject + key
	for range maxTries {
		var before []byte
		var sequence uint64
		found, err := c.stream.GetLastMsgForSubject(ctx, subject)
		switch {
		case err == nil:
			before, sequence = found.Data, found.Sequence
		case !errors.Is(err, jetstream.ErrMsgNotFound):
			return err
		}
		after, life, err := next(before)
		if err != nil || after == nil {
			return err
		}
		_, err = c.cluster.options.Store.JetStream.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: after},
			jetstream.WithExpectLastSequencePerSubject(sequence), jetstream.WithMsgTTL(max(life.Round(time.Second), 0)+time.Second))
		if err == nil {
			return nil
		}
		if !faster(err) {
			return err
		}
	}
	return fmt.Errorf("it was changed by others %d times in turn", maxTries)
}

// faster reports whether a write has failed since another daemon was faster.
func faster(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// use has one goroutine at a time work on a count of this daemon.
func (c *Counts) use(key string, work func(*count)) {
	c.mu.Lock()
	one := c.own[key]
	if one == nil {
		one = &count{}
		c.own[key] = one
	}
	one.users++
	c.mu.Unlock()
	one.turn.Lock()
	work(one)
	one.turn.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if one.users--; one.users == 0 && one.underway == 0 { // Nobody else changes it now.
		delete(c.own, key)
	}
}

// A bucket is one of tokens: full is when it will be, if nobody takes any. It is empty a refill period before that.
type bucket struct {
	Full time.Time `json:"full"`
}

// Take implements [policy.SharedCounts].
func (c *Counts) Take(ctx context.Context, key string, rate policy.Rate) (wait time.Duration, err error) {
	c.use(key, func(*count) { wait, err = c.take(ctx, key, rate, 1) })
	return wait, err
}

// Return implements [policy.SharedCounts]. Where NATS is away, the token is lost.
func (c *Counts) Return(ctx context.Context, key string, rate policy.Rate) {
	c.use(key, func(*count) { _, _ = c.take(ctx, key, rate, -1) })
}

func (c *Counts) take(ctx context.Context, key string, rate policy.Rate, tokens time.Duration) (wait time.Duration, err error) {
	period := time.Duration(rate.RefillPeriod)
	each := period / time.Duration(rate.MaxTokens)
	err = c.change(ctx, key, func(before []byte) ([]byte, time.Duration, error) {
		var b bucket
		if len(before) > 0 {
			if err := json.Unmarshal(before, &b); err != nil {
				return nil, 0, err
			}
		}
		now := time.Now()
		if b.Full.Before(now) {
			b.Full = now
		}
		b.Full = b.Full.Add(tokens * each)
		life := b.Full.Sub(now)
		if wait = life - period; wait > 0 {
			return nil, 0, nil
		}
		wait = 0
		after, err := json.Marshal(b)
		return after, max(life, 0), err
	})
	return wait, err
}

// Begin implements [policy.SharedCounts].
func (c *Counts) Begin(ctx context.Context, key string, most int) (done func(), ok bool, err error) {
	c.use(key, func(own *count) {
		err = c.change(ctx, key, func(before []byte) ([]byte, time.Duration, error) {
			all, err := c.others(ctx, before)
			if err != nil {
				return nil, 0, err
			}
			sum := own.underway
			for _, n := range all {
				sum += n
			}
			if ok = sum < most; !ok {
				return nil, 0, nil
			}
			all[c.cluster.Node] = own.underway + 1
			after, err := json.Marshal(all)
			return after, underwayLife, err
		})
		if ok = ok && err == nil; ok {
			own.underway++
		}
	})
	if !ok {
		return nil, false, err
	}
	return func() { c.end(key) }, true, nil
}

// others are the calls underway on other daemons, which are alive.
func (c *Counts) others(ctx context.Context, before []byte) (map[string]int, error) {
	all := map[string]int{}
	if len(before) > 0 {
		if err := json.Unmarshal(before, &all); err != nil {
			return nil, err
		}
	}
	delete(all, c.cluster.Node)
	for node := range all {
		if alive, err := c.cluster.Alive(ctx, node); err != nil {
			return nil, err
		} else if !alive {
			delete(all, node)
		}
	}
	return all, nil
}

// end takes a call of this daemon out of a count.
func (c *Counts) end(key string) {
	c.use(key, func(own *count) {
		own.underway--
		if c.settle(key, own) != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.late[key] = true
		}
	})
}

// settle writes how many calls of this daemon are underway.
func (c *Counts) settle(key string, own *count) error {
	return c.change(context.Background(), key, func(before []byte) ([]byte, time.Duration, error) {
		all := map[string]int{}
		if len(before) > 0 {
			if err := json.Unmarshal(before, &all); err != nil {
				return nil, 0, err
			}
		}
		delete(all, c.cluster.Node)
		if own.underway > 0 {
			all[c.cluster.Node] = own.underway
		}
		life := underwayLife
		if len(all) == 0 {
			life = 0
		}
		after, err := json.Marshal(all)
		return after, life, err
	})
}

// catchUp writes the counts of calls that have ended while NATS was away.
func (c *Counts) catchUp(context.Context) error {
	c.mu.Lock()
	late := maps.Clone(c.late)
	c.mu.Unlock()
	var failed error
	for key := range late {
		c.use(key, func(own *count) {
			if failed = c.settle(key, own); failed == nil {
				c.mu.Lock()
				defer c.mu.Unlock()
				delete(c.late, key)
			}
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}
