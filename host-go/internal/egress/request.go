package egress

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Request is an HTTP request of the core's: http-request in wit/egress.wit.
type Request struct {
	// Method is the method, in capitals.
	Method string
	// URL is absolute, and has no user name and no password.
	URL string
	// Header holds the fields, name and value. Those that belong to the host are left out: see
	// hostFields.
	Header [][2]string
	// Body is the body, in UTF-8; nil for none.
	Body *string
}

// Template is a request that was looked at, to be sent any number of times.
type Template struct {
	method string
	url    *url.URL
	header http.Header
	failed *Error // why it is not sent
}

// Template looks at a request, and ignores its body. Whatever is wrong with it, every exchange with
// it ends with.
func (s *Broker) Template(req Request) *Template {
	policy := s.policy
	u, err := url.Parse(req.URL)
	if err != nil { // its text quotes the URL
		return &Template{failed: policy.refuse("the core asked for a URL that is not valid; if the server named it, the server is at fault")}
	}
	if refused := policy.check(u, nil); refused != nil {
		return &Template{failed: refused}
	}
	policy.complete(u)
	switch strings.ToUpper(req.Method) {
	case http.MethodConnect, http.MethodTrace: // they open a tunnel, and answer with the request's header
		return &Template{failed: policy.refuse("the method " + req.Method + " is not granted")}
	}
	header, err := requestHeader(req.Header)
	if err != nil {
		return &Template{failed: policy.refuse(fmt.Sprintf("%v; the request was not sent", err))}
	}
	if _, err := http.NewRequest(req.Method, u.String(), http.NoBody); err != nil {
		return &Template{failed: policy.refuse(fmt.Sprintf("the method %.32q is not valid", req.Method))}
	}
	return &Template{method: req.Method, url: u, header: header}
}
