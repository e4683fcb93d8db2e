package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/caisson-dev/caisson/host-go/caisson"

	"github.com/caisson-dev/caisson/daemon/internal/config"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
	"github.com/caisson-dev/caisson/daemon/internal/server"
	"github.com/caisson-dev/caisson/daemon/internal/telemetry"
)

// serve runs the daemon until the context ends, or until it was drained.
func serve(ctx context.Context, f *flags) error {
	log, err := f.logger()
	if err != nil {
		return err
	}
	asked := make(chan os.Signal, 1) // One that comes before the daemon serves does not end it.
	if len(reloadSignals) > 0 {
		signal.Notify(asked, reloadSignals...)
		defer signal.Stop(asked)
	}
	file, err := config.Load(f.config)
	if err != nil {
		return err
	}
	if err := f.override(file); err != nil {
		return err
	}
	export, err := telemetry.New(ctx, log)
	if err != nil {
		return err
	}
	defer export.Close(ctx)
	options := server.Options{Logger: log, CacheDir: f.cacheDir}
	if export.Tracers != nil {
		options.Telemetry.TracerProvider = export.Tracers
	}
	var metrics *server.Metrics
	if file.Metrics != "" || export.Reader != nil {
		if metrics, err = server.NewMetrics(export.Metrics()...); err != nil {
			return err
		}
		defer func() {
			if err := metrics.Close(ctx); err != nil {
				log.Warn("the last metrics were not sent", "error", err)
			}
		}()
		options.Telemetry.MeterProvider = metrics.Provider
	}
	runtime, err := caisson.New(ctx, &caisson.RuntimeOptions{
		Logger: log, CacheDir: f.cacheDir, Isolation: file.Isolation, MaxWorkers: file.MaxWorkers,
		MaxSessions: pool.RuntimeSessions(file.Sessions.Max),
	})
	if err != nil {
		return err
	}
	defer runtime.Close()
	options.Runtime = runtime
	s, err := server.New(ctx, file, options)
	if err != nil {
		return err
	}
	defer s.Close()
	given, err := activation.Listeners()
	if err != nil {
		return err
	}
	listeners, err := s.Listen(ctx, given)
	if err != nil {
		return err
	}
	if metrics != nil {
		if err := metrics.Watch(s); err != nil {
			return err
		}
	}
	if file.Metrics != "" {
		listener, err := net.Listen("tcp", file.Metrics)
		if err != nil {
			return err
		}
		defer listener.Close()
		go func() { _ = metrics.Serve(listener) }() // It ends with the listener.
		log.Info("metrics are served", "address", listener.Addr().String())
	}
	for _, listener := range listeners {
		log.Info("the daemon listens", "network", listener.Addr().Network(), "address", listener.Addr().String())
	}
	if first := s.First(); first != nil {
		log.Info("nothing says who may call: there is a token for the user of this machine", "file", first.Token)
	}
	reloading, stop := context.WithCancel(ctx)
	defer stop()
	go reload(reloading, asked, s, log)
	notify(log, daemon.SdNotifyReady)
	go debug.FreeOSMemory() // The start has taken more than the daemon needs.
	err = s.Serve(ctx, listeners)
	notify(log, daemon.SdNotifyStopping)
	return err
}

// override has the flags in place of keys of the configuration.
func (f *flags) override(file *config.File) error {
	if len(f.listen) > 0 {
		file.Listen = f.listen
	}
	if f.metrics != "" {
		file.Metrics = f.metrics
	}
	switch {
	case f.nats != "":
		if file.NATS == nil {
			file.NATS = &config.NATS{Replicas: 1}
		}
		file.NATS.URL, file.Store = f.nats, ""
	case f.noStore:
		file.NATS, file.Store = nil, config.NoStore
	case f.store != "":
		folder, err := filepath.Abs(f.store)
		if err != nil {
			return err
		}
		file.NATS, file.Store = nil, folder
	}
	return file.Check()
}

// reload reads the configuration again at each SIGHUP.
func reload(ctx context.Context, asked <-chan os.Signal, s *server.Server, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
		}
		notify(log, daemon.SdNotifyReloading)
		if err := s.Reload(ctx); err != nil {
			log.Error("the configuration has a mistake, and the one before holds", "error", err)
		} else {
			log.Info("the configuration was read again")
		}
		notify(log, daemon.SdNotifyReady)
	}
}

// notify tells systemd, where it has started the daemon.
func notify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Warn("systemd could not be told", "state", state, "error", err)
	}
}
