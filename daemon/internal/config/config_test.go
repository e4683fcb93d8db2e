package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestNATS reads where NATS is, and refuses what would have secrets in clear text or in logs.
func TestNATS(t *testing.T) {
	for text, want := range map[string]string{
		"nats: {url: 'nats://127.0.0.1:4222,tls://nats.example.com:4222'}": "",
		"nats: {url: 'nats://nats:4222', plainText: true}":                 "",
		"nats: {}":                        "nats.url: it is missing",
		"nats: {url: 'nats://nats:4222'}": "nats:4222 is another machine",
		"nats: {url: 'nats://me:hidden@127.0.0.1:4222'}":                          "nats.credentials",
		"nats: {url: 'http://127.0.0.1:4222'}":                                    "nats://host:port",
		"nats: {url: 'nats://127.0.0.1:4222', certificate: a.pem}":                "need each other",
		"nats: {url: 'nats://127.0.0.1:4222', replicas: 7}":                       "from 1 to 5",
		"store: here\nnats: {url: 'nats://127.0.0.1:4222', credentials: a.creds}": "keep one of them",
	} {
		f, err := Parse("/etc/caisson/caisson.yaml", []byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v has the password", text, err)
		}
		if err == nil && f.NATS.Replicas != 1 {
			t.Errorf("%s: %d replicas", text, f.NATS.Replicas)
		}
	}
	path := filepath.Join(t.TempDir(), "caisson.yaml")
	f, err := Parse(path, []byte("store: kept"))
	if err != nil || f.Store != filepath.Join(filepath.Dir(path), "kept") {
		t.Errorf("%v, %v", f, err)
	}
	if f, err = Parse(path, []byte("store: none")); err != nil || f.Store != NoStore {
		t.Errorf("%v, %v", f, err)
	}
}

// TestPlaces reads where a Unix socket is, and refuses a document that nobody would read.
func TestPlaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "caisson.yaml")
	f, err := Parse(path, []byte("listen: ['unix:caisson.sock', '127.0.0.1:1']"))
	if err != nil || f.Listen[0] != "unix:"+filepath.Join(filepath.Dir(path), "caisson.sock") || f.Listen[1] != "127.0.0.1:1" {
		t.Errorf("%v, %v", f, err)
	}
	for text, want := range map[string]bool{
		"store: none": true, "---\nstore: none\n": true, "store: none\n---\npolicy: policy.yaml\n": false, "{}\n---\n": false, "": true, "# nothing": true,
	} {
		if _, err := Parse(path, []byte(text)); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestLoadMissing has the error of a file that is not there say what to do.
func TestLoadMissing(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "caisson.yaml"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "mcpServers: {") || !strings.Contains(err.Error(), "--config") {
		t.Errorf("the error is %v", err)
	}
}

// TestOrigins takes the origins of pages as browsers write them, and in no other way: they are compared.
func TestOrigins(t *testing.T) {
	for origin, want := range map[string]string{
		"https://app.example.com":             "",
		"https://app.example.com:8443":        "",
		"http://localhost:5173":               "",
		"http://[::1]:5173":                   "",
		"https://xn--bcher-kva.example":       "",
		"chrome-extension://abcdefghijklmnop": "",
		"*":                                   "name each origin",
		"https://*.example.com":               "name each origin",
		"null":                                "is no origin",
		"app.example.com":                     "is no origin",
		"https://":                            "is no origin",
		"https://bücher.example":              "in ASCII",
		"https://app.example.com/":            "they write https://app.example.com",
		"https://app.example.com/page?a#b":    "they write https://app.example.com",
		"https://APP.example.com":             "they write https://app.example.com",
		"https://app.example.com:443":         "they write https://app.example.com",
		"http://[::1]:80":                     "they write http://[::1]",
		"HTTP://localhost":                    "they write http://localhost",
		"https://me:hidden@app.example.com":   "they write https://app.example.com",
	} {
		_, err := Parse("/etc/caisson/caisson.yaml", []byte("access: {origins: ['https://first.example', '"+origin+"']}"))
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "access.origins: ")) {
			t.Errorf("%s: %v", origin, err)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v has the password", origin, err)
		}
	}
}

// TestBounds fills in the bound of scripts, and has the error of one that is negative name it.
func TestBounds(t *testing.T) {
	for text, want := range map[string]int{"": 32, "scripts: {maxPerPrincipal: 0}": 32, "scripts: {maxPerPrincipal: 3}": 3} {
		if f, err := Parse("/etc/caisson/caisson.yaml", []byte(text)); err != nil || f.Scripts.MaxPerPrincipal != want {
			t.Errorf("%q: %v, %v", text, f, err)
		}
	}
	for _, key := range []string{"sessions.max", "sessions.maxPerPrincipal", "scripts.maxPerPrincipal", "scripts.maxRuns", "scripts.maxRunsAtOnce"} {
		of, bound, _ := strings.Cut(key, ".")
		if _, err := Parse("/etc/caisson/caisson.yaml", []byte(of+": {"+bound+": -1}")); err == nil || !strings.Contains(err.Error(), key+": it is negative") {
			t.Errorf("%s: %v", key, err)
		}
	}
}
