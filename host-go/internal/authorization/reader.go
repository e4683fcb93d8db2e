package authorization

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// answer is what came, and what the core is told of it.
type answer struct {
	status int
	header http.Header
	body   []byte
	told   string // the body that the core gets
	moved  string // where the core finds it
}

// A reader reads the answer to one request of a turn, which lasts until it has. It implements [egress.Reader].
type reader struct {
	flow     *Flow
	turn     *turn
	exchange context.Context
	ctx      context.Context // of the request that is under way
	cancel   context.CancelFunc
	request  *http.Request
	sent     time.Time
	read     func(*answer) *egress.Error

	// Of a POST: endpoint says where it goes, again makes the request anew.
	endpoint string
	again    func() (*http.Request, *egress.Error)
	repeats  repetition
	attempts int
	nonced   bool // it was sent once more for a nonce
}

// A repetition says when a POST goes out once more after something may have been sent. The zero value is never: what
// is good for one use goes out once, since an authorization server takes the second use of a refresh token for
// theft, and a second registration is a second client.
type repetition int

const (
	// whenPutOff: where the server says that it has not taken the request (429, or 503, with Retry-After).
	whenPutOff repetition = iota + 1
	// whenUnanswered: also where no answer came, or a failure. Asking whether a code was entered changes nothing
	// (RFC 8628, section 3.5).
	whenUnanswered
)

// repetitions has the grants of which nothing is used up.
var repetitions = map[string]repetition{clientGrant: whenPutOff, exchangeGrant: whenPutOff, deviceGrant: whenUnanswered}

// lastWords is how long a POST is waited for that nobody waits for any more: a token may replace one that is good
// for nothing from now on.
const lastWords = 3 * time.Second

// newReader makes the reader of an exchange of the turn. With the lock of f held.
func (f *Flow) newReader(ctx context.Context) *reader {
	f.turn.hold()
	return &reader{flow: f, turn: f.turn, exchange: ctx, ctx: ctx, cancel: func() {}}
}

// begin has the time run that the answer may take.
func (r *reader) begin() {
	r.cancel()
	given, cancel := context.WithTimeoutCause(context.WithoutCancel(r.exchange), r.flow.config.AnswerTime, errNoAnswer)
	stop := context.AfterFunc(r.exchange, func() {
		if r.again == nil {
			cancel()
			return
		}
		time.AfterFunc(lastWords, cancel)
	})
	r.ctx, r.cancel, r.sent = given, func() { stop(); cancel() }, time.Now()
}

var errNoAnswer = errors.New("the authorization server did not answer in time")

// Close implements [egress.Reader].
func (r *reader) Close() {
	r.flow.mu.Lock()
	defer r.flow.unlock()
	r.close()
}

func (r *reader) close() {
	r.cancel()
	r.turn.drop()
}

// Read implements [egress.Reader].
func (r *reader) Read(status int, header http.Header, body []byte) (egress.Answer, *http.Request, *egress.Error) {
	f := r.flow
	f.mu.Lock()
	defer f.unlock()
	f.told(r.request, status)
	f.observeNonce(r.request.URL, header)
	if !r.nonced && status == http.StatusBadRequest && wantsNonce(r.request, header) && strings.Contains(string(body), "use_dpop_nonce") {
		r.nonced = true
		request, failed := r.anew()
		return egress.Answer{}, request, failed
	}
	a := &answer{status: status, header: header, body: body}
	if r.again != nil && failing(status) && !pending(body) {
		f.stale = true
		request, failed := r.away(a)
		return egress.Answer{}, request, failed
	}
	r.turn.budget = f.config.RetryBudget
	if failed := r.read(a); failed != nil {
		f.event(auth.Event{Kind: auth.EventRefused, Err: cmp.Or(failed.Err, error(failed))})
		return egress.Answer{}, nil, failed
	}
	told := [][2]string{{"content-type", "application/json"}}
	if a.moved != "" {
		told = append(told, [2]string{"location", a.moved})
	}
	return egress.Answer{Status: a.status, Header: told, Body: a.told}, nil, nil
}

