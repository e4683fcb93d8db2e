package access

import "net/http"

// WithToken calls daemons by a token. It is safe for concurrent use, where Next is.
type WithToken struct {
	// Token is put into each request; "" for none.
	Token string
	// Next sends the requests.
	Next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (w *WithToken) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.Token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+w.Token)
	}
	return w.Next.RoundTrip(r)
}
