package wasi

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/caisson-dev/caisson/host-go/component"
)

// maxRandom bounds the bytes of one request for random bytes.
const maxRandom = 1 << 20

func (h *host) addRandom(l *component.Linker) {
	bytes := func(_ context.Context, args []any) ([]any, error) {
		n := args[0].(uint64)
		if n > maxRandom {
			return nil, fmt.Errorf("%d random bytes are more than the limit of %d", n, maxRandom)
		}
		b := make([]byte, n)
		_, err := io.ReadFull(h.cfg.Random, b)
		return []any{b}, err
	}
	u64 := func(context.Context, []any) ([]any, error) {
		v, err := h.random64()
		return []any{v}, err
	}
	l.Interface("wasi:random/random"+version).
		Func("get-random-bytes", bytes).
		Func("get-random-u64", u64)
	l.Interface("wasi:random/insecure"+version).
		Func("get-insecure-random-bytes", bytes).
		Func("get-insecure-random-u64", u64)
	l.Interface("wasi:random/insecure-seed"+version).
		Func("insecure-seed", func(context.Context, []any) ([]any, error) {
			a, err := h.random64()
			if err != nil {
				return nil, err
			}
			b, err := h.random64()
			return []any{component.Tuple{a, b}}, err
		})
}

func (h *host) random64() (uint64, error) {
	var b [8]byte
	_, err := io.ReadFull(h.cfg.Random, b[:])
	return binary.LittleEndian.Uint64(b[:]), err
}
