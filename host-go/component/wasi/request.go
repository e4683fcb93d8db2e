package wasi

import (
	"context"
	"net/url"
	"strings"

	"github.com/caisson-dev/caisson/host-go/component"
)

// outgoingRequest is a request that the component is building.
type outgoingRequest struct {
	method                   component.Variant
	scheme                   component.Option
	pathWithQuery, authority component.Option
	headers                  *fields
	body                     *outgoingBody
}

// requestOptions are timeouts. Each is an option<duration>.
type requestOptions struct{ connect, firstByte, betweenBytes component.Option }

// url returns the URL of the request.
func (r *outgoingRequest) url() (*url.URL, error) {
	scheme := "https"
	if r.scheme.Some {
		s := r.scheme.Value.(component.Variant)
		if scheme = strings.ToLower(s.Case); s.Case == "other" {
			scheme = s.Value.(string)
		}
	}
	if !r.authority.Some {
		return nil, httpCode("HTTP-request-URI-invalid")
	}
	path := ""
	if r.pathWithQuery.Some {
		path = r.pathWithQuery.Value.(string)
	}
	u, err := url.Parse(scheme + "://" + r.authority.Value.(string) + path)
	if err != nil {
		return nil, httpCode("HTTP-request-URI-invalid")
	}
	return u, nil
}

// verb returns the method as text.
func (r *outgoingRequest) verb() string {
	if r.method.Case == "other" {
		return r.method.Value.(string)
	}
	return strings.ToUpper(r.method.Case)
}

func (h *host) addRequests(i *component.Interface) {
	p := &h.http
	p.requests = addResource[*outgoingRequest](h, i, "outgoing-request", func(r *outgoingRequest) {
		if r.body != nil {
			r.body.abort()
		}
	})
	r := p.requests
	r.constructor(func(args []any) (*outgoingRequest, error) {
		f, err := p.fields.take(args[0])
		if err != nil {
			return nil, err
		}
		return &outgoingRequest{method: component.Variant{Case: "get"}, headers: f.freeze()}, nil
	})
	r.method("body", func(_ context.Context, r *outgoingRequest, _ []any) (any, error) {
		if r.body != nil {
			return component.Err(nil), nil
		}
		r.body = newOutgoingBody(r.headers)
		rep, err := p.outgoing.own(r.body)
		return component.OK(rep), err
	})
	r.method("headers", func(_ context.Context, r *outgoingRequest, _ []any) (any, error) {
		return p.fields.own(r.headers)
	})
	r.method("method", func(_ context.Context, r *outgoingRequest, _ []any) (any, error) { return r.method, nil })
	r.method("set-method", func(_ context.Context, r *outgoingRequest, args []any) (any, error) {
		m := args[0].(component.Variant)
		if m.Case == "other" && !isToken(m.Value.(string)) {
			return component.Err(nil), nil
		}
		r.method = m
		return component.OK(nil), nil
	})
	optional := func(name string, of func(r *outgoingRequest) *component.Option, valid func(v any) bool) {
		r.method(name, func(_ context.Context, r *outgoingRequest, _ []any) (any, error) { return *of(r), nil })
		r.method("set-"+name, func(_ context.Context, r *outgoingRequest, args []any) (any, error) {
			v := args[0].(component.Option)
			if v.Some && !valid(v.Value) {
				return component.Err(nil), nil
			}
			*of(r) = v
			return component.OK(nil), nil
		})
	}
	optional("path-with-query", func(r *outgoingRequest) *component.Option { return &r.pathWithQuery }, isPath)
	optional("authority", func(r *outgoingRequest) *component.Option { return &r.authority }, isAuthority)
	optional("scheme", func(r *outgoingRequest) *component.Option { return &r.scheme }, isScheme)
}

func isPath(v any) bool {
	s := v.(string)
	if s == "" {
		return true
	}
	u, err := url.Parse("http://host" + s)
	return err == nil && (s[0] == '/' || s[0] == '?') && !strings.ContainsAny(s, " #") && u.Host == "host"
}

func isAuthority(v any) bool {
	s := v.(string)
	u, err := url.Parse("http://" + s)
	return err == nil && u.Host == s && u.User == nil && u.Hostname() != ""
}

func isScheme(v any) bool {
	s := v.(component.Variant)
	if s.Case != "other" {
		return true
	}
	u, err := url.Parse(s.Value.(string) + "://host")
	return err == nil && u.Scheme != ""
}

func (h *host) addRequestOptions(i *component.Interface) {
	h.http.options = addResource[*requestOptions](h, i, "request-options", nil)
	r := h.http.options
	r.constructor(func([]any) (*requestOptions, error) { return &requestOptions{}, nil })
	for name, of := range map[string]func(o *requestOptions) *component.Option{
		"connect-timeout":       func(o *requestOptions) *component.Option { return &o.connect },
		"first-byte-timeout":    func(o *requestOptions) *component.Option { return &o.firstByte },
		"between-bytes-timeout": func(o *requestOptions) *component.Option { return &o.betweenBytes },
	} {
		r.method(name, func(_ context.Context, o *requestOptions, _ []any) (any, error) { return *of(o), nil })
		r.method("set-"+name, func(_ context.Context, o *requestOptions, args []any) (any, error) {
			*of(o) = args[0].(component.Option)
			return component.OK(nil), nil
		})
	}
}
