package plain

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"connectrpc.com/connect"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// handler serves one path.
func handler(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		// A page of somebody else's cannot send this type without asking before.
		if kind, _, _ := strings.Cut(request.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "application/json" {
			write(w, http.StatusUnsupportedMediaType, &ErrorResponse{Error{Status: "invalid_argument", Message: "the body is JSON: say so with Content-Type: application/json"}})
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxRequestBytes))
		if of := (*connect.Error)(nil); errors.As(err, &of) {
			status, failure := failed(err)
			write(w, status, failure)
			return
		}
		if err != nil {
			write(w, http.StatusRequestEntityTooLarge, &ErrorResponse{Error{Status: "resource_exhausted", Message: err.Error()}})
			return
		}
		answer, err := r.serve(request.Context(), body)
		if err != nil {
			status, failure := failed(err)
			write(w, status, failure)
			return
		}
		write(w, http.StatusOK, answer)
	})
}

func write(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // The client may have gone.
}

// statuses are those of HTTP, as Connect has them.
var statuses = map[connect.Code]int{
	connect.CodeCanceled: 499, connect.CodeUnknown: 502, connect.CodeInvalidArgument: 400, connect.CodeDeadlineExceeded: 504,
	connect.CodeNotFound: 404, connect.CodeAlreadyExists: 409, connect.CodePermissionDenied: 403, connect.CodeResourceExhausted: 429,
	connect.CodeFailedPrecondition: 409, connect.CodeAborted: 409, connect.CodeOutOfRange: 400, connect.CodeUnimplemented: 501,
	connect.CodeInternal: 500, connect.CodeUnavailable: 503, connect.CodeDataLoss: 502, connect.CodeUnauthenticated: 401,
}

// failed makes the answer of a failure.
func failed(err error) (int, *ErrorResponse) {
	var of *connect.Error
	if !errors.As(err, &of) {
		return http.StatusInternalServerError, &ErrorResponse{Error{Status: "internal", Message: "the daemon has failed: its log says how"}}
	}
	failure := &ErrorResponse{Error{Status: of.Code().String(), Message: of.Message()}}
	for _, detail := range of.Details() {
		message, err := detail.Value()
		if err != nil {
			continue
		}
		if d, ok := message.(*caissonv1.Error); ok {
			e := &failure.Error
			e.Code = strings.TrimPrefix(d.GetCode().String(), "CODE_")
			e.Server, e.Step, e.HTTPStatus, e.RPCError = d.GetServer(), d.GetStep(), d.GetHttpStatus(), d.GetRpcError()
			e.Reason, e.RetryAfter = d.GetDenied().GetReason(), d.GetDenied().GetRetryAfter().AsDuration().Seconds()
		}
	}
	return statuses[of.Code()], failure
}
