package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// scripts are what scripts ordinarily do.
var scripts = []string{
	`1 + 1`,
	`const r = await tools.demo.echo({ message: 'x' }); return r.message + input.n`,
	`const all = await Promise.all(Array.from({ length: 50 }, (_, i) => tools.demo.echo({ i }))); return all.length`,
	`export async function main(a, b) { return { a, b, at: Date.now(), random: Math.random(), id: crypto.randomUUID() }; }`,
	`try { await tools.demo.fail({}); } catch (e) { console.error(e, e.stack); }
	await call_tool('demo', 'none', {});`,
	`let n = 0; const f = x => x < 2 ? x : f(x - 1) + f(x - 2);
	for (let i = 0; i < 20_000; i++) n += i % 7;
	const objects = Array.from({ length: 2000 }, (_, id) => ({ id, name: 'n' + id, tags: ['a', 'b'], score: id * 1.5 }));
	const text = JSON.stringify(objects);
	const sorted = JSON.parse(text).filter(o => o.id % 2).map(o => o.name.toUpperCase()).sort((a, b) => a < b ? 1 : -1);
	const counts = new Map(); for (const word of text.split(/[^a-z0-9]+/i)) counts.set(word, (counts.get(word) ?? 0) + 1);
	const { a = 1, ...rest } = Object.fromEntries(Object.entries({ b: 2, c: [3, ...sorted.slice(0, 3)] }));
	class P { x = 1; get y() { return this.x; } static of() { return new P(); } }
	console.log('found', sorted.length, [...counts.keys()].length, rest, new Set([1]), new Date(0).toISOString(), P.of().y, f(12));
	return [...counts].sort((x, y) => y[1] - x[1]).slice(0, 5);`,
	`await sleep(1); setTimeout(() => {}, 1000); print(search_tools('echo'), get_tool('demo.echo'), Object.keys(tools.demo));
	return ['Grüße'.replace(/ü/g, 'u').padStart(9), parseInt('12px'), (1234.5).toFixed(2), Number('1e3'), 'a,b'.split(',').join(), 'x'.includes('x')];`,
	`let x = ;`,
	`throw new TypeError('no')`,
	`await new Promise(() => {})`,
	`const f = () => f() + 1; f()`,
	`throw { toString() { throw 1; } }`,
	`const o = {}; o.o = o; return o`,
}

const scriptTools = `[{"server":"demo","tool":{"name":"echo","description":"Gives back","inputSchema":{"type":"object"}}},{"server":"demo","tool":{"name":"fail","inputSchema":{"type":"object"}}}]`

func useScripts(e *engine.Engine) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	config := script.Config{
		Engine: e,
		Limits: script.Limits{
			Computing: time.Minute, Time: time.Minute, MemoryBytes: 1 << 30, SourceBytes: 1 << 20, OutputBytes: 1 << 20,
			LogLines: 1000, ResultDepth: 200, ToolCalls: 1000, ParallelCalls: 8, ArgumentBytes: 1 << 20,
			AnswerBytes: 1 << 20, Timers: 1000, LogLineBytes: 1 << 14, FailureBytes: 1 << 14,
		},
		Tools:  scriptTools,
		Random: rand.Reader,
		Call: func(_ context.Context, _, tool string, arguments json.RawMessage) (json.RawMessage, *script.ToolFailure) {
			switch tool {
			case "echo":
				return json.RawMessage(`{"content":[{"type":"text","text":` + string(quote(arguments)) + `}]}`), nil
			case "fail":
				return json.RawMessage(`{"content":[{"type":"text","text":"as it should"}],"isError":true}`), nil
			}
			return nil, &script.ToolFailure{Code: "not found", Message: "there is no such tool"}
		},
	}
	for i, text := range scripts {
		in, failure := script.New(ctx, config)
		if failure != nil {
			return fmt.Errorf("script %d: %w", i, failure)
		}
		_, _, failure = in.Run(ctx, script.Source{Name: "script", Text: text}, json.RawMessage(`{"n":1}`), []string{"a", "b"})
		in.Close()
		if failure != nil && (failure.Kind == script.Trap || failure.Kind == script.Limit) {
			return fmt.Errorf("script %d: %w", i, failure)
		}
	}
	in, failure := script.New(ctx, config)
	if failure != nil {
		return failure
	}
	defer in.Close()
	if _, _, failure := in.Load(ctx, script.Source{Name: "module", Text: `export const add = (a, b) => a + b;`}); failure != nil {
		return failure
	}
	for range 2 {
		if _, _, failure := in.Call(ctx, "add", json.RawMessage(`[1,2]`), json.RawMessage(`{}`)); failure != nil {
			return failure
		}
	}
	return nil
}

// quote makes a JSON text of a JSON text.
func quote(text []byte) []byte {
	quoted, _ := json.Marshal(string(text)) // A text always marshals.
	return quoted
}
