package wasm

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/caisson-dev/caisson/host-go/component/internal/build"
)

// A shell is a module with the same exports, whose functions trap, and another one for each hash.
func TestShell(t *testing.T) {
	module := build.Module(build.Types(build.FuncType(nil, build.Bytes{build.I32})), build.Functions(build.U32(0)),
		build.Exports(build.Export("f", build.Func, 0)), build.Code(build.Body(0, build.Const(7))))
	shell, ok, err := Shell(module, "one")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if other, _, _ := Shell(module, "two"); string(other) == string(shell) {
		t.Error("two hashes have one shell")
	}
	ctx := context.Background()
	core := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer core.Close(ctx)
	m, err := core.Instantiate(ctx, shell)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.ExportedFunction("f").Call(ctx); err == nil {
		t.Error("a function of the shell does not trap")
	}
	if _, ok, err := Shell(build.Module(), "one"); ok || err != nil {
		t.Errorf("a module without functions: %v, %v", ok, err)
	}
	if _, _, err := Shell(module[:len(module)-1], "one"); err == nil {
		t.Error("a module that is cut has a shell")
	}
}
