// Package wire has what package caisson and the proto name alike: one table each, for the daemon and for its Go client.
package wire

import (
	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// Codes are the codes of package caisson as the proto has them.
var Codes = map[caisson.Code]caissonv1.Code{
	caisson.CodeUnknown:               caissonv1.Code_CODE_UNSPECIFIED,
	caisson.CodeInternal:              caissonv1.Code_CODE_INTERNAL,
	caisson.CodeInvalidArgument:       caissonv1.Code_CODE_INVALID_ARGUMENT,
	caisson.CodeConnect:               caissonv1.Code_CODE_CONNECT,
	caisson.CodeRefused:               caissonv1.Code_CODE_REFUSED,
	caisson.CodeTransport:             caissonv1.Code_CODE_TRANSPORT,
	caisson.CodeHTTP:                  caissonv1.Code_CODE_HTTP,
	caisson.CodeProtocol:              caissonv1.Code_CODE_PROTOCOL,
	caisson.CodeRPC:                   caissonv1.Code_CODE_RPC,
	caisson.CodeTimeout:               caissonv1.Code_CODE_TIMEOUT,
	caisson.CodeCancelled:             caissonv1.Code_CODE_CANCELLED,
	caisson.CodeClosed:                caissonv1.Code_CODE_CLOSED,
	caisson.CodeLimit:                 caissonv1.Code_CODE_LIMIT,
	caisson.CodeOutputSchema:          caissonv1.Code_CODE_OUTPUT_SCHEMA,
	caisson.CodeNotRepeated:           caissonv1.Code_CODE_NOT_REPEATED,
	caisson.CodeAuthorizationRequired: caissonv1.Code_CODE_AUTHORIZATION_REQUIRED,
	caisson.CodeTrap:                  caissonv1.Code_CODE_TRAP,
	caisson.CodeDenied:                caissonv1.Code_CODE_DENIED,
}

// Transports are the transports of package caisson as the proto has them.
var Transports = map[caisson.TransportType]caissonv1.Transport{
	caisson.TransportAuto:  caissonv1.Transport_TRANSPORT_UNSPECIFIED,
	caisson.TransportHTTP:  caissonv1.Transport_TRANSPORT_HTTP,
	caisson.TransportSSE:   caissonv1.Transport_TRANSPORT_SSE,
	caisson.TransportStdio: caissonv1.Transport_TRANSPORT_STDIO,
}

// CodeOf is the code of package caisson that one of the proto stands for; ok is false for one that a newer daemon has.
func CodeOf(code caissonv1.Code) (own caisson.Code, ok bool) { return keyOf(Codes, code) }

// TransportOf is the transport of package caisson that one of the proto stands for; ok is false for one that is not known.
func TransportOf(transport caissonv1.Transport) (own caisson.TransportType, ok bool) {
	return keyOf(Transports, transport)
}

func keyOf[K, V comparable](table map[K]V, value V) (key K, ok bool) {
	for k, v := range table {
		if v == value {
			return k, true
		}
	}
	return key, false
}
