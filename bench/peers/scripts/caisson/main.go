// Caisson with scripts in JavaScript and Python. Its compiled code is cached in the folder that
// CAISSON_BENCH_CACHE names. With CAISSON_BENCH_FIRST code is compiled before it runs, and with
// CAISSON_BENCH_FILL the peer is ready only when all of it is there.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/scripting"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
)

// limits allow what the bench asks for, also in the interpreter.
var limits = caisson.ScriptLimits{ToolCalls: 1000, ParallelCalls: 50, Computing: time.Minute, Time: 2 * time.Minute}

// atOnce is more than the runs that the bench has wait for each other.
const atOnce = 128

var languages = map[string]caisson.Language{wire.JavaScript: caisson.JavaScript, wire.Python: python.Language}

func main() {
	scripting.Main(func(ctx context.Context, tools *scripting.Tools) (scripting.Engine, error) {
		fill := os.Getenv("CAISSON_BENCH_FILL") != ""
		runtime, err := caisson.New(ctx, &caisson.RuntimeOptions{
			CacheDir:     os.Getenv("CAISSON_BENCH_CACHE"),
			CompileFirst: fill || os.Getenv("CAISSON_BENCH_FIRST") != "",
			MaxScripts:   atOnce,
		})
		if err != nil {
			return nil, err
		}
		functions := &caisson.Functions{}
		if err := caisson.AddFunction(functions, "add", "Adds.", tools.Add); err != nil {
			return nil, err
		}
		if err := caisson.AddFunction(functions, "meet", "Answers when all runs have met.", tools.Meet); err != nil {
			return nil, err
		}
		set, err := caisson.NewToolSet(map[string]caisson.Caller{"go": functions})
		if err != nil {
			return nil, err
		}
		claims, err := os.MkdirTemp("", "caisson-bench-claims-")
		if err != nil {
			return nil, err
		}
		e := engine{runtime, set, claims}
		if fill {
			if err := runtime.Compile(ctx, nil); err != nil {
				return nil, err
			}
			if _, _, err := e.Run(ctx, wire.Source{Language: wire.Python, Text: "1"}); err != nil {
				return nil, err
			}
		}
		return e, nil
	})
}

type engine struct {
	runtime *caisson.Runtime
	tools   *caisson.ToolSet
	claims  string // a folder: which sleeps have woken
}

func (e engine) Run(ctx context.Context, source wire.Source) ([]byte, time.Duration, error) {
	language := languages[source.Language]
	if language == nil {
		return nil, 0, fmt.Errorf("it does not run %s", source.Language)
	}
	result, err := e.runtime.RunScript(ctx, caisson.Script{Language: language, Source: source.Text, Tools: e.tools, Limits: limits})
	if err != nil {
		return nil, 0, err
	}
	return result.Value, result.Usage.Computing, nil
}

func (engine) Helpers() []int { return nil }

func (e engine) Close() error { return errors.Join(e.runtime.Close(), os.RemoveAll(e.claims)) }
