package policy

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"
)

// An Approver asks somebody whether a call may be made, and returns when there is an answer, or when the
// context ends: with the call, or at [Question].Until. The zero Answer, and an error, are a no. It may be
// called by several goroutines at once. It must not ask through the server, or the model, that the question
// is about.
type Approver func(ctx context.Context, question *Question) (Answer, error)

// A Question is what somebody is asked before a call. It belongs to one call.
type Question struct {
	// ID names the question. It is the hash of all that a yes is bound to, and of a random text.
	ID string
	// Call is what would be called, with all of its arguments. Do not change it.
	Call Call
	// Who may say yes, a principal or a pattern; "" for whoever is asked: see [Question.Accepts]. Text is what the
	// policy's author has to say.
	Who, Text string
	// Lasts and Covers say what a yes is for; see [Ask].
	Lasts  Lasts
	Covers Covers
	// ArgumentsHash is the SHA-256 of the arguments in canonical form, Definition the hash of the tool's
	// definition ("" where it is not known), and Policy the version of the policy.
	ArgumentsHash, Definition, Policy string
	// Until is when the question ends: a later yes is a no.
	Until time.Time

	policy   *Policy
	answered *atomic.Bool
}

// Lasting says what a yes is for, in words, such as "for this session, with these arguments"; "" when it is for this one
// call.
func (q *Question) Lasting() string {
	if q.Lasts == "" || q.Lasts == Once {
		return ""
	}
	of := "with these arguments"
	if q.Covers == CoversTool {
		of = "with any arguments that the policy allows"
	}
	how := "for " + string(q.Lasts)
	if q.Lasts == ForSession {
		how = "for this session"
	}
	return how + ", " + of
}

// NewQuestion makes a question under a policy. It sets the ID and Policy.
func NewQuestion(p *Policy, q Question) *Question {
	q.policy, q.Policy = p, p.Version()
	q.answered = &atomic.Bool{}
	text, _ := json.Marshal([]string{ // Texts always marshal.
		"caisson question 1", rand.Text(), q.Call.Principal, string(q.Call.Caller), string(orServer(q.Call.Source)), q.Call.Server, string(q.Call.Kind), q.Call.Name,
		q.ArgumentsHash, q.Definition, q.Policy, q.Who, q.Until.UTC().Format(time.RFC3339Nano),
	})
	sum := sha256.Sum256(text)
	q.ID = hex.EncodeToString(sum[:])
	return &q
}

// IsPerson reports whether the policy says that a person is at a client of this name when the principal of the
// call uses it: see [Policy.IsPerson].
func (q *Question) IsPerson(client string) bool { return q.policy.IsPerson(q.Call.Principal, client) }

// ErrNotAsked is why a yes does not count whose principal the rule does not ask: an [Approver] returns it, perhaps wrapped,
// and the denial says so.
var ErrNotAsked = errors.New("the policy asks another principal")

// Accepts reports whether a yes of a principal counts: whether Who names it, or nobody. An [Approver] asks it before
// it asks the principal, or takes its yes: the gate knows only what the Answer says. It needs no more of the question
// than Who.
func (q *Question) Accepts(principal string) bool {
	if q.Who == "" {
		return true
	}
	who, err := newPattern(q.Who)
	return err == nil && who.match(principal)
}

// An Answer is what somebody said. The zero value is a no. It counts once, and for its own question.
type Answer struct {
	question *Question
	who      string
	once     bool
}

// Yes answers with a yes that lasts as the rule says. who says who gave it, for the log.
func (q *Question) Yes(who string) Answer { return Answer{question: q, who: who} }

// YesOnce answers with a yes for this call alone, whatever the rule allows.
func (q *Question) YesOnce(who string) Answer { return Answer{question: q, who: who, once: true} }

// No answers with a no.
func (q *Question) No() Answer { return Answer{} }

// Take uses an answer up. It reports whether the answer is a yes to this question that was not used before and
// came in time, who gave it, and how long it counts for other calls: once or, for a session, for ever, or
// until a time.
func (q *Question) Take(a Answer, now time.Time) (yes bool, who string, lasts Lasts, until time.Time) {
	if a.question == nil || a.question != q || !now.Before(q.Until) || !q.answered.CompareAndSwap(false, true) {
		return false, "", "", time.Time{}
	}
	lasts = q.Lasts
	if a.once || lasts == "" {
		lasts = Once
	}
	if d, ok := lasts.until(); ok {
		until = now.Add(d)
	}
	return true, a.who, lasts, until
}
