package wasi

import "github.com/caisson-dev/caisson/host-go/component"

// addHTTP gives wasi:http to link against. No request can be sent: the handler
// answers HTTP-request-denied, and the types trap when they are made.
func (h *host) addHTTP(l *component.Linker) {
	l.Interface("wasi:http/types" + version).Fallback(denied("wasi:http/types"))
	l.Interface("wasi:http/outgoing-handler"+version).
		Func("handle", answer(component.Err(component.Variant{Case: "HTTP-request-denied"})))
}
