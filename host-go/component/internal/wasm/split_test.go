package wasm

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

var splitMetering = Metering{Module: "host", Name: "check", Quantum: 1000, Counter: "fuel", Start: "start", Load: "load", TableElements: 1 << 20}

// wholeModule has a table, a memory with data, a global, and functions that
// call each other in every way:
//
//	(type $i (func (param i32) (result i32)))
//	(table 2 funcref) (elem (i32.const 0) $double $add)
//	(memory (export "memory") 2) (data (i32.const 8) "abc") (data (i32.const 65536) "z")
//	(global $g (mut i32) (i32.const 5))
//	(func $double (param i32) (result i32)          ;; with a loop, which pays
//	  (loop) (i32.add (local.get 0) (local.get 0)))
//	(func $add (param i32) (result i32)             ;; and changes the global
//	  (global.set $g (i32.add (global.get $g) (local.get 0))) (global.get $g))
//	(func $run (export "run") (param i32) (result i32)
//	  (i32.add (call $add (call $double (local.get 0))) (call_indirect (type $i) (local.get 0) (i32.const 0))))
//	(func $memory (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0)))
func wholeModule() []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = appendSection(b, secType, []byte("\x01\x60\x01\x7f\x01\x7f"))
	b = appendSection(b, secFunction, []byte{4, 0, 0, 0, 0})
	b = appendSection(b, secTable, []byte{1, FuncRef, 0, 2})
	b = appendSection(b, secMemory, []byte{1, 0, 2})
	b = appendSection(b, secGlobal, []byte{1, I32, 1, opI32Const, 5, opEnd})
	b = appendSection(b, secExport, []byte("\x03\x06memory\x02\x00\x03run\x00\x02\x04byte\x00\x03"))
	b = appendSection(b, secElement, []byte{1, 0, opI32Const, 0, opEnd, 2, 0, 1})
	code := []byte{4}
	for _, body := range []string{
		"\x03\x40\x0b\x20\x00\x20\x00\x6a\x0b",
		"\x23\x00\x20\x00\x6a\x24\x00\x23\x00\x0b",
		"\x20\x00\x10\x00\x10\x01\x20\x00\x41\x00\x11\x00\x00\x6a\x0b",
		"\x20\x00\x2d\x00\x00\x0b",
	} {
		code = appendBody(code, []byte(body))
	}
	b = appendSection(b, secCode, code)
	return appendSection(b, secData, []byte("\x02\x00\x41\x08\x0b\x03abc\x00\x41\x80\x80\x04\x0b\x01z"))
}

// runParts instantiates parts. It loads chunks as the host does.
func runParts(t *testing.T, parts *Parts, image []byte) (m api.Module, loaded *int) {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	t.Cleanup(func() { _ = r.Close(ctx) })
	loaded = new(int)
	_, err := r.NewHostModuleBuilder("host").
		NewFunctionBuilder().WithFunc(func(counter int32) int32 { return counter + 1000 }).Export("check").
		NewFunctionBuilder().WithFunc(func(slot int32) {
		*loaded++
		k := len(parts.Chunks) - 1
		for parts.Chunks[k].First > int(slot) {
			k--
		}
		code, err := r.CompileModule(ctx, parts.Chunks[k].Code)
		if err != nil {
			t.Error(err)
			return
		}
		resolve := experimental.WithImportResolver(ctx, func(string) api.Module { return m })
		if _, err := r.InstantiateModule(resolve, code, wazero.NewModuleConfig().WithName("")); err != nil {
			t.Error(err)
		}
	}).Export("load").Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if m, err = r.Instantiate(ctx, parts.Primary); err != nil {
		t.Fatal(err)
	}
	if !m.Memory().Write(0, image) {
		t.Fatal("the image is larger than the memory")
	}
	return m, loaded
}

// A split module does what the whole module does, however it is split.
func TestSplit(t *testing.T) {
	metered, _, err := Instrument(wholeModule(), splitMetering)
	if err != nil {
		t.Fatal(err)
	}
	module, image, err := TakeData(metered)
	if err != nil {
		t.Fatal(err)
	}
	if want := append(append(make([]byte, 8), "abc"...), make([]byte, 65536-11)...); !bytes.Equal(image, append(want, 'z')) {
		t.Errorf("an image of %d bytes", len(image))
	}
	for hot := range 1 << 5 {
		for _, size := range []int{1, 20, 1000} {
			t.Run(fmt.Sprintf("%05b/%d", hot, size), func(t *testing.T) {
				parts, err := Split(module, "load", func(i int) bool { return hot>>i&1 == 1 }, 0, size)
				if err != nil {
					t.Fatal(err)
				}
				if (len(parts.Chunks) == 0) != (hot == 1<<5-1) {
					t.Errorf("%d chunks", len(parts.Chunks))
				}
				if !parts.Still || len(parts.Globals) != 2 {
					t.Errorf("still %v, globals %v", parts.Still, parts.Globals)
				}
				m, loaded := runParts(t, parts, image)
				ctx := context.Background()
				for i, want := range []uint64{5 + 6 + 6, 11 + 6 + 6} {
					if got, err := m.ExportedFunction("run").Call(ctx, 3); err != nil || got[0] != want {
						t.Errorf("call %d of run: %v, not %d: %v", i, got, want, err)
					}
				}
				if got, err := m.ExportedFunction("byte").Call(ctx, 65536); err != nil || got[0] != 'z' {
					t.Error(got, err)
				}
				if *loaded > len(parts.Chunks) {
					t.Errorf("%d chunks were loaded %d times", len(parts.Chunks), *loaded)
				}
				for i, name := range parts.Globals {
					if g := m.ExportedGlobal(name); g == nil || (i == 0 && g.Get() != 17) {
						t.Errorf("global %d: %v", i, g)
					}
				}
			})
		}
	}
}

