package catalog

import (
	"encoding/json"
	"testing"
)

// TestTools holds the tools to the sizes that the package promises: as they are sent, without spaces.
func TestTools(t *testing.T) {
	want := []struct{ least, most int }{{400, 700}, {800, 1200}, {1800, 2500}}
	names := map[string]bool{}
	for i, tool := range Tools(100) {
		text, err := json.Marshal(tool)
		if err != nil {
			t.Fatal(err)
		}
		if size := want[i%len(want)]; len(text) < size.least || len(text) > size.most {
			t.Errorf("%s has %d bytes, not %d to %d", tool.Name, len(text), size.least, size.most)
		}
		names[tool.Name] = true
	}
	if len(names) != 100 || !names["echo"] {
		t.Errorf("there are %d names", len(names))
	}
}
