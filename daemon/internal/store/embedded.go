package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// maxFolderBytes bounds the folder, and what buckets and streams may reserve of it together.
	maxFolderBytes = 4 << 30
	// maxMemoryBytes bounds what is kept in memory alone. Nothing of the daemon's is.
	maxMemoryBytes = 16 << 20
	// startWait bounds the start, which reads the folder.
	startWait = time.Minute
)

// embed starts a NATS server in this process, without a port: nobody else reaches it.
func embed(folder string, log *slog.Logger) (*nats.Conn, func(), error) {
	failed := func(message string, err error) (*nats.Conn, func(), error) {
		return nil, nil, &Error{Place: folder, Step: "open", Message: message, Err: err}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		remedy := ""
		if errors.Is(err, fs.ErrPermission) {
			remedy = ": name a folder that this user may write, by --store, or use --no-store, and nothing is kept"
		}
		return failed(err.Error()+remedy, err)
	}
	lock := flock.New(filepath.Join(folder, "lock"), flock.SetPermissions(0o600))
	switch taken, err := lock.TryLock(); {
	case err != nil:
		return failed("it cannot be locked: "+err.Error(), err)
	case !taken:
		return failed("another daemon has it: name another folder for this one, by --store, or use --no-store, and nothing is kept", nil)
	}
	unlock := func() { _ = lock.Close() }
	s, err := server.NewServer(&server.Options{
		ServerName: "caissond", DontListen: true, NoSigs: true,
		JetStream: true, StoreDir: folder, JetStreamMaxStore: maxFolderBytes, JetStreamMaxMemory: maxMemoryBytes,
		SyncAlways: true, // What is acknowledged is on the disk, also when the machine loses its power.
	})
	if err != nil {
		unlock()
		return failed(err.Error(), err)
	}
	s.SetLoggerV2(&logger{log}, false, false, false)
	s.Start()
	stop := func() {
		s.Shutdown()
		s.WaitForShutdown()
		unlock()
	}
	if !s.ReadyForConnections(startWait) {
		stop()
		return failed(fmt.Sprintf("it was not ready within %v", startWait), nil)
	}
	conn, err := nats.Connect("", nats.InProcessServer(s), nats.Name("caissond"), nats.ReconnectBufSize(-1))
	if err != nil {
		stop()
		return failed(err.Error(), err)
	}
	return conn, func() {
		conn.Close()
		stop()
	}, nil
}

// A logger passes on what the embedded server logs; what it says of its start is for who looks for a fault.
type logger struct{ to *slog.Logger }

func (l *logger) Noticef(format string, v ...any) { l.to.Debug("NATS: " + fmt.Sprintf(format, v...)) }

func (l *logger) Warnf(format string, v ...any) { l.to.Debug("NATS: " + fmt.Sprintf(format, v...)) }

func (l *logger) Fatalf(format string, v ...any) { l.to.Error("NATS: " + fmt.Sprintf(format, v...)) }

func (l *logger) Errorf(format string, v ...any) { l.to.Error("NATS: " + fmt.Sprintf(format, v...)) }
func (l *logger) Debugf(string, ...any)          {}
func (l *logger) Tracef(string, ...any)          {}
