package bearer

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A refusal is the answer to a request that is not let through. Nothing in it is the client's: its texts are ours.
type refusal struct {
	status      int
	code        string // of RFC 6750, section 3.1; "" where the request had no token
	description string
	retry       time.Duration // for 503
	err         error         // the cause, for the log; it has nothing of the token
}

func noToken() *refusal {
	return &refusal{status: http.StatusUnauthorized, description: "a bearer token is needed"}
}

func badRequest(description string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "invalid_request", description: description}
}

func badToken(description string) *refusal {
	return &refusal{status: http.StatusUnauthorized, code: "invalid_token", description: description}
}

func unavailable(description string, retry time.Duration, err error) *refusal {
	return &refusal{status: http.StatusServiceUnavailable, code: "temporarily_unavailable", description: description, retry: retry, err: err}
}

// refuse answers a request.
func (a *Authenticator) refuse(w http.ResponseWriter, r *http.Request, why *refusal) {
	if why.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((why.retry+time.Second-1)/time.Second)))
	}
	if why.status != http.StatusServiceUnavailable {
		w.Header().Set("WWW-Authenticate", a.challenge(r, why))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(why.status)
	body := map[string]string{"error_description": why.description}
	if why.code != "" {
		body["error"] = why.code
	}
	_ = json.NewEncoder(w).Encode(body) // A client that is gone needs no answer.
}

// challenge is the value of WWW-Authenticate (RFC 6750, section 3; RFC 9728, section 5.1).
func (a *Authenticator) challenge(r *http.Request, why *refusal) string {
	var params []string
	add := func(name, value string) { params = append(params, name+`="`+value+`"`) } // No value has a quote in it.
	if why.code != "" {
		add("error", why.code)
		add("error_description", why.description)
	}
	if len(a.options.Scopes) > 0 {
		add("scope", strings.Join(a.options.Scopes, " "))
	}
	if len(a.issuers) > 0 && len(r.URL.EscapedPath()) <= maxPathBytes {
		add("resource_metadata", a.options.URL+wellKnown+resourcePath(r.URL.EscapedPath()))
	}
	return strings.TrimRight("Bearer "+strings.Join(params, ", "), " ")
}
