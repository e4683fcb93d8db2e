package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	prepared "github.com/caisson-dev/caisson/host-go/internal/pack"
)

// TestPreparation has the embedded core prepared by the runtime as it is now.
func TestPreparation(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "inputs.json"))
	if err != nil {
		t.Fatal(err)
	}
	var record struct{ Prepared string }
	if err := json.Unmarshal(text, &record); err != nil {
		t.Fatal(err)
	}
	now, err := prepared.Preparation(filepath.Join("..", "..", "..", "component", "testdata", "corpus"))
	if err != nil {
		t.Fatal(err)
	}
	if record.Prepared != now {
		t.Errorf("the embedded core was prepared by another runtime (%.12q) than this one (%.12q): run make component", record.Prepared, now)
	}
}