// A start function can be in a chunk.
func TestSplitStart(t *testing.T) {
	starts := append(bytes.Clone(wholeModule()[:8]), "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x05\x03\x01\x00\x01\x08\x01\x00\x0a\x0b\x01\x09\x00\x41\x08\x41\x07\x36\x02\x00\x0b"...)
	metered, names, err := Instrument(starts, splitMetering)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := Split(metered, "load", func(int) bool { return false }, 0, 1)
	if err != nil || len(parts.Chunks) == 0 || !parts.Still {
		t.Fatalf("%d chunks, still %v, %v", len(parts.Chunks), parts.Still, err)
	}
	m, loaded := runParts(t, parts, nil)
	if *loaded != 0 {
		t.Errorf("%d chunks were loaded before the start", *loaded)
	}
	if _, err := m.ExportedFunction(names.Start).Call(context.Background()); err != nil || *loaded != 1 {
		t.Errorf("%d chunks were loaded: %v", *loaded, err)
	}
	if v, _ := m.Memory().ReadUint32Le(8); v != 7 {
		t.Errorf("the start function wrote %d", v)
	}
}

// A module whose state or segments prevent splitting is left whole and says so.
func TestSplitLeavesAlone(t *testing.T) {
	// A module with its data is not still.
	metered, _, err := Instrument(wholeModule(), splitMetering)
	if err != nil {
		t.Fatal(err)
	}
	if parts, err := Split(metered, "load", func(int) bool { return true }, 0, 1); err != nil || parts.Still {
		t.Errorf("a module with data: still %v, %v", parts.Still, err)
	}
	// The core runtime must refuse data past the end of memory.
	beyond := wholeModule()
	beyond = append(beyond[:len(beyond)-8], "\x41\x80\x80\x0c\x0b\x01z"...)
	if out, image, err := TakeData(beyond); image != nil || (err == nil && !bytes.Equal(out, beyond)) {
		t.Errorf("an image of %d bytes, %v", len(image), err)
	}
}

// A function that is costly to compile is alone in its chunk, however short it is.
func TestSplitCostly(t *testing.T) {
	plain := append(bytes.Repeat([]byte{0x01}, 100), opEnd) // nop
	// A br_table of 100 targets is a block for each.
	costly := appendU32([]byte{opBlock, emptyBlock, opI32Const, 0, opBrTable}, 100)
	costly = append(append(costly, make([]byte, 101)...), opEnd, opEnd)
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = appendSection(b, secType, []byte("\x01\x60\x00\x00"))
	b = appendSection(b, secFunction, []byte{5, 0, 0, 0, 0, 0})
	code := []byte{5}
	for _, body := range [][]byte{plain, plain, costly, plain, plain} {
		code = appendBody(code, body)
	}
	metered, _, err := Instrument(appendSection(b, secCode, code), splitMetering)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := Split(metered, "load", func(int) bool { return false }, 0, 300)
	if err != nil {
		t.Fatal(err)
	}
	var first []int
	for _, c := range parts.Chunks {
		first = append(first, c.First)
	}
	// The function that buys for the counter comes last.
	if want := []int{0, 2, 3}; !slices.Equal(first, want) {
		t.Errorf("the chunks begin with the functions %v, not %v", first, want)
	}
}

// Every core module of the tests, cut short anywhere, gives an error or parts.
func TestSplitDamaged(t *testing.T) {
	for _, module := range coreModules(t) {
		metered, _, err := Instrument(module, splitMetering)
		if err != nil {
			t.Fatal(err)
		}
		for n := 8; n < len(metered); n += max(1, len(metered)/500) {
			_, _ = Split(metered[:n], "load", func(int) bool { return false }, 0, 100)
			_, _, _ = TakeData(metered[:n])
			_, _ = Skeleton(metered[:n])
		}
	}
}
