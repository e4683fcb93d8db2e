package config

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// parse reads a configuration with the servers a and b.
func parse(text string) (*File, error) {
	f, err := Parse("/caisson.yaml", []byte("mcpServers: {a: {url: http://127.0.0.1:1}, b: {url: http://127.0.0.1:2}}\n"+text))
	if err == nil {
		_, err = f.ReadServers()
	}
	return f, err
}

// TestPools shows what may be said of pools, and that a mistake is named by its key.
func TestPools(t *testing.T) {
	for text, want := range map[string]string{
		"{any: {servers: [a, b], balance: order}}": "",
		"{a: {stateless: true, instances: 64}}":    "",
		"{any: {servers: [a, c]}}":                 "pools.any.servers: there is no server \"c\"",
		"{any: {servers: [a, a]}}":                 "pools.any.servers: \"a\" is there twice",
		"{any: {servers: [a], balance: fair}}":     "pools.any.balance",
		"{a: {balance: order}}":                    "pools.a.balance",
		"{a: {servers: [b]}}":                      "pools.a: there is a server of this name too",
		"{c: {warm: true}}":                        "pools.c: there is no server of this name",
		"{a: {instances: 65}}":                     "line 2: instances",
		"{a: {instances: many}}":                   "line 2: instances",
		"{a: {instances: 0}}":                      "line 2: instances",
		"{a: {instance: 2}}":                       "instance",
	} {
		_, err := parse("pools: " + text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if own := (*Error)(nil); err != nil && !errors.As(err, &own) {
			t.Errorf("%s: the error is a %T", text, err)
		}
	}
	if _, err := parse("health: {failures: -1}"); err == nil || !strings.Contains(err.Error(), "health.failures") {
		t.Errorf("negative failures: %v", err)
	}
	f, err := parse("pools: {a: {instances: cores, warm: true}, b: {warm: [alice]}}")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := f.Pools["a"], f.Pools["b"]; int(a.Instances) != min(runtime.GOMAXPROCS(0), 64) || !a.Warm.All || b.Warm.All || len(b.Warm.Principals) != 1 {
		t.Errorf("%+v, %+v", a, b)
	}
}
