package pins_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/pins"
)

// TestReload takes over what another program has approved, keeps all when the file has a mistake, and approves nothing
// when it is gone.
func TestReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), pins.Name)
	identity := &pins.Identity{Origin: "https://mcp.example.com"}
	tool := define(t, `{"name":"a","description":"x"}`)
	held, other := pins.New(path), pins.New(path)
	other.Approve("s", identity, tool)
	if err := other.Save(); err != nil {
		t.Fatal(err)
	}
	want := func(state pins.State) {
		t.Helper()
		if got := held.State("s", identity, tool); got != state {
			t.Errorf("the state is %s, want %s", got, state)
		}
	}
	want(pins.Pending)
	before := held.Changes()
	if err := held.Reload(); err != nil || held.Changes() == before {
		t.Errorf("%v, and %d changes", err, held.Changes())
	}
	want(pins.Approved)
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := held.Reload(); err == nil {
		t.Error("a file with a mistake was read")
	}
	want(pins.Approved)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := held.Reload(); err != nil {
		t.Error(err)
	}
	want(pins.Pending)
}
