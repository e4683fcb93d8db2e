package caisson_test

import (
	"context"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/core"
)

// another is JavaScript in a component of its own.
type another struct{ caisson.Language }

func (another) Component() *caisson.LanguageComponent {
	return &caisson.LanguageComponent{Name: "another", Open: func() (*component.Prepared, error) {
		pack, err := core.Open()
		if err != nil {
			return nil, err
		}
		return pack.Prepared(), nil
	}}
}

// TestLanguageNeedsNoCore runs a script that another component runs where the core cannot be loaded: nothing loads it
// before somebody needs it.
func TestLanguageNeedsNoCore(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, caisson.RuntimeOptions{})
	if err := caisson.BreakCore(testContext(t), r); err != nil {
		t.Fatal(err)
	}
	functions := &caisson.Functions{}
	type numbers struct{ A, B int }
	if err := caisson.AddFunction(functions, "add", "Adds.", func(_ context.Context, n numbers) (int, error) { return n.A + n.B, nil }); err != nil {
		t.Fatal(err)
	}
	tools, err := caisson.NewToolSet(map[string]caisson.Caller{"go": functions})
	if err != nil {
		t.Fatal(err)
	}
	s := caisson.Script{Language: another{caisson.JavaScript}, Tools: tools, Source: "await tools.go.add({ A: 1, B: 2 })"}
	if result, err := r.RunScript(testContext(t), s); err != nil || string(result.Value) != "3" {
		t.Errorf("%v, %+v", err, result)
	}
	s.Language = nil
	if _, err := r.RunScript(testContext(t), s); err == nil {
		t.Error("the core is there: this test shows nothing")
	}
}
