package component

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// The components under testdata/invalid are refused. Each has the reason at the beginning of its source, and
// an offset within the file.
func TestInvalid(t *testing.T) {
	names, err := filepath.Glob("testdata/invalid/*.wasm")
	if err != nil || len(names) == 0 {
		t.Fatal("no components", err)
	}
	r := testRuntime(t, &Config{Interpreter: true})
	for _, name := range names {
		name = filepath.ToSlash(strings.TrimPrefix(filepath.ToSlash(name), "testdata/"))
		b := testFile(t, name)
		source := string(testFile(t, strings.TrimSuffix(name, ".wasm")+".wat"))
		first, _, _ := strings.Cut(source, "\n")
		want := strings.TrimSpace(strings.TrimPrefix(first, ";; error: "))
		_, err := r.Compile(context.Background(), b)
		var decode *DecodeError
		if !errors.As(err, &decode) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(decode.Msg, want) {
			t.Errorf("%s: %v, not %s", name, err, want)
		}
		if decode.Offset < 8 || decode.Offset >= len(b) {
			t.Errorf("%s: offset %d of %d", name, decode.Offset, len(b))
		}
	}
}

func TestNotAComponent(t *testing.T) {
	r := testRuntime(t, &Config{Interpreter: true})
	for name, b := range map[string][]byte{
		"empty": nil, "text": []byte("(component)"), "core module": []byte("\x00asm\x01\x00\x00\x00"),
		"a later version": []byte("\x00asm\x0e\x00\x01\x00"), "half": testFile(t, "hello.wasm")[:200],
	} {
		_, err := r.Compile(context.Background(), b)
		if decode := (*DecodeError)(nil); !errors.As(err, &decode) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nested components that double at each level do not make linking take forever.
func TestExponentialInstantiation(t *testing.T) {
	b := []byte("\x00asm\x0d\x00\x01\x00")
	component := []byte("\x00asm\x0d\x00\x01\x00")
	for range 24 {
		// Each level: the component below, instantiated twice.
		next := append([]byte{}, b...)
		next = append(next, 4)
		next = append(next, leb(len(component))...)
		next = append(next, component...)
		next = append(next, 5, 7, 2, 0, 0, 0, 0, 0, 0)
		component = next
	}
	_, err := testRuntime(t, &Config{Interpreter: true}).Compile(context.Background(), component)
	if decode := (*DecodeError)(nil); !errors.As(err, &decode) || !strings.Contains(err.Error(), "component instances") {
		t.Fatal(err)
	}
}

func leb(n int) (out []byte) {
	for n >= 0x80 {
		out = append(out, byte(n)|0x80)
		n >>= 7
	}
	return append(out, byte(n))
}
