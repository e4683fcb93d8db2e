package rpc

import (
	"context"
	"encoding/json"
	"errors"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
)

// A status is what a code of caisson is by wire: one code of the proto each, and the nearest status of gRPC.
type status struct {
	code   caissonv1.Code
	status connect.Code
}

// statuses has each code. UNAVAILABLE says that nothing was sent, since clients of gRPC make such a call again by
// themselves; what may have had an effect is ABORTED, which only the program itself may make again.
var statuses = map[caisson.Code]status{
	caisson.CodeUnknown:               {caissonv1.Code_CODE_UNSPECIFIED, connect.CodeUnknown},
	caisson.CodeInternal:              {caissonv1.Code_CODE_INTERNAL, connect.CodeInternal},
	caisson.CodeInvalidArgument:       {caissonv1.Code_CODE_INVALID_ARGUMENT, connect.CodeInvalidArgument},
	caisson.CodeConnect:               {caissonv1.Code_CODE_CONNECT, connect.CodeUnavailable},
	caisson.CodeRefused:               {caissonv1.Code_CODE_REFUSED, connect.CodePermissionDenied},
	caisson.CodeTransport:             {caissonv1.Code_CODE_TRANSPORT, connect.CodeAborted},
	caisson.CodeHTTP:                  {caissonv1.Code_CODE_HTTP, connect.CodeUnknown},
	caisson.CodeProtocol:              {caissonv1.Code_CODE_PROTOCOL, connect.CodeInternal},
	caisson.CodeRPC:                   {caissonv1.Code_CODE_RPC, connect.CodeUnknown},
	caisson.CodeTimeout:               {caissonv1.Code_CODE_TIMEOUT, connect.CodeDeadlineExceeded},
	caisson.CodeCancelled:             {caissonv1.Code_CODE_CANCELLED, connect.CodeCanceled},
	caisson.CodeClosed:                {caissonv1.Code_CODE_CLOSED, connect.CodeAborted},
	caisson.CodeLimit:                 {caissonv1.Code_CODE_LIMIT, connect.CodeResourceExhausted},
	caisson.CodeOutputSchema:          {caissonv1.Code_CODE_OUTPUT_SCHEMA, connect.CodeDataLoss},
	caisson.CodeNotRepeated:           {caissonv1.Code_CODE_NOT_REPEATED, connect.CodeAborted},
	caisson.CodeAuthorizationRequired: {caissonv1.Code_CODE_AUTHORIZATION_REQUIRED, connect.CodeFailedPrecondition},
	caisson.CodeTrap:                  {caissonv1.Code_CODE_TRAP, connect.CodeInternal},
	caisson.CodeDenied:                {caissonv1.Code_CODE_DENIED, connect.CodePermissionDenied},
}

// Status gives an error its status, with the details; nil for nil.
func Status(err error) error {
	var made *connect.Error
	if err == nil || errors.As(err, &made) {
		return err
	}
	detail := Detail(err)
	made = connect.NewError(statuses[codeOf(err)].status, errors.New(detail.GetMessage()))
	var missing *pool.NotFoundError
	var exists *pool.ExistsError
	switch {
	case errors.As(err, &missing):
		made = connect.NewError(connect.CodeNotFound, err)
	case errors.As(err, &exists):
		made = connect.NewError(connect.CodeAlreadyExists, err)
	case errors.Is(err, pool.ErrAnswered):
		made = connect.NewError(connect.CodeFailedPrecondition, err)
	}
	addDetail(made, detail)
	if after := detail.GetDenied().GetRetryAfter(); after != nil {
		addDetail(made, &errdetails.RetryInfo{RetryDelay: after})
	}
	return made
}

func addDetail(to *connect.Error, message proto.Message) {
	if detail, err := connect.NewErrorDetail(message); err == nil { // A message always marshals.
		to.AddDetail(detail)
	}
}

// codeOf gives the code of an error; those of the pool are faults of the request.
func codeOf(err error) caisson.Code {
	code := caisson.CodeOf(err)
	var missing *pool.NotFoundError
	var exists *pool.ExistsError
	if code == caisson.CodeUnknown && (errors.As(err, &missing) || errors.As(err, &exists) || errors.Is(err, pool.ErrAnswered)) {
		return caisson.CodeInvalidArgument
	}
	return code
}

// Detail gives an error the form that it has in the details of a status.
func Detail(err error) *caissonv1.Error {
	detail := &caissonv1.Error{Code: statuses[codeOf(err)].code, Message: err.Error()}
	var own *caisson.Error
	if errors.As(err, &own) {
		detail.Server, detail.Step, detail.HttpStatus = own.Server, own.Step, int32(own.HTTPStatus)
	}
	if rpc, ok := caisson.RPCError(err); ok {
		detail.RpcError, _ = json.Marshal(rpc) // It came as JSON.
	}
	var denied *policy.DeniedError
	if errors.As(err, &denied) {
		detail.Denied = &caissonv1.Denied{Reason: string(denied.Reason)}
		if denied.RetryAfter > 0 {
			detail.Denied.RetryAfter = durationpb.New(denied.RetryAfter)
		}
	}
	if detail.GetCode() == caissonv1.Code_CODE_UNSPECIFIED && !errors.Is(err, context.Canceled) {
		detail.Message = "the daemon has failed: its log says how"
	}
	return detail
}

// invalid is the status of a request that is wrong in itself.
func invalid(step, message string) error {
	return Status(&caisson.Error{Code: caisson.CodeInvalidArgument, Step: step, Message: message})
}
