// Package explain walks the way from a server to the metadata of its authorization server, and says what each
// step finds, what it lacks, and where that is specified. It logs in nowhere.
package explain

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/internal/authorization"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// A Step is one request, and what is read in its answer.
type Step struct {
	// About is what is looked for.
	About string `json:"about"`
	// Method and URL are the request's; the URL of the server is without its query.
	Method string `json:"method"`
	URL    string `json:"url"`
	// Status is the answer's; 0 where none came.
	Status int `json:"status"`
	// Found is what was read.
	Found []Fact `json:"found,omitempty"`
	// Faults are what is wrong or missing.
	Faults []Fault `json:"faults,omitempty"`

	// silent is why there was no answer.
	silent string
}

// A Fact is something that was read.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Fault is something that is wrong or missing.
type Fault struct {
	Text string `json:"text"`
	// Source is where it is specified.
	Source string `json:"source"`
	// Fatal says that nobody can log in.
	Fatal bool `json:"fatal,omitempty"`
}

// A Report is the whole way.
type Report struct {
	Server string `json:"server"`
	Steps  []Step `json:"steps"`
	// Conclusions are what a client does with all this.
	Conclusions []string `json:"conclusions"`
	// Unreachable is who does not answer, so that nothing is known: the server, or all of its authorization servers.
	Unreachable string `json:"unreachable,omitempty"`
	// Possible says that a login can be begun.
	Possible bool `json:"possible"`
	// Open says that the server asks for none.
	Open bool `json:"open,omitempty"`
}

// Options say how to ask.
type Options struct {
	// Transport carries the requests.
	Transport http.RoundTripper
	// Private lets metadata lead to a private address.
	Private bool
	// Header is sent to the server, and to nobody else.
	Header http.Header
}

// maxServers is how many authorization servers are looked at.
const maxServers = 4

type walk struct {
	Options
	server *url.URL
	report *Report
}

// Walk asks the server at a URL, and whom its metadata names.
func Walk(ctx context.Context, server *url.URL, o Options) *Report {
	w := &walk{Options: o, server: server, report: &Report{Server: egress.GuestURL(server), Conclusions: []string{}}}
	challenge := w.ask(ctx)
	if w.silent(0, "the server "+w.report.Server) {
		return w.report
	}
	names := w.resource(ctx, challenge)
	before := len(w.report.Steps)
	for _, name := range names[:min(len(names), maxServers)] {
		if m := w.authorizationServer(ctx, name); m != nil {
			w.conclude(m)
			return w.report
		}
	}
	switch {
	case w.silent(before, "the authorization server "+strings.Join(names, " ")):
		return w.report
	case w.report.Steps[0].Status == http.StatusUnauthorized && w.absent(before):
		w.fallback(names[0])
		return w.report
	case w.report.Steps[0].Status/100 == 2 && w.absent(1):
		w.report.Open = true
		w.say("the server asks for no authorization: no login is needed")
		return w.report
	}
	w.report.Conclusions = append(w.report.Conclusions, "nobody can log in: there is no metadata of an authorization server; a client that knows the endpoints can be told them (authorizationUrl and tokenUrl in the configuration)")
	return w.report
}

// silent reports whether nobody has answered since a step, and says so.
func (w *walk) silent(since int, who string) bool {
	steps := w.report.Steps[since:]
	for _, s := range steps {
		if s.silent == "" {
			return false
		}
	}
	if len(steps) == 0 {
		return false
	}
	w.report.Unreachable = who + " cannot be reached: " + steps[len(steps)-1].silent
	w.say(w.report.Unreachable)
	return true
}

// absent reports whether the steps since one have found that there is nothing, and none before them that something
// is wrong.
func (w *walk) absent(since int) bool {
	for i, s := range w.report.Steps {
		wrong := slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.Fatal }) || s.Status/100 == 3 || s.Status/100 == 5
		if wrong || i >= since && s.Status/100 != 4 {
			return false
		}
	}
	return len(w.report.Steps) > since
}

