package wasi

import (
	"context"
	"strings"

	"github.com/caisson-dev/caisson/host-go/component"
)

// socketFuncs are the functions of wasi:sockets with an error code in their result, by interface. They return
// access-denied.
var socketFuncs = map[string]string{
	"tcp-create-socket": "create-tcp-socket",
	"udp-create-socket": "create-udp-socket",
	"ip-name-lookup":    "resolve-addresses [method]resolve-address-stream.resolve-next-address",
	"tcp": methods("tcp-socket", `start-bind finish-bind start-connect finish-connect start-listen finish-listen
		accept local-address remote-address set-listen-backlog-size keep-alive-enabled set-keep-alive-enabled
		keep-alive-idle-time set-keep-alive-idle-time keep-alive-interval set-keep-alive-interval
		keep-alive-count set-keep-alive-count hop-limit set-hop-limit receive-buffer-size
		set-receive-buffer-size send-buffer-size set-send-buffer-size shutdown`),
	"udp": methods("udp-socket", `start-bind finish-bind stream local-address remote-address unicast-hop-limit
		set-unicast-hop-limit receive-buffer-size set-receive-buffer-size send-buffer-size set-send-buffer-size`) +
		methods("incoming-datagram-stream", "receive") +
		methods("outgoing-datagram-stream", "check-send send"),
}

// socketResources are the resources of wasi:sockets that a component cannot get: all except network.
var socketResources = map[string]string{
	"tcp":            "tcp-socket",
	"udp":            "udp-socket incoming-datagram-stream outgoing-datagram-stream",
	"ip-name-lookup": "resolve-address-stream",
}

// methods returns the full names of methods.
func methods(resource, names string) string {
	var b strings.Builder
	for name := range strings.FieldsSeq(names) {
		b.WriteString("[method]" + resource + "." + name + " ")
	}
	return b.String()
}

// addSockets defines every interface of wasi:sockets. It grants no socket.
func (h *host) addSockets(l *component.Linker) {
	const prefix = "wasi:sockets/"
	accessDenied := answer(component.Err(component.Enum("access-denied")))
	for name, funcs := range socketFuncs {
		i := l.Interface(prefix + name + version)
		for f := range strings.FieldsSeq(funcs) {
			i.Func(f, accessDenied)
		}
	}
	for name, resources := range socketResources {
		i := l.Interface(prefix + name + version)
		for r := range strings.FieldsSeq(resources) {
			i.Resource(r, nil)
			i.Func("[method]"+r+".subscribe", unreachable(prefix+name))
		}
	}
	l.Interface(prefix+"tcp"+version).
		Func("[method]tcp-socket.is-listening", unreachable(prefix+"tcp")).
		Func("[method]tcp-socket.address-family", unreachable(prefix+"tcp"))
	l.Interface(prefix+"udp"+version).
		Func("[method]udp-socket.address-family", unreachable(prefix+"udp"))

	network := l.Interface(prefix + "network" + version)
	networks := addResource[struct{}](h, network, "network", nil)
	network.Func("network-error-code", answer(component.None()))
	l.Interface(prefix+"instance-network"+version).
		Func("instance-network", func(context.Context, []any) ([]any, error) { return one(networks.own(struct{}{})) })
}
