package server

import (
	"cmp"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"

	"github.com/caisson-dev/caisson/daemon/internal/config"
	"github.com/caisson-dev/caisson/daemon/internal/logins"
	"github.com/caisson-dev/caisson/daemon/internal/rpc"
	"github.com/caisson-dev/caisson/daemon/internal/runs"
)

// openSleeping says how runs sleep: sealed by a key that NATS has not, and claimed in the store. Without a key none does.
func (s *Server) openSleeping(ctx context.Context) (sleeping caisson.Sleeping, err error) {
	if s.store == nil {
		return sleeping, nil
	}
	if s.shelf, err = runs.OpenShelf(ctx, s.store, time.Duration(s.file.Scripts.KeepRuns)); err != nil {
		return sleeping, err
	}
	sleeping.SleepClaims = s.shelf
	sleeping.SleepKey, err = sleepKey(s.file, s.options.Folder)
	return sleeping, err
}

// sleepKeyPurpose has the key of sleeping runs be another one than that of logins.
const sleepKeyPurpose = "caisson runs: sleep"

// sleepKey is what seals runs that sleep: made of the key that the daemons share, or one of this machine, beside the data
// of the server in the process.
func sleepKey(f *config.File, folder string) ([]byte, error) {
	if f.NATS == nil {
		if f.Store != "" {
			folder = f.Store
		} else {
			folder = filepath.Join(folder, "store")
		}
		return ownKey(filepath.Join(folder, "sleep.key"))
	}
	if f.NATS.CredentialsKey == "" {
		return nil, nil
	}
	key, err := logins.ReadKey(f.NATS.CredentialsKey)
	if err != nil {
		return nil, &config.Error{File: f.Path, Key: "nats.credentialsKey", Message: err.Error(), Err: err}
	}
	return hkdf.Expand(sha256.New, key, sleepKeyPurpose, len(key))
}

// ownKey reads the key of this machine, and makes it where it is not there. One daemon at a time has the folder.
func ownKey(path string) ([]byte, error) {
	key, err := logins.ReadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, sha256.Size)
	_, _ = rand.Read(key) // It never fails.
	return key, os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600)
}

// build names what runs can wake that sleep: daemons with the same one have the same components. It need not be exact, as
// a run is looked at again before it wakes.
func build() string {
	sum := sha256.Sum256([]byte(caisson.Version + "\x00" + caisson.ComponentInfo().Bundle + "\x00" + python.Language.Component().Name))
	return hex.EncodeToString(sum[:8])
}

// openRuns has the runs where the configuration says: in the store, for all daemons that share it, or in memory. It is
// the last of what is opened, as it begins with the work at once.
func (s *Server) openRuns(ctx context.Context, work runs.Work, admin *rpc.Admin) error {
	of := s.file.Scripts
	o := runs.Options{Work: work, MaxUnderway: of.MaxRuns, Keep: time.Duration(of.KeepRuns)}
	if meter := meterOf(s.options.Telemetry.MeterProvider); meter != nil {
		var err error
		if o.Metrics, err = runs.NewMetrics(meter); err != nil {
			return err
		}
	}
	if s.store == nil {
		s.runs = runs.NewMemory(o)
		admin.Runs = s.runs
		return nil
	}
	// Where this daemon is the only one, all others are gone: one at a time has the folder.
	node := strings.ToLower(rand.Text())
	alive := func(context.Context, string) (bool, error) { return false, nil }
	if s.cluster != nil {
		node, alive = s.cluster.Node, s.cluster.Alive
	}
	queue, err := runs.OpenQueue(ctx, runs.QueueOptions{
		Options: o, Store: s.store, Shelf: s.shelf, Node: node, Alive: alive, Lease: s.options.ClusterTimes.Lease, Places: of.MaxRunsAtOnce,
		Build: cmp.Or(s.options.Build, build()), Sleeps: s.sleeps, Patience: s.options.RunPatience, Logger: s.log,
	})
	if err != nil {
		return err
	}
	s.runs, s.asleep = queue, queue
	admin.Runs, admin.Asleep = queue, queue
	return nil
}

// tellAsleep logs which runs sleep when the daemon ends.
func (s *Server) tellAsleep() {
	if s.asleep == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), tellWait)
	defer cancel()
	switch own, _, err := s.asleep.Sleeping(ctx); {
	case err != nil:
		s.log.Warn("it is not known how many runs sleep", "error", err)
	case own > 0:
		s.log.Info("runs sleep in the store: daemons of this build wake them, and no others", "runs", own)
	}
}

// tellWait bounds the question how many runs sleep.
const tellWait = 2 * time.Second
