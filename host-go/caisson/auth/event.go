package auth

import "time"

// An EventKind is a step of an authorization.
type EventKind string

// The steps, in the order in which they come.
const (
	// EventRequest is one request of the authorization, and its answer.
	EventRequest EventKind = "request"
	// EventDiscovered: the authorization server is known.
	EventDiscovered EventKind = "discovered"
	// EventRegistered: the client was registered there.
	EventRegistered EventKind = "registered"
	// EventAsked: a person is asked to log in.
	EventAsked EventKind = "asked"
	// EventGranted: there is a token.
	EventGranted EventKind = "granted"
	// EventRefreshed: there is a new token in the place of the last one.
	EventRefreshed EventKind = "refreshed"
	// EventSteppedUp: the server demands more scopes.
	EventSteppedUp EventKind = "stepped-up"
	// EventUnsaved: the store did not keep what was got, which is used from memory until it does; Err says why.
	EventUnsaved EventKind = "unsaved"
	// EventRefused: it came to nothing.
	EventRefused EventKind = "refused"
)

// An Event is a step of an authorization. No secret is in it.
type Event struct {
	Kind EventKind
	// Time is when it happened.
	Time time.Time
	// Server is the server's name.
	Server string
	// Issuer is the authorization server's issuer, as far as it is known.
	Issuer string
	// ClientID is the client's identifier there, as far as it is known.
	ClientID string
	// Scopes are those that are asked for, or that were granted.
	Scopes []string
	// Expiry is when the token ends; the zero time where that is not known.
	Expiry time.Time
	// Method, URL and Status are of a request, without its query; Status is 0 where no answer came.
	Method, URL string
	Status      int
	// Err is why it came to nothing.
	Err error
}
