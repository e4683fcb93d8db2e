package component

import (
	"context"
	"errors"
	"reflect"
	"testing"
)

// The result of a guest is lifted as the specification says, or traps where the specification says so.
func TestLift(t *testing.T) {
	c, err := testRuntime(t, nil).Compile(context.Background(), testFile(t, "lift.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	const end = 1 << 16 // of memory
	for _, x := range []struct {
		name string
		args []any
		want any // nil: a trap
	}{
		{"as-bool", args(0), false},
		{"as-bool", args(2), true},
		{"as-char", args('a'), 'a'},
		{"as-char", args(0x10ffff), rune(0x10ffff)},
		{"as-char", args(0x110000), nil},
		{"as-char", args(0xd800), nil},
		{"as-char", args(0xdfff), nil},
		{"as-char", args(1<<32 - 1), nil},
		{"as-u8", args(0x1ff), uint8(0xff)},
		{"as-s16", args(0x18000), int16(-32768)},
		{"as-enum", args(1), Enum("green")},
		{"as-enum", args(2), nil},
		{"as-enum", args(1 << 8), nil},
		{"as-flags", args(0xff), Flags(3)},
		{"as-result", args(0), OK(nil)},
		{"as-result", args(1), Err(nil)},
		{"as-result", args(2), nil},

		{"as-string", args(256, 2), "ok"},
		{"as-string", args(256, 3), nil},
		{"as-string", args(259, 2), nil},
		{"as-string", args(end, 0), ""},
		{"as-string", args(end-1, 1), "\x00"},
		{"as-string", args(end-1, 2), nil},
		{"as-string", args(1<<32-1, 0), nil},
		{"as-string", args(0, 1<<32-1), nil},
		{"as-utf16", args(272, 2), "\U0001f51e"},
		{"as-utf16", args(272, 1), nil},
		{"as-utf16", args(274, 1), nil},
		{"as-utf16", args(273, 1), nil},
		{"as-utf16", args(end, 1), nil},
		{"as-utf16", args(0, 1<<31), nil},
		{"as-latin1", args(258, 1), "ÿ"},
		{"as-latin1", args(272, 2|1<<31), "\U0001f51e"},
		{"as-latin1", args(272, 1|1<<31), nil},
		{"as-latin1", args(257, 1), nil},

		{"as-bytes", args(256, 3), []byte{'o', 'k', 0xff}},
		{"as-bytes", args(end-1, 2), nil},
		{"as-bytes", args(0, 1<<28), nil},
		{"as-u64s", args(0, 2), []any{uint64(0), uint64(0)}},
		{"as-u64s", args(4, 1), nil},
		{"as-u64s", args(0, end/8+1), nil},
		{"as-u64s", args(0, 1<<29), nil}, // 2^32 bytes: no wrapping round
		{"as-strings", args(2, 1), nil},
		{"as-strings", args(0, 1<<27), nil},
		{"tuple-at", args(16), Tuple{uint32(0), uint32(0)}},
		{"tuple-at", args(17), nil},
		{"tuple-at", args(end - 4), nil},
		{"tuple-at", args(1<<32 - 4), nil},
	} {
		in := instantiate(t, c, nil)
		out, err := in.ExportedFunction(x.name).Call(context.Background(), x.args...)
		if x.want == nil {
			if trap := (*TrapError)(nil); !errors.As(err, &trap) {
				t.Errorf("%s%v: %v, %v, wanted a trap", x.name, x.args, out, err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(out[0], x.want) {
			t.Errorf("%s%v: %#v, %v, wanted %#v", x.name, x.args, out, err, x.want)
		}
	}
}

func args(vs ...uint32) (out []any) {
	for _, v := range vs {
		out = append(out, v)
	}
	return out
}

// What realloc returns is checked.
func TestBadRealloc(t *testing.T) {
	for n, want := range map[int]bool{0: true, 1: true, 2: false} {
		in := testInstance(t, nil, "lift.wasm", nil)
		_, err := in.ExportedFunction("take").Call(context.Background(), "xx"[:n])
		if trap := (*TrapError)(nil); want != (err == nil) || err != nil && !errors.As(err, &trap) {
			t.Errorf("%d bytes at the last byte of memory: %v", n, err)
		}
	}
}

// A list of a million elements that all point at the same string does not lift the string a million times.
func TestLiftedBytesAreBounded(t *testing.T) {
	in := testInstance(t, &Config{Limits: Limits{Memory: 64 << 20}}, "amplify.wasm", nil)
	_, err := in.ExportedFunction("strings").Call(context.Background())
	var limit *LimitError
	if !errors.As(err, &limit) || limit.Resource != "values of one call" {
		t.Fatal(err)
	}
}
