package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// loops is a component of n functions. Each has loops one after another.
func loops(n, loops int) []byte {
	// This is a local of type i32, and then (loop (br_if 0 (local.get 0))) again and again.
	body := append([]byte{1, 1, 0x7f}, bytes.Repeat([]byte{0x03, 0x40, 0x20, 0, 0x0d, 0, 0x0b}, loops)...)
	return functions(n, append(body, 0x0b))
}

// functions is a component of a core module with n functions of the same body.
func functions(n int, body []byte) []byte {
	vec := func(n int, element []byte) []byte {
		return append(binary.AppendUvarint(nil, uint64(n)), bytes.Repeat(element, n)...)
	}
	section := func(id byte, content []byte) []byte {
		return append(binary.AppendUvarint([]byte{id}, uint64(len(content))), content...)
	}
	module := []byte("\x00asm\x01\x00\x00\x00")
	module = append(module, section(1, []byte{1, 0x60, 0, 0})...)
	module = append(module, section(3, vec(n, []byte{0}))...)
	module = append(module, section(10, vec(n, append(binary.AppendUvarint(nil, uint64(len(body))), body...)))...)
	return append([]byte("\x00asm\x0d\x00\x01\x00"), section(1, module)...)
}

// slowFile returns a component that takes about a minute to compile.
func slowFile(t *testing.T) string {
	t.Helper()
	return componentFile(t, "slow.wasm", loops(150, 4000))
}

func componentFile(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The time limit includes compiling.
func TestCompilingTimeout(t *testing.T) {
	o := caissonRun(t, "component", "run", "--no-cache", "--timeout", "200ms", slowFile(t))
	o.expect(t, exitTimeout, "slow.wasm: not done after 200ms")
}

// The error of a function that is too costly for the compiler names the function. The interpreter runs the
// function all the same.
func TestTooComplex(t *testing.T) {
	path := componentFile(t, "loops.wasm", loops(2, 20_000))
	caissonRun(t, "component", "run", "--no-cache", path).expect(t, exitFailure,
		"function 0 of core module 0 is too complex to compile (", "run it with --interpret")
	caissonRun(t, "component", "run", "--no-cache", "--interpret", path).expect(t, exitFailure, "not a command")
	caissonRun(t, "component", "inspect", path).expect(t, exitOK)
}

// Code that is too large for the interpreter is refused, with the remedy. It can be inspected all the same.
func TestTooLargeToInterpret(t *testing.T) {
	path := componentFile(t, "loops.wasm", loops(100, 100))
	caissonRun(t, "component", "run", "--interpret", "--interpreter-memory", "1MiB", path).expect(t, exitFailure,
		"core module 0 (", "is too large to interpret", "the limit is 1048576", "without --interpret, or allow more with --interpreter-memory")
	caissonRun(t, "component", "run", "--interpret", path).expect(t, exitFailure, "not a command")
	// These are 200 functions of 49,000 locals each.
	body := append(binary.AppendUvarint([]byte{1}, 49_000), 0x7f, 0x0b)
	large := componentFile(t, "large.wasm", functions(200, body))
	caissonRun(t, "component", "run", "--interpret", large).expect(t, exitFailure, "too large to interpret")
	caissonRun(t, "component", "inspect", large).expect(t, exitOK)
}