// fallback says what a client does with an authorization server without metadata (2025-03-26, basic/authorization,
// Fallbacks for Servers without Metadata Discovery).
func (w *walk) fallback(name string) {
	at := strings.TrimSuffix(name, "/")
	if u, err := url.Parse(name); err == nil {
		at = origin(u)
	}
	w.report.Possible = true
	w.say("the authorization server has no metadata: as in revision 2025-03-26, its endpoints are taken to be " + at + "/authorize, " + at + "/token and " + at + "/register; a client that knows others can be told them (authorizationUrl and tokenUrl in the configuration)")
	w.say("a client is known by --client-id, or registers itself")
	w.say("nothing says that the authorization server knows PKCE, which a client uses all the same")
}

// A challenge is what the server says when it wants authorization (RFC 6750, section 3; RFC 9728, section 5.1).
type challenge struct{ metadata, scope string }

// ask makes a request without a token.
func (w *walk) ask(ctx context.Context) challenge {
	const body = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"caisson auth explain","version":"1"}}}`
	header := w.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json, text/event-stream")
	s, response, _ := w.do(ctx, "the server, without a token", http.MethodPost, w.server, header, body)
	defer w.add(s)
	if response == nil {
		return challenge{}
	}
	said := strings.Join(response.Header.Values("WWW-Authenticate"), ", ")
	if said != "" {
		s.found("WWW-Authenticate", said)
	}
	c := challenge{authorization.Parameter(said, "resource_metadata"), authorization.Parameter(said, "scope")}
	switch {
	case s.Status == http.StatusUnauthorized && said == "":
		s.fault("a 401 has no WWW-Authenticate", "RFC 9110, section 11.6.1; basic/authorization, Protected Resource Metadata Discovery", false)
	case s.Status == http.StatusUnauthorized && c.metadata == "":
		s.fault("its WWW-Authenticate has no resource_metadata: a client looks at the well-known places", "RFC 9728, section 5.1", false)
	case s.Status == http.StatusUnauthorized:
	case s.Status/100 == 2:
		s.fault("it answers without a token: it may ask for one when a tool is called, or not at all", "basic/authorization", false)
	default:
		s.fault("that is neither an answer nor a demand for authorization, which is a 401", "basic/authorization, Error Handling", false)
	}
	return c
}

// conclude says what a client does with the metadata.
func (w *walk) conclude(m *serverMetadata) {
	for _, s := range w.report.Steps {
		for _, f := range s.Faults {
			if f.Fatal && s.Status/100 == 2 {
				w.say("nobody can log in: " + f.Text)
				return
			}
		}
	}
	w.report.Possible = true
	switch {
	case m.Documents && m.Registration != "":
		w.say("a client is known by --client-id, else by its metadata document (--client-metadata-url), else it registers itself")
	case m.Documents:
		w.say("a client is known by --client-id, or by its metadata document (--client-metadata-url)")
	case m.Registration != "":
		w.say("a client is known by --client-id, or registers itself")
	default:
		w.say("a client needs --client-id")
	}
	if len(m.Grants) == 0 || slices.Contains(m.Grants, "authorization_code") {
		w.say("a person logs in at " + m.Authorization)
	}
	if slices.Contains(m.Grants, "client_credentials") {
		w.say("a program may log in as itself: --client-credentials")
	}
	if slices.Contains(m.Grants, "urn:ietf:params:oauth:grant-type:jwt-bearer") {
		w.say("a program may log in by its platform's token: auth of type workload, or enterprise for a user's, in the configuration")
	}
	if len(m.Grants) > 0 && !slices.Contains(m.Grants, "refresh_token") {
		w.say("nothing says that tokens are refreshed: a person may have to log in each time one ends")
	}
	if m.Revocation == "" {
		w.say("a logout revokes nothing: tokens are good until they end")
	}
}

func (w *walk) say(text string) { w.report.Conclusions = append(w.report.Conclusions, text) }

func (w *walk) add(s *Step) { w.report.Steps = append(w.report.Steps, *s) }

func (s *Step) found(name, value string) { s.Found = append(s.Found, Fact{name, value}) }

func (s *Step) list(name string, values []string) {
	if len(values) > 0 {
		s.found(name, strings.Join(values, " "))
	}
}

func (s *Step) fault(text, source string, fatal bool) {
	s.Faults = append(s.Faults, Fault{text, source, fatal})
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }
