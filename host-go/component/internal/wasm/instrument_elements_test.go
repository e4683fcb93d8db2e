package wasm

import (
	"context"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// elements returns a module that imports the table and the global of "m" and has a table of two elements. Its
// element segment has n functions. When start is set it has a start function, which sets the exported global
// "started".
func elements(table byte, offset string, n int, start bool) []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = appendSection(out, secType, []byte{1, 0x60, 0, 0})
	out = appendSection(out, secImport, []byte("\x02\x01m\x01t\x01\x70\x00\x01\x01m\x01g\x03\x7f\x00"))
	out = appendSection(out, secFunction, []byte{1, 0})
	out = appendSection(out, secTable, []byte{1, FuncRef, 0, 2})
	out = appendSection(out, secGlobal, []byte{1, I32, 1, opI32Const, 0, opEnd})
	out = appendSection(out, secExport, []byte("\x01\x07started\x03\x01"))
	if start {
		out = appendSection(out, secStart, []byte{0})
	}
	segment := append([]byte{1, 2, table}, offset...)
	segment = append(segment, opEnd, 0, byte(n))
	out = appendSection(out, secElement, append(segment, make([]byte, n)...))
	return appendSection(out, secCode, append([]byte{1}, appendBody(nil, []byte{opI32Const, 1, opGlobalSet, 1, opEnd})...))
}

// tableAndGlobal returns the module "m": a table of four elements, and a global. The other module's import of
// the table declares only one element.
func tableAndGlobal(g int32) []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = appendSection(out, secTable, []byte{1, FuncRef, 0, 4})
	out = appendSection(out, secGlobal, append(appendS32([]byte{1, I32, 0, opI32Const}, g), opEnd))
	return appendSection(out, secExport, []byte("\x02\x01t\x01\x00\x01g\x03\x00"))
}

// A segment that does not fit its table is a trap of the start function, as the specification requires. The
// module's own start function does not run.
func TestElementsThatDoNotFit(t *testing.T) {
	ctx := context.Background()
	for _, test := range []struct {
		name   string
		table  byte
		offset string
		n      int
		global int32
		fits   bool
		added  bool // a start function
	}{
		{"fits", 1, "\x41\x00", 2, 0, true, false},
		{"one too many", 1, "\x41\x01", 2, 0, false, true},
		{"beyond", 1, "\x41\x03", 1, 0, false, true},
		{"at the last offset there is", 1, "\x41\x7f", 2, 0, false, true},
		{"none, at the end", 1, "\x41\x02", 0, 0, true, false},
		{"none, beyond the end", 1, "\x41\x03", 0, 0, false, true},
		{"an imported table, as declared", 0, "\x41\x00", 1, 0, true, false},
		{"an imported table, larger than declared", 0, "\x41\x02", 2, 0, true, true},
		{"beyond an imported table", 0, "\x41\x03", 2, 0, false, true},
		{"at a global", 0, "\x23\x00", 2, 2, true, true},
		{"at a global beyond", 0, "\x23\x00", 2, 3, false, true},
		{"at a global below", 0, "\x23\x00", 2, -1, false, true},
		{"at a sum", 0, "\x23\x00\x41\x02\x6a", 1, 1, true, true},
		{"at a sum beyond", 0, "\x23\x00\x41\x02\x6a", 1, 2, false, true},
	} {
		for engine, cfg := range engines {
			for _, off := range []bool{false, true} {
				for _, start := range []bool{false, true} {
					r := wazero.NewRuntimeWithConfig(ctx, cfg)
					hostCheck(t, r, new(int64))
					_, err := r.InstantiateWithConfig(ctx, tableAndGlobal(test.global), wazero.NewModuleConfig().WithName(ImportName("m")))
					if err != nil {
						t.Fatal(err)
					}
					metering := metering
					metering.Off = off
					out, names, err := Instrument(elements(test.table, test.offset, test.n, start), metering)
					if err != nil {
						t.Fatal(err)
					}
					if _, has := parse(out).secs[secStart]; has {
						t.Errorf("%s: a start section", test.name)
					}
					if has := names.Start != ""; has != (start || test.added) {
						t.Errorf("%s: a start function: %v", test.name, has)
					}
					m, err := r.InstantiateWithConfig(ctx, out, wazero.NewModuleConfig().WithName("n"))
					if err != nil {
						t.Fatal(err)
					}
					if names.Start != "" {
						_, err = m.ExportedFunction(names.Start).Call(ctx)
					}
					switch {
					case !test.fits && (err == nil || !strings.Contains(err.Error(), "invalid table access")):
						t.Errorf("%s, %s, off %v, start %v: %v", test.name, engine, off, start, err)
					case test.fits && err != nil:
						t.Errorf("%s, %s, off %v, start %v: %v", test.name, engine, off, start, err)
					case test.fits && (m.ExportedGlobal("started").Get() == 1) != start:
						t.Errorf("%s: the start function has run: %v", test.name, !start)
					}
					_ = r.Close(ctx)
				}
			}
		}
	}
}
