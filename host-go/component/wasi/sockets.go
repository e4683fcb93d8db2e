package wasi

import "github.com/caisson-dev/caisson/host-go/component"

// addSockets gives every interface of wasi:sockets: what makes a socket or
// looks up a name answers access-denied.
func (h *host) addSockets(l *component.Linker) {
	accessDenied := answer(component.Err(component.Enum("access-denied")))
	socket := func(name string) *component.Interface {
		iface := "wasi:sockets/" + name
		return l.Interface(iface + version).Fallback(denied(iface))
	}
	socket("network").Func("network-error-code", answer(component.None()))
	socket("instance-network").Func("instance-network", answer(component.Rep(0)))
	socket("tcp")
	socket("tcp-create-socket").Func("create-tcp-socket", accessDenied)
	socket("udp")
	socket("udp-create-socket").Func("create-udp-socket", accessDenied)
	socket("ip-name-lookup").Func("resolve-addresses", accessDenied)
}
