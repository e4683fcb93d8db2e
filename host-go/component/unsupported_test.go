package component

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/build"
)

// An unsupported feature is refused by its name, and is distinct from a malformed component.
func TestUnsupported(t *testing.T) {
	core := func(sections ...build.Bytes) build.Bytes {
		return build.Component(build.CoreModule(build.Module(sections...)))
	}
	code := func(code ...byte) build.Bytes {
		return core(build.Types(build.FuncType(nil, nil)), build.Functions(build.U32(0)), build.Memories(build.MemoryOf(1)), build.Code(build.Body(0, code)))
	}
	const gc, threads, exceptions = "garbage-collected and typed references", "threads", "exception handling"
	for _, c := range []struct {
		name, want string // want is the feature that the error names; "" for malformed
		wasm       build.Bytes
	}{
		{"a struct", gc, core(build.Types(build.Bytes{0x5f, 0}))},
		{"an array", gc, core(build.Types(build.Bytes{0x5e, build.I32, 0}))},
		{"a recursive type", gc, core(build.Types(build.Bytes{0x4e, 0}))},
		{"a final type", gc, core(build.Types(build.Bytes{0x4f, 0, 0x60, 0, 0}))},
		{"a subtype", gc, core(build.Types(build.Bytes{0x50, 0, 0x60, 0, 0}))},
		{"anyref", gc, core(build.Types(build.FuncType(build.Bytes{0x6e}, nil)))},
		{"a typed reference", gc, core(build.Types(build.FuncType(nil, nil), build.FuncType(build.Bytes{0x64, 0}, nil)))},
		{"a local of i31", gc, core(build.Types(build.FuncType(nil, nil)), build.Functions(build.U32(0)), build.Code(build.Sized(build.Bytes{1, 1, 0x6c, 0x0b})))},
		{"call_ref", gc, code(0x14, 0)},
		{"struct.new", gc, code(0xfb, 0, 0)},
		{"a 64-bit memory", "64-bit memories", core(build.Memories(build.Bytes{4, 1}))},
		{"a 64-bit table", "64-bit memories", core(build.Tables(build.Bytes{build.FuncRef, 4, 1}))},
		{"a shared memory", threads, core(build.Memories(build.Bytes{3, 1, 1}))},
		{"an atomic load", threads, code(0x41, 0, 0xfe, 0x10, 2, 0, 0x1a)},
		{"two memories", "more than one memory", core(build.Memories(build.MemoryOf(1), build.MemoryOf(1)))},
		{"small pages", "custom page sizes", core(build.Memories(build.Bytes{8, 1, 0}))},
		{"a tag", exceptions, core(build.Types(build.FuncType(nil, nil)), build.Section(13, build.Vec(build.Bytes{0, 0})))},
		{"a tag of another module", exceptions, core(build.Types(build.FuncType(nil, nil)), build.Imports(build.Import("m", "t", 4, 0, 0)))},
		{"try_table", exceptions, code(0x1f, 0x40, 0, 0x0b)},
		{"legacy try", exceptions, code(0x06, 0x40, 0x0b)},
		{"throw_ref", exceptions, code(0x0a)},
		{"exnref", exceptions, core(build.Globals(build.Bytes{0x69, 1, 0xd0, 0x69, 0x0b}))},
		{"relaxed SIMD", "relaxed SIMD", code(0xfd, 0x80, 0x02)},
		{"suspend", "stack switching", code(0xe2, 0)},
		{"a continuation", "stack switching", core(build.Types(build.FuncType(nil, nil), build.Bytes{0x5d, 0}))},
		{"wide arithmetic", "wide arithmetic", code(0xfc, 19)},
		{"a struct beside modules", gc, build.Component(build.Section(3, build.Vec(build.Bytes{0x5f, 0})))},
		{"anyref beside modules", gc, build.Component(build.Section(3, build.Vec(build.FuncType(build.Bytes{0x6e}, nil))))},
		{"a stream", "stream", build.Component(build.TypeDefs(build.Bytes{0x66, 0}))},
		{"a value", "values", build.Component(build.Section(12, build.Bytes{0}))},

		{"an unknown type", "", core(build.Types(build.Bytes{0x11, 0}))},
		{"an unknown value type", "", core(build.Types(build.FuncType(build.Bytes{0x11}, nil)))},
		{"an unknown instruction", "", code(0xff)},
		{"an unknown kind of memory", "", core(build.Memories(build.Bytes{0x10, 1}))},
	} {
		for _, unmetered := range []bool{false, true} {
			_, err := testRuntime(t, &Config{Interpreter: true, Unmetered: unmetered}).Compile(context.Background(), c.wasm)
			var decode *DecodeError
			switch {
			case !errors.As(err, &decode):
				t.Errorf("%s: %v", c.name, err)
			case decode.Unsupported != (c.want != ""), !strings.Contains(decode.Msg, c.want):
				t.Errorf("%s: unsupported: %v, %v", c.name, decode.Unsupported, err)
			case c.want != "" && !strings.Contains(decode.Msg, "not supported"):
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
}
