package runs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"

	"github.com/caisson-dev/caisson/daemon/internal/approvals"
)

// maxQuestionBytes bounds a question in the store: a run with a larger one does not sleep.
const maxQuestionBytes = 512 << 10

// A Question is one that a run waits for that sleeps.
type Question struct {
	ID string `json:"id"`
	// Call is what would be called.
	Principal string          `json:"principal"`
	Caller    string          `json:"caller"`
	Server    string          `json:"server"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
	// Who may say yes, a principal or a pattern; "" for any. Text is what the policy's author has to say, Lasting what a yes is for, and Until when the question ends.
	Who     string    `json:"who,omitempty"`
	Text    string    `json:"text,omitempty"`
	Lasting string    `json:"lasting,omitempty"`
	Until   time.Time `json:"until"`
}

// question is what the store has of one.
type question struct {
	Question
	// Binding is all that a yes is bound to: the run asks again when it wakes, and gets the answer where it is the same.
	Binding string `json:"binding"`
	// Run is the key of the run, and Build whose it is.
	Run   string `json:"run"`
	Build string `json:"build"`
}

// An answer is what somebody has said while a run slept.
type answer struct {
	Binding string `json:"binding"`
	Who     string `json:"who"`
	Yes     bool   `json:"yes"`
	Once    bool   `json:"once,omitempty"`
}

func newQuestion(q *policy.Question, until time.Time) *question {
	return &question{
		Question: Question{
			ID: q.ID, Principal: q.Call.Principal, Caller: string(q.Call.Caller), Server: q.Call.Server, Name: q.Call.Name,
			Arguments: q.Call.Arguments, Who: q.Who, Text: q.Text, Lasting: q.Lasting(), Until: until,
		},
		Binding: binding(q),
	}
}

// binding is the hash of what a yes to a question is bound to, besides its time. Another policy, definition or argument is
// another one, and is asked about anew.
func binding(q *policy.Question) string {
	text, _ := json.Marshal([]string{ // Texts always marshal.
		"caisson run question 1", q.Call.Principal, string(q.Call.Caller), string(q.Call.Source), q.Call.Server, string(q.Call.Kind), q.Call.Name,
		q.ArgumentsHash, q.Definition, q.Policy, q.Who, string(q.Lasts), string(q.Covers),
	})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// answer is the answer to a question that is asked again.
func (a *answer) answer(q *policy.Question) policy.Answer {
	switch {
	case !a.Yes:
		return q.No()
	case a.Once:
		return q.YesOnce(a.Who)
	}
	return q.Yes(a.Who)
}

// Questions are those of runs that sleep, on whichever daemon they were, and the runs counted. [Queue] has them.
type Questions interface {
	// Questions lists them, those that end first first.
	Questions(ctx context.Context) ([]*Question, error)
	// Answer answers one, and wakes its run. It fails as [approvals.Approvals.Answer].
	Answer(ctx context.Context, who, id string, yes, once bool) error
	// Sleeping counts the runs of all principals that sleep: those of this build, and those of others.
	Sleeping(ctx context.Context) (own, others int, err error)
}

var _ Questions = (*Queue)(nil)

// Questions implements [Questions].
func (q *Queue) Questions(ctx context.Context) ([]*Question, error) {
	open, err := q.kept.list(ctx, "*.*.question.*")
	if err != nil {
		return nil, away("list approvals", err)
	}
	var all []*Question
	for _, k := range open {
		of := &question{}
		if err := json.Unmarshal(k.text, of); err != nil {
			return nil, err
		}
		if time.Now().Before(of.Until) {
			all = append(all, &of.Question)
		}
	}
	slices.SortFunc(all, func(a, b *Question) int { return a.Until.Compare(b.Until) })
	return all, nil
}

var questionID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Answer implements [Questions].
func (q *Queue) Answer(ctx context.Context, who, id string, yes, once bool) error {
	if !questionID.MatchString(id) {
		return approvals.ErrNoQuestion
	}
	m, err := q.kept.stream.GetLastMsgForSubject(ctx, keptSubject+"*.*.question."+id)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return approvals.ErrNoQuestion
	}
	if err != nil {
		return away("answer approval", err)
	}
	of := &question{}
	if err := json.Unmarshal(m.Data, of); err != nil {
		return err
	}
	if !time.Now().Before(of.Until) {
		return approvals.ErrNoQuestion
	}
	if yes && of.Principal == who {
		return approvals.ErrOwn
	}
	if yes && !(&policy.Question{Who: of.Who}).Accepts(who) {
		return approvals.ErrNotAsked
	}
	text, err := json.Marshal(answer{of.Binding, who, yes, once})
	if err != nil {
		return err
	}
	// One answer counts: the first that is written. Who was late wakes the run nevertheless: the first one may have
	// come no further.
	_, err = q.kept.js.Publish(ctx, keptSubject+of.Run+".answer."+id, text, jetstream.WithExpectLastSequencePerSubject(0), jetstream.WithMsgTTL(wholeSeconds(maxAge)))
	late := isChanged(err)
	if err == nil || late {
		_, err = q.kept.js.Publish(ctx, wakeSubject(of.Build)+of.Run, nil)
	}
	if err == nil {
		err = q.kept.stream.Purge(ctx, jetstream.WithPurgeSubject(m.Subject))
	}
	switch {
	case err != nil:
		return away("answer approval", err)
	case late:
		return approvals.ErrNoQuestion
	}
	return nil
}
