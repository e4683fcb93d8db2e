package egress

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
)

// policy is a Grant, copied and prepared: it decides about every request that is about to leave.
type policy struct {
	server  string
	origin  origin // empty when there is no HTTP
	invalid error  // why the granted URL grants nothing
	path    string // of the granted URL, escaped
	query   string // of the granted URL, which the core does not know
	header  http.Header
	host    string // the Host that the user configured, or empty
	command *Command
	dial    func(context.Context) (Messages, error)
	// authorization is nil where there is none.
	authorization Authorization
	secrets       secrets
}

func newPolicy(g Grant) *policy {
	p := &policy{server: g.Server, dial: g.Dial, authorization: g.Authorization, header: http.Header{}}
	for name, values := range g.Header {
		name = http.CanonicalHeaderKey(name)
		p.header[name] = append(p.header[name], values...)
	}
	if g.URL != nil {
		p.origin, p.invalid = originOf(g.URL)
		p.path, p.query = withoutDots(g.URL.EscapedPath()), g.URL.RawQuery
		if g.URL.User != nil && p.header["Authorization"] == nil {
			p.header.Set("Authorization", basicAuth(g.URL.User))
		}
	}
	p.host = p.header.Get("Host")
	p.header.Del("Host")
	for _, name := range slices.Sorted(maps.Keys(p.header)) {
		for _, value := range p.header[name] { // a server may repeat a token without its scheme
			p.secrets = append(append(p.secrets, value), strings.Fields(value)...)
		}
	}
	if g.URL != nil {
		p.secrets = append(p.secrets, urlSecrets(g.URL)...)
	}
	if g.Command != nil {
		command := *g.Command
		command.Args = slices.Clone(command.Args)
		command.Env = slices.Clone(command.Env)
		p.command = &command
		environment := command.Env
		if environment == nil {
			environment = os.Environ()
		}
		p.secrets = append(p.secrets, environmentSecrets(environment)...)
	}
	return p
}

func basicAuth(user *url.Userinfo) string {
	password, _ := user.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
}

// check returns why a request to u may not leave, or nil. from is the URL that redirected to u, or
// nil when the core asked for it.
func (p *policy) check(u, from *url.URL) *Error {
	switch {
	case p.invalid != nil:
		return p.refuse(fmt.Sprintf("the configured URL grants no HTTP: %v; correct it", p.invalid))
	case p.origin == "":
		return p.refuse("HTTP is not granted, because no URL is configured; configure the server's URL to allow it")
	}
	to, err := originOf(u)
	switch {
	case err != nil:
		return p.refuse(fmt.Sprintf("the request is not granted: %v; only %s is", err, p.origin))
	case to != p.origin && from != nil:
		return p.refuse(fmt.Sprintf("%s redirects to %s, which is another origin and not granted; "+
			"if that is where the server is now, configure its URL there", originText(from), to))
	case to != p.origin:
		return p.refuse(fmt.Sprintf("%s is not granted, only %s is; "+
			"if the server is there, configure its URL there", to, p.origin))
	case u.User != nil:
		return p.refuse("a user name or a password in a request's URL is not granted; configure it in the server's URL or headers")
	}
	return nil
}

// complete adds the granted URL's query to a URL of the core's that is the granted one: the core does not
// know the query. A URL with a query, such as one from a server's endpoint event, stays as it is.
func (p *policy) complete(u *url.URL) {
	if u.RawQuery == "" && withoutDots(u.EscapedPath()) == p.path {
		u.RawQuery = p.query
	}
}

// redirect returns why the redirect that leads to req is not followed, or nil. It is followed within
// the origin, when the request stays what it was: net/http makes a GET without a body of a POST that
// is answered with 301, 302 or 303, and what the core has asked for would never be said.
func (p *policy) redirect(req *http.Request, via []*http.Request) error {
	from := via[len(via)-1]
	req.Header.Del("Referer") // net/http puts the whole URL there, with the query that is not for other paths
	switch refused := p.check(req.URL, from.URL); {
	case refused != nil:
		return refused
	case req.Method != from.Method:
		return p.refuse(fmt.Sprintf("%s: the server redirects with %d to %s, and a %s would become a GET without its body there; "+
			"configure the URL that it redirects to", where(from), req.Response.StatusCode, place(req.URL, from.URL), from.Method))
	case len(via) >= maxRedirects:
		return p.fail(Transport, fmt.Sprintf("%s: the server redirects without end: stopped after %d redirects", where(from), maxRedirects), nil)
	}
	return nil
}

// maxRedirects is how many redirects one exchange follows.
const maxRedirects = 10

// place says where a redirect within an origin leads, without its path: that may be a secret.
func place(to, from *url.URL) string {
	toPath, fromPath := to.EscapedPath(), from.EscapedPath()
	switch {
	case toPath == fromPath:
		return originText(to) + ", with the same path"
	case toPath == fromPath+"/":
		return originText(to) + ", with a slash at the end of the path"
	case toPath+"/" == fromPath:
		return originText(to) + ", without the slash at the end of the path"
	}
	return originText(to) + ", with another path"
}

// authorize returns a copy of req with what the user configured, and what proves who the user is.
func (p *policy) authorize(req *http.Request) (*http.Request, error) {
	req = req.Clone(req.Context())
	maps.Copy(req.Header, p.header.Clone())
	if p.host != "" {
		req.Host = p.host
	}
	if p.authorization != nil {
		if err := p.authorization.Apply(req); err != nil {
			return nil, p.fail(Unauthorized, err.Error(), err)
		}
	}
	return req, nil
}

func (p *policy) refuse(message string) *Error {
	return p.fail(Refused, message, nil)
}

// hide replaces every secret that the policy knows.
func (p *policy) hide(text string) string {
	text = p.secrets.hide(text)
	if p.authorization != nil {
		text = p.authorization.Veil().Hide(text)
	}
	return text
}

// fail returns an error of this server's. No secret that the policy knows gets into its message.
func (p *policy) fail(kind Kind, message string, err error) *Error {
	return &Error{Kind: kind, Server: p.server, Message: p.hide(message), Err: err}
}
