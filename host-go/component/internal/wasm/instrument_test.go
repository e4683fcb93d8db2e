package wasm

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
)

var metering = Metering{Module: "host", Name: "check", Quantum: 1000, Counter: "fuel", Start: "start", TableElements: 1 << 20}

// FuzzInstrument checks that the core runtime accepts a metered module exactly when it accepts the module
// without metering. The core runtime allocates only in proportion to the module.
func FuzzInstrument(f *testing.F) {
	for _, m := range coreModules(f) {
		f.Add(m)
	}
	ctx := context.Background()
	cfg := engines["interpreter"].WithMemoryLimitPages(64)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Read(b, nil); err != nil {
			return // refused before it is instrumented
		}
		form := metering
		form.Calls = len(b)%2 == 0
		out, _, err := Instrument(b, form)
		r := wazero.NewRuntimeWithConfig(ctx, cfg)
		defer r.Close(ctx)
		if err != nil {
			return
		}
		off := metering
		off.Off = true
		plain, _, err := Instrument(b, off)
		if err != nil {
			t.Fatal(err)
		}
		_, before := r.CompileModule(ctx, plain)
		_, after := r.CompileModule(ctx, out)
		if before == nil && after != nil {
			t.Fatalf("made a valid module invalid: %v", after)
		}
		if before != nil && after == nil {
			t.Fatalf("made an invalid module valid: %v", before)
		}
	})
}

// coreModules cuts the core modules out of the components of testdata.
func coreModules(t testing.TB) (modules [][]byte) {
	t.Helper()
	names, err := filepath.Glob("../../testdata/*.wasm")
	if err != nil || len(names) == 0 {
		t.Fatal("no components", err)
	}
	corpus, err := filepath.Glob("../../testdata/corpus/*/component.wasm")
	if err != nil || len(corpus) == 0 {
		t.Fatal("no corpus", err)
	}
	for _, name := range append(names, corpus...) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for rest := b[8:]; len(rest) > 0; {
			size, n := binary.Uvarint(rest[1:])
			body := rest[1+n : 1+n+int(size)]
			if rest[0] == 1 {
				modules = append(modules, body)
			}
			rest = rest[1+n+int(size):]
		}
	}
	return modules
}

func TestInstrumentCounts(t *testing.T) {
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	var checks []int32
	_, err := r.NewHostModuleBuilder("host").NewFunctionBuilder().WithFunc(func(counter int32) int32 {
		checks = append(checks, counter)
		return counter + 1000
	}).Export("check").Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// (func (export "f") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
	// (memory 1) (func (export "g") (memory.fill (i32.const 0) (i32.const 0) (i32.const 64000)))
	module := []byte("\x00asm\x01\x00\x00\x00\x01\x08\x02\x60\x01\x7f\x00\x60\x00\x00" +
		"\x03\x03\x02\x00\x01" + "\x05\x03\x01\x00\x01" + "\x07\x09\x02\x01f\x00\x00\x01g\x00\x01")
	bodies := []byte{2}
	for _, body := range []string{
		"\x00\x03\x40\x20\x00\x41\x01\x6b\x22\x00\x0d\x00\x0b\x0b",
		"\x00\x41\x00\x41\x00\x41\x80\xf4\x03\xfc\x0b\x00\x0b",
	} {
		bodies = appendName(bodies, body)
	}
	module = appendSection(module, secCode, bodies)
	for _, calls := range []bool{false, true} {
		checks = nil
		countChecks(t, r, module, calls, &checks)
	}
}

// countChecks runs both functions of TestInstrumentCounts.
func countChecks(t *testing.T, r wazero.Runtime, module []byte, calls bool, seen *[]int32) {
	t.Helper()
	ctx := context.Background()
	form := metering
	form.Calls = calls
	out, names, err := Instrument(module, form)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Instantiate(ctx, out)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(ctx)
	if _, err := m.ExportedFunction("f").Call(ctx, 10_000); err != nil {
		t.Fatal(err)
	}
	checks := *seen
	if len(checks) < 10 || checks[0] > 0 || checks[0] < -portion {
		t.Errorf("%d checks of a loop: %v", len(checks), checks[:min(len(checks), 5)])
	}
	*seen = nil
	if _, err := m.ExportedFunction("g").Call(ctx); err != nil {
		t.Fatal(err)
	}
	if checks = *seen; len(checks) != 1 || checks[0] > -900 {
		t.Errorf("checks of a fill of 64,000 bytes: %v", checks)
	}
	if g := m.ExportedGlobal(names.Counter); g == nil {
		t.Error("no counter")
	}
}

// The names of added exports yield to the names of the module's exports.
func TestInstrumentNames(t *testing.T) {
	module := []byte("\x00asm\x01\x00\x00\x00" +
		"\x01\x04\x01\x60\x00\x00" + "\x03\x02\x01\x00" +
		"\x07\x11\x02\x04fuel\x00\x00\x06start'\x00\x00" + "\x08\x01\x00" + "\x0a\x04\x01\x02\x00\x0b")
	_, names, err := Instrument(module, metering)
	if err != nil || names != (Names{"fuel'", "start''"}) {
		t.Fatal(names, err)
	}
}

// A guest cannot reach the counter, though its index follows the guest's own.
func TestCounterIsOutOfReach(t *testing.T) {
	for _, code := range []string{"\x23\x00\x1a\x0b", "\x41\x00\x24\x00\x0b", "\x20\x00\x1a\x0b"} {
		body := "\x00" + code
		section := append([]byte{1, byte(len(body))}, body...)
		module := append([]byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a"), byte(len(section)))
		module = append(module, section...)
		if out, _, err := Instrument(module, metering); err == nil {
			t.Errorf("%x became %x", code, out)
		}
	}
}

func TestOff(t *testing.T) {
	// (import "" "f" (func)) (import "a" "g" (func))
	module := []byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x02\x0c\x02\x00\x01f\x00\x00\x01a\x01g\x00\x00")
	out, names, err := Instrument(module, metering)
	if err != nil || names != (Names{}) {
		t.Fatal(names, err)
	}
	m, err := Read(out, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Imports) != 2 || m.Imports[0].Module != ImportName("") || m.Imports[1].Module != ImportName("a") || m.Imports[1].Name != "g" {
		t.Fatal(m.Imports)
	}
	off := metering
	off.Off = true
	for _, module := range coreModules(t) {
		out, names, err := Instrument(module, off)
		if err != nil {
			t.Fatal(err)
		}
		added := 0
		if names.Start != "" {
			added = 1
		}
		m, err := Read(module, nil)
		if err != nil {
			t.Fatal(err)
		}
		n, err := Read(out, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Imports) != len(n.Imports) || len(m.Exports)+added != len(n.Exports) || m.Memories != n.Memories {
			t.Errorf("%+v became %+v", m, n)
		}
	}
}
