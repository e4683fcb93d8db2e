package explain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// What bounds a server that is asked.
const (
	longest      = 15 * time.Second
	maxBody      = 1 << 20
	maxRedirects = 5
)

// get reads a document. Nil says that there is none; the step says why.
func (w *walk) get(ctx context.Context, about, place string) (*Step, []byte) {
	u, err := url.Parse(place)
	if err != nil || u.Host == "" {
		s := &Step{About: about, Method: http.MethodGet, URL: place}
		s.fault("that is not a URL", "RFC 9728, section 5.1", true)
		return s, nil
	}
	s, response, body := w.do(ctx, about, http.MethodGet, u, http.Header{"Accept": {"application/json"}}, "")
	switch {
	case response == nil:
		return s, nil
	case s.Status/100 != 2:
		return s, nil
	}
	if kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";"); !strings.HasSuffix(kind, "json") {
		s.fault(fmt.Sprintf("the content type is %q, and not application/json", kind), "RFC 9728, section 3.2; RFC 8414, section 3.2", false)
	}
	return s, body
}

// do makes a request. Without an answer the step says why.
func (w *walk) do(ctx context.Context, about, method string, u *url.URL, header http.Header, body string) (*Step, *http.Response, []byte) {
	s := &Step{About: about, Method: method, URL: egress.GuestURL(u)}
	if why := w.unsafe(u); why != "" {
		s.fault("it is not asked: "+why, "basic/authorization, Communication Security", true)
		return s, nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		s.fault("that is not a URL to ask", "RFC 9110", true)
		return s, nil, nil
	}
	request.Header = header
	client := &http.Client{Transport: w.Transport, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects || origin(next.URL) != origin(via[0].URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	response, err := client.Do(request)
	if err != nil {
		s.silent = cause(err)
		s.fault("there is no answer: "+s.silent, "", true)
		return s, nil, nil
	}
	defer response.Body.Close()
	s.Status = response.StatusCode
	if to := response.Header.Get("Location"); response.StatusCode/100 == 3 {
		s.found("Location", to)
		s.fault("a redirect to another origin is not followed", "basic/authorization, Security Considerations", false)
	}
	if method == http.MethodPost && response.StatusCode/100 == 2 {
		return s, response, nil // It may be a stream without an end.
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	switch {
	case err != nil:
		s.fault("the answer broke off", "", true)
		return s, nil, nil
	case len(text) > maxBody:
		s.fault(fmt.Sprintf("the answer has more than %d bytes", maxBody), "", true)
		return s, nil, nil
	}
	return s, response, text
}

// unsafe says why a URL is not asked.
func (w *walk) unsafe(u *url.URL) string {
	switch {
	case u == w.server:
		return ""
	case u.User != nil:
		return "it has a user's name in it"
	case u.Scheme != "https" && !(u.Scheme == "http" && egress.Loopback(u)):
		return "it is neither https nor of this machine"
	}
	if inside := egress.Inside(w.server, u); inside != "" && !w.Private {
		return "it is " + inside
	}
	return ""
}

// cause is the innermost error: the others repeat the URL.
func cause(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}
