package caisson

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/atomicfile"
)

// SleepClaims keeps which sleeps have woken. [NewFileClaims] and [NewMemoryClaims] are two.
type SleepClaims interface {
	// Claim claims a sleep, and reports whether nobody has claimed it before: of all calls with an id, in all processes,
	// one gets true. The claim is kept, also when the process or the machine stops right after it; until says how
	// long: afterwards the sleep cannot wake any more, and the claim may be forgotten. The id is in hexadecimal.
	// Claim is called by several goroutines at once.
	Claim(ctx context.Context, id string, until time.Time) (first bool, err error)
}

// NewMemoryClaims returns claims that this process alone has, and that end with it: for tests, and for runs that sleep and
// wake in one process.
func NewMemoryClaims() SleepClaims { return &memoryClaims{} }

type memoryClaims struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// Claim implements [SleepClaims].
func (m *memoryClaims) Claim(_ context.Context, id string, until time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.until == nil {
		m.until = map[string]time.Time{}
	}
	if _, ok := m.until[id]; ok {
		return false, nil
	}
	for other, end := range m.until {
		if time.Now().After(end.Add(sweepMargin)) {
			delete(m.until, other)
		}
	}
	m.until[id] = until
	return true, nil
}

// NewFileClaims returns claims in a folder, which all processes share that use it: a file for each claim, of a file
// system that creates a file once, as local ones and NFS do. The folder is made when it is first needed, with the mode 0700. Files of claims that have
// expired are removed. Who can remove files from the folder can wake a run twice. "" is
// "caisson/sleep-claims-v1" in [os.UserConfigDir].
func NewFileClaims(folder string) (SleepClaims, error) {
	if folder == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("there is no folder for the claims of runs that sleep (%w): set ClientOptions.SleepClaims", err)
		}
		folder = filepath.Join(config, "caisson", "sleep-claims-v1")
	}
	return &fileClaims{folder: folder}, nil
}

type fileClaims struct {
	folder string
	mu     sync.Mutex
	swept  time.Time
}

// sweepInterval is how often expired claims are looked for; sweepMargin how long they are kept beyond their end, for
// clocks that differ, and for who has looked at the clock and then stops for a while.
const (
	sweepInterval = time.Hour
	sweepMargin   = 24 * time.Hour
)

var claimID = regexp.MustCompile(`^[0-9a-f]{16,128}$`)

// Claim implements [SleepClaims].
func (f *fileClaims) Claim(_ context.Context, id string, until time.Time) (bool, error) {
	if !claimID.MatchString(id) {
		return false, fmt.Errorf("the id of a sleep is not hexadecimal: %.20q", id)
	}
	if err := os.MkdirAll(f.folder, 0o700); err != nil {
		return false, err
	}
	f.sweep(time.Now())
	path := filepath.Join(f.folder, id)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// The time of the file is when the claim may be forgotten. A claim that may not last is none: whoever gets an error
	// has not woken the run, and nobody else does either.
	err = errors.Join(os.Chtimes(path, until, until), file.Sync(), file.Close(), atomicfile.SyncFolder(f.folder))
	return err == nil, err
}

// sweep removes claims that have expired.
func (f *fileClaims) sweep(now time.Time) {
	f.mu.Lock()
	due := now.Sub(f.swept) >= sweepInterval
	if due {
		f.swept = now
	}
	f.mu.Unlock()
	if !due {
		return
	}
	entries, err := os.ReadDir(f.folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && claimID.MatchString(e.Name()) && now.After(info.ModTime().Add(sweepMargin)) {
			_ = os.Remove(filepath.Join(f.folder, e.Name()))
		}
	}
}

// claims are those of a client without SleepClaims.
type claims struct {
	once sync.Once
	of   SleepClaims
	err  error
}

func (c *Client) sleepClaims() (SleepClaims, error) {
	if c.options.SleepClaims != nil {
		return c.options.SleepClaims, nil
	}
	c.claims.once.Do(func() { c.claims.of, c.claims.err = NewFileClaims("") })
	return c.claims.of, c.claims.err
}
