// goja, a JavaScript engine in Go: each run in an engine of its own.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dop251/goja"

	"github.com/caisson-dev/caisson/host-go/bench/internal/scripting"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

func main() {
	scripting.Main(func(_ context.Context, tools *scripting.Tools) (scripting.Engine, error) {
		return engine{tools}, nil
	})
}

type engine struct{ tools *scripting.Tools }

func (e engine) Run(ctx context.Context, source wire.Source) ([]byte, time.Duration, error) {
	if source.Language != wire.JavaScript {
		return nil, 0, fmt.Errorf("it does not run %s", source.Language)
	}
	vm := goja.New()
	vm.SetFieldNameMapper(goja.TagFieldNameMapper("json", true))
	functions := map[string]any{
		"add":  func(in scripting.Sum) (int, error) { return e.tools.Add(ctx, in) },
		"meet": func(in struct{}) (bool, error) { return e.tools.Meet(ctx, in) },
	}
	if err := vm.Set("tools", map[string]any{"go": functions}); err != nil {
		return nil, 0, err
	}
	began := time.Now()
	value, err := vm.RunString("(async () => {" + source.Text + "\n})()")
	computing := time.Since(began)
	if err != nil {
		return nil, 0, err
	}
	promise, ok := value.Export().(*goja.Promise)
	if !ok || promise.State() != goja.PromiseStateFulfilled {
		return nil, 0, fmt.Errorf("it has not come to a value: %v", value)
	}
	text, err := json.Marshal(promise.Result().Export())
	return text, computing, err
}

func (engine) Helpers() []int { return nil }

func (engine) Close() error { return nil }