// Failed implements [egress.Reader].
func (r *reader) Failed(why *egress.Error) (*http.Request, *egress.Error) {
	f := r.flow
	f.mu.Lock()
	defer f.unlock()
	f.told(r.request, 0)
	f.stale = true
	if r.again == nil {
		return nil, why
	}
	broken := why.Kind == egress.Transport && r.repeats == whenUnanswered
	if (why.Kind == egress.Connect || broken) && r.pause(0) {
		return r.anew()
	}
	if why.Kind != egress.Connect && why.Kind != egress.Transport || r.exchange.Err() != nil {
		return nil, why
	}
	return nil, r.unavailable(why.Kind, 0, why.Err, fmt.Sprintf("%s cannot be asked: %s", r.endpoint, why.Message))
}

// away is of an authorization server that cannot answer: a person could do nothing about that.
func (r *reader) away(a *answer) (*http.Request, *egress.Error) {
	wait, putOff := retryAfter(a.header)
	putOff = putOff && (a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable)
	if (r.repeats == whenUnanswered || putOff && r.repeats == whenPutOff) && r.pause(wait) {
		return r.anew()
	}
	text := fmt.Sprintf("%s %s answers HTTP %d", r.endpoint, r.flow.quoted(r.request.URL.EscapedPath()), a.status)
	var said map[string]any
	_ = json.Unmarshal(a.body, &said) // A page says nothing.
	for _, name := range []string{"error", "error_description"} {
		if word, _ := said[name].(string); word != "" {
			text += ": " + r.flow.quoted(word)
		}
	}
	return nil, r.unavailable(egress.Transport, a.status, nil, text)
}

// unavailable is the error of a POST that came to nothing, though nobody has refused it.
func (r *reader) unavailable(kind egress.Kind, status int, err error, text string) *egress.Error {
	f := r.flow
	u := *r.request.URL
	u.RawQuery, u.Fragment = "", ""
	away := &auth.UnavailableError{Server: f.config.Server, URL: f.quoted(u.String()), Status: status, Err: err}
	if r.exchange.Err() == nil { // Who ends a session knows that.
		f.event(auth.Event{Kind: auth.EventRefused, Err: away})
	}
	return f.fail(kind, away, "%s; try again later: what is kept of the login is not lost", text)
}

// anew makes the request once more.
func (r *reader) anew() (*http.Request, *egress.Error) {
	if r.flow.turn != r.turn {
		return nil, r.flow.noTurn()
	}
	r.begin()
	request, failed := r.again()
	r.request = request
	return request, failed
}

// The pauses before a request goes out once more: they grow, and no server has one take longer.
const shortestPause, longestGrowth, longestPause = 100 * time.Millisecond, 10 * time.Second, time.Minute

// pause waits before a request goes out once more, without the lock of the flow. False says that what the turn
// may wait in all is used up, or that nobody waits any more.
func (r *reader) pause(asked time.Duration) bool {
	grown := longestGrowth
	if r.attempts < 7 {
		grown = min(shortestPause<<r.attempts, longestGrowth)
	}
	r.attempts++
	wait := max(min(asked, longestPause), grown)
	// A server that is slow to fail has used the time up too.
	r.turn.budget -= time.Since(r.sent) + wait
	if asked > longestPause || r.turn.budget < 0 {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	r.flow.outside(func() {
		select {
		case <-timer.C:
		case <-r.exchange.Done():
		}
	})
	return r.exchange.Err() == nil
}

// failing are what a server says that cannot answer, for now or at all.
func failing(status int) bool { return status == http.StatusTooManyRequests || status >= 500 }

// pending are what a token endpoint says to who asks too often, or too early, whether a code was entered.
func pending(body []byte) bool {
	var said struct {
		Error string `json:"error"`
	}
	return json.Unmarshal(body, &said) == nil && (said.Error == "slow_down" || said.Error == "authorization_pending")
}

// retryAfter is how long a server asks to wait (RFC 9110, section 10.2.3); false where it does not.
func retryAfter(header http.Header) (time.Duration, bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && !math.IsNaN(seconds) {
		return time.Duration(min(max(seconds, 0), 2*longestPause.Seconds()) * float64(time.Second)), true
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(at), 0), 2*longestPause), true
	}
	return 0, true
}
