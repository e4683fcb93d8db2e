package component

import (
	"context"
	"fmt"
)

// wastHost gives what the tests of wasmtime import, except a core module, which a host cannot give here.
func wastHost() *Linker {
	l := NewLinker()
	l.Root().Func("host-echo-u32", func(v uint32) uint32 { return v })
	l.Root().Func("host-return-two", func() uint32 { return 2 })
	l.Interface("host/nested").Func("return-four", func() uint32 { return 4 })

	var drops, last uint32
	i := l.Interface("host")
	i.Resource("resource1", func(_ context.Context, rep uint32) { drops, last = drops+1, rep })
	i.Resource("resource2", nil).Use("resource1-again", i, "resource1")
	same := func(r Rep, rep uint32) error {
		if uint32(r) != rep {
			return fmt.Errorf("resource %d, not %d", r, rep)
		}
		return nil
	}
	for name, f := range map[string]any{
		"return-three":                  func() uint32 { return 3 },
		"return-hi":                     func() string { return "hi" },
		"[constructor]resource1":        func(rep uint32) Rep { return Rep(rep) },
		"[static]resource1.assert":      same,
		"[static]resource1.last-drop":   func() uint32 { return last },
		"[static]resource1.drops":       func() uint32 { return drops },
		"[method]resource1.simple":      same,
		"[method]resource1.take-borrow": func(Rep, Rep) {},
		"[method]resource1.take-own":    func(Rep, Rep) {},
	} {
		i.Func(name, f)
	}
	return l
}
