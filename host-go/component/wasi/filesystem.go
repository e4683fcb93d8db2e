package wasi

import "github.com/caisson-dev/caisson/host-go/component"

// addFilesystem gives a filesystem without a folder: a component cannot come by
// a descriptor.
func (h *host) addFilesystem(l *component.Linker) {
	l.Interface("wasi:filesystem/preopens"+version).Func("get-directories", answer([]any{}))
	l.Interface("wasi:filesystem/types"+version).
		Func("filesystem-error-code", answer(component.None())).
		Fallback(denied("wasi:filesystem/types"))
}
