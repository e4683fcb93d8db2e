package access

import (
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	connectcors "connectrpc.com/cors"
	"github.com/rs/cors"
)

// preflightAge is how long a browser may keep the answer to its question whether a page may call.
const preflightAge = 10 * time.Minute

// Pages are the web pages that may call, by their origins: browsers let no others read an answer, or send a message (CORS).
// Who calls has to be known all the same. Cookies and client certificates are never asked for: a page sends a token. It is
// safe for concurrent use; the zero value has no pages.
type Pages struct {
	origins atomic.Pointer[[]string]
}

// Set has the pages of these origins call from now on, and no others. They are compared as browsers write them.
func (p *Pages) Set(origins []string) {
	origins = slices.Clone(origins)
	p.origins.Store(&origins)
}

func (p *Pages) has(origin string) bool {
	origins := p.origins.Load()
	return origins != nil && slices.Contains(*origins, origin)
}

// Handler answers the questions of browsers, which do not say who calls, and passes everything else on.
func (p *Pages) Handler(next http.Handler) http.Handler {
	return cors.New(cors.Options{
		AllowOriginFunc: p.has,
		AllowedMethods:  connectcors.AllowedMethods(),
		AllowedHeaders:  append(connectcors.AllowedHeaders(), "Authorization", "Traceparent", "Tracestate"),
		ExposedHeaders:  append(connectcors.ExposedHeaders(), "WWW-Authenticate"),
		MaxAge:          int(preflightAge.Seconds()),
	}).Handler(next)
}
