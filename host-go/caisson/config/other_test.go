package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// TestOtherSort passes over what belongs to a server of the other sort, variables that are not set among it.
func TestOtherSort(t *testing.T) {
	file, err := Parse("mcp.json", []byte(`{"mcpServers": {
		"url": {"url": "http://127.0.0.1:9/mcp", "args": ["x"], "env": {"KEY": "${CAISSON_TEST_UNSET}"}, "cwd": "/srv"},
		"command": {"command": "serve", "headers": {"Authorization": "${CAISSON_TEST_UNSET}"}}
	}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []caisson.Server{{Name: "url", URL: "http://127.0.0.1:9/mcp"}, {Name: "command", Command: "serve"}} {
		got, err := file.Server(want.Name)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got):\n%s%v", want.Name, diff, err)
		}
	}
}
