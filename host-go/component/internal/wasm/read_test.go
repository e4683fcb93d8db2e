package wasm

import (
	"errors"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/build"
)

// An error of stop ends reading, in a long section of any kind.
func TestReadStop(t *testing.T) {
	const n = 5000
	typ := build.Types(build.FuncType(nil, nil))
	segment := build.Cat(build.Bytes{0}, build.Const(0), build.Bytes{0x0b})
	for name, module := range map[string][]byte{
		"types":      build.Module(build.Types(build.Repeat(n, build.FuncType(nil, nil)...)...)),
		"imports":    build.Module(typ, build.Imports(build.Repeat(n, build.Import("m", "f", build.Func, 0)...)...)),
		"functions":  build.Module(typ, build.Functions(build.Repeat(n, 0)...)),
		"tables":     build.Module(build.Tables(build.Repeat(n, build.TableOf(0, 0)...)...)),
		"globals":    build.Module(build.Globals(build.Repeat(n, build.GlobalOf(0)...)...)),
		"exports":    build.Module(build.Memories(build.MemoryOf(0)), build.Exports(build.Repeat(n, build.Export("m", build.Memory, 0)...)...)),
		"segments":   build.Module(build.Elements(build.Repeat(n, build.Cat(segment, build.Vec())...)...)),
		"references": build.Module(build.Elements(build.Cat(segment, build.Vec(build.Repeat(n, 0)...)))),
	} {
		stopped := errors.New("stopped")
		questions := 0
		if _, err := Read(module, func() error { questions++; return nil }); err != nil || questions < 4 {
			t.Fatalf("%s: %d questions, %v", name, questions, err)
		}
		asked := 0
		_, err := Read(module, func() error {
			if asked++; asked == 3 {
				return stopped
			}
			return nil
		})
		if !errors.Is(err, stopped) || asked != 3 {
			t.Errorf("%s: question %d of %d: %v", name, asked, questions, err)
		}
	}
}
