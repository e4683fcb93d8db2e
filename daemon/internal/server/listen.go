package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/config"
)

const unixPrefix = "unix:"

func isTCP(address string) bool { return !strings.HasPrefix(address, unixPrefix) }

// Listen binds the addresses of the configuration, or takes the sockets that it is given in their place.
func (s *Server) Listen(ctx context.Context, given []net.Listener) ([]net.Listener, error) {
	listeners := given
	if i := slices.Index(given, nil); i >= 0 {
		closeAll(given)
		return nil, fmt.Errorf("socket %d of those that the daemon was given (LISTEN_FDS) takes no connections: have ListenStream alone in the socket unit", i+1)
	}
	if len(given) == 0 {
		for _, address := range s.file.Listen {
			listener, err := s.bind(ctx, address)
			if err != nil {
				closeAll(listeners)
				return nil, err
			}
			listeners = append(listeners, listener)
		}
	}
	secured, err := s.secured(listeners)
	if err != nil {
		closeAll(listeners)
	}
	return secured, err
}

func closeAll(listeners []net.Listener) {
	for _, listener := range listeners {
		if listener != nil {
			_ = listener.Close()
		}
	}
}

// secured has the listeners on TCP speak TLS where the configuration says so. Without it, others could read tokens: so
// only this machine can connect then.
func (s *Server) secured(listeners []net.Listener) ([]net.Listener, error) {
	var config *tls.Config
	if s.file.Access.TLS != nil {
		var err error
		if s.certificates, err = readCertificates(s.file, s.log); err != nil {
			return nil, err
		}
		config = s.certificates.Config()
	}
	secured := make([]net.Listener, len(listeners))
	for i, listener := range listeners {
		secured[i] = listener
		at, ok := listener.Addr().(*net.TCPAddr)
		switch {
		case !ok:
		case config != nil:
			secured[i] = tls.NewListener(listener, config)
		case !at.IP.IsLoopback() && !s.file.Access.PlainText:
			return nil, fmt.Errorf("%s: other machines could reach it, and tokens would come in clear text: set access.tls, or access.plainText where a proxy in front ends TLS", at)
		}
	}
	return secured, nil
}

// readCertificates reads the certificates of a configuration, which has some.
func readCertificates(f *config.File, log *slog.Logger) (*access.Certificates, error) {
	t := f.Access.TLS
	certificates := &access.Certificates{Certificate: t.Certificate, Key: t.Key, ClientCAs: t.ClientCAs, Log: log}
	if err := certificates.Read(); err != nil {
		return nil, &config.Error{File: f.Path, Key: "access.tls", Message: err.Error(), Err: err}
	}
	return certificates, nil
}

func (s *Server) bind(ctx context.Context, address string) (net.Listener, error) {
	var of net.ListenConfig
	path, unix := strings.CutPrefix(address, unixPrefix)
	if !unix {
		return of.Listen(ctx, "tcp", address)
	}
	mode, err := strconv.ParseUint(s.file.Access.UnixMode, 8, 32)
	if err != nil { // The configuration was checked.
		return nil, err
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	of.Control = guarded(uint32(mode))
	listener, err := of.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, fs.FileMode(mode)); err != nil {
		_ = listener.Close()
		return nil, err
	}
	return listener, nil
}

// removeStale removes the socket of a daemon that is not there any more.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%s is there, and is no socket: listen elsewhere, or remove it", path)
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		_ = conn.Close()
	}
	if !errors.Is(err, refused) { // It may be another user's, or have too much to do just now.
		return fmt.Errorf("another process listens at %s", path)
	}
	return os.Remove(path)
}
