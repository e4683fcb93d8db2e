package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
	"github.com/caisson-dev/caisson/daemon/internal/wire"
)

// statuses has the nearest status of gRPC for each code. UNAVAILABLE says that nothing was sent, since clients of gRPC
// make such a call again by themselves; what may have had an effect is ABORTED, which only the program itself may make again.
var statuses = map[caisson.Code]connect.Code{
	caisson.CodeUnknown:               connect.CodeUnknown,
	caisson.CodeInternal:              connect.CodeInternal,
	caisson.CodeInvalidArgument:       connect.CodeInvalidArgument,
	caisson.CodeConnect:               connect.CodeUnavailable,
	caisson.CodeRefused:               connect.CodePermissionDenied,
	caisson.CodeTransport:             connect.CodeAborted,
	caisson.CodeHTTP:                  connect.CodeUnknown,
	caisson.CodeProtocol:              connect.CodeInternal,
	caisson.CodeRPC:                   connect.CodeUnknown,
	caisson.CodeTimeout:               connect.CodeDeadlineExceeded,
	caisson.CodeCancelled:             connect.CodeCanceled,
	caisson.CodeClosed:                connect.CodeAborted,
	caisson.CodeLimit:                 connect.CodeResourceExhausted,
	caisson.CodeOutputSchema:          connect.CodeDataLoss,
	caisson.CodeNotRepeated:           connect.CodeAborted,
	caisson.CodeAuthorizationRequired: connect.CodeFailedPrecondition,
	caisson.CodeTrap:                  connect.CodeInternal,
	caisson.CodeDenied:                connect.CodePermissionDenied,
}

// Status gives an error its status, with the details; nil for nil.
func Status(err error) error {
	var made *connect.Error
	if err == nil || errors.As(err, &made) {
		return err
	}
	detail := Detail(err)
	made = connect.NewError(statuses[codeOf(err)], errors.New(detail.GetMessage()))
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
	after := detail.GetDenied().GetRetryAfter()
	var open *pool.OpenError
	if errors.As(err, &open) && open.After > 0 {
		after = durationpb.New(open.After)
	}
	if after != nil {
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
	detail := &caissonv1.Error{Code: wire.Codes[codeOf(err)], Message: err.Error()}
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

// detailIn is the detail of a status; one of its own where it has none.
func detailIn(err error) *caissonv1.Error {
	var made *connect.Error
	if !errors.As(err, &made) {
		return Detail(err)
	}
	for _, detail := range made.Details() {
		if value, err := detail.Value(); err == nil {
			if e, ok := value.(*caissonv1.Error); ok {
				return e
			}
		}
	}
	return &caissonv1.Error{Message: made.Message()}
}

// errorType names the failure of a call in a metric, as those of package caisson are named; "" for none.
func errorType(err error) string {
	if err == nil {
		return ""
	}
	if code, ok := wire.CodeOf(detailIn(err).GetCode()); ok && code != caisson.CodeUnknown {
		return strings.ReplaceAll(code.String(), " ", "_")
	}
	return connect.CodeOf(err).String()
}

// invalid is the status of a request that is wrong in itself.
func invalid(step, message string) error {
	return Status(&caisson.Error{Code: caisson.CodeInvalidArgument, Step: step, Message: message})
}
