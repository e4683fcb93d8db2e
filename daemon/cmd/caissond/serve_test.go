package main

import (
	"path/filepath"
	"testing"

	"github.com/caisson-dev/caisson/daemon/internal/config"
)

// TestOverride has the flags of the store in place of what the configuration says, and checked as it is.
func TestOverride(t *testing.T) {
	load := func() *config.File {
		t.Helper()
		file, err := config.Parse("/etc/caisson.yaml", []byte("nats: {url: 'nats://127.0.0.1:4222', credentials: a.creds}"))
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	file := load()
	if err := (&flags{nats: "tls://elsewhere:4222"}).override(file); err != nil || file.NATS.URL != "tls://elsewhere:4222" || file.NATS.Credentials == "" {
		t.Errorf("--nats: %+v, %v", file.NATS, err)
	}
	if err := (&flags{nats: "nats://elsewhere:4222"}).override(load()); err == nil {
		t.Error("--nats takes clear text to another machine")
	}
	file = load()
	if err := (&flags{noStore: true}).override(file); err != nil || file.NATS != nil || file.Store != config.NoStore {
		t.Errorf("--no-store: %+v, %v", file, err)
	}
	file = load()
	if err := (&flags{store: "here"}).override(file); err != nil || file.NATS != nil || !filepath.IsAbs(file.Store) {
		t.Errorf("--store: %+v, %v", file, err)
	}
}
