package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strconv"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

func invalid(message string) error {
	return &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "serve", Message: message}
}

// quote quotes a name in a message, and not all of a long one.
func quote(name string) string {
	const most = 100
	if len(name) > most {
		name = name[:most] + "…"
	}
	return strconv.Quote(name)
}

// tooOften is the code of a call without a token in the bucket, as HTTP has it.
const tooOften = 429

// wireError makes of a failure what the downstream client gets. The server's own error stays as it is.
func wireError(err error) error {
	if err == nil {
		return nil
	}
	var own *jsonrpc.Error
	if errors.As(err, &own) {
		return own
	}
	var no *policy.DeniedError
	if errors.As(err, &no) {
		e := &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: no.Error()}
		if no.Reason == policy.TooOften {
			e.Code = tooOften
			e.Data, _ = json.Marshal(map[string]float64{"retryAfterSeconds": math.Ceil(no.RetryAfter.Seconds())}) // A number always marshals.
		}
		return e
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	code := int64(jsonrpc.CodeInternalError)
	if caisson.CodeOf(err) == caisson.CodeInvalidArgument {
		code = jsonrpc.CodeInvalidParams
	}
	return &jsonrpc.Error{Code: code, Message: err.Error()}
}

func invalidParams(message string) error {
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: message}
}
