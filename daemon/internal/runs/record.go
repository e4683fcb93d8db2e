package runs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/store"
)

// What the store has of a run is under one subject: its record, and the bytes that are too many for one message.
const (
	keptStream  = "caisson_runs"
	keptSubject = "caisson.v1.runs."
	// changedSubject is where daemons tell each other that a record has changed. It is a hint: nobody relies on it.
	changedSubject = "caisson.v1.run-changed."

	maxKeptBytes = 1 << 30
	// maxPrincipalBytes bounds what the store has of the runs of one principal.
	maxPrincipalBytes = 256 << 20
	maxRecordBytes    = 16 << 10
	// maxFailureBytes bounds the failure in a record.
	maxFailureBytes = 4 << 10
	// maxOutcomeBytes bounds an outcome. Its log and value have bounds of their own.
	maxOutcomeBytes = 32 << 20
	// maxAge is how long the store has a run that does not end.
	maxAge     = 31 * 24 * time.Hour
	chunkBytes = 256 << 10
)

// A record is what the store has of a run, beside the script and the outcome. Who changes it names the revision that it
// has read, so that of two who change it at once one has to look again.
type record struct {
	ID        string    `json:"id"`
	Principal string    `json:"principal"`
	Name      string    `json:"name"`
	Hash      string    `json:"hash"`               // of all that was submitted
	Language  string    `json:"language,omitempty"` // as the submission has it
	Submitted time.Time `json:"submitted"`
	// Repeatable is the submission's.
	Repeatable bool  `json:"repeatable,omitempty"`
	State      State `json:"state"`
	// Node is the daemon that runs it, or did. Claims counts how often one has taken it, and Begun how often it was begun
	// from its beginning.
	Node   string `json:"node,omitempty"`
	Claims int    `json:"claims,omitempty"`
	Begun  int    `json:"begun,omitempty"`
	// Cancel says that somebody wants it stopped.
	Cancel  bool      `json:"cancel,omitempty"`
	Ended   time.Time `json:"ended,omitzero"`
	Failure []byte    `json:"failure,omitempty"`
	// These are the sizes of what is beside the record.
	Body    int `json:"body,omitempty"`
	Outcome int `json:"outcome,omitempty"`
	Asleep  int `json:"asleep,omitempty"`
	// Of a run that sleeps: whose build it is, when it wakes by itself (zero for never), until when it may sleep, and the
	// daemon that could not wake it the last time.
	Build string    `json:"build,omitempty"`
	Shy   string    `json:"shy,omitempty"`
	Due   time.Time `json:"due,omitzero"`
	Until time.Time `json:"until,omitzero"`

	revision uint64
}

// owner is the first word of the keys of a principal's runs.
func owner(principal string) string {
	sum := sha256.Sum256([]byte(principal))
	return hex.EncodeToString(sum[:16])
}

// key names a run on all daemons: two words of letters and digits, whatever the principal is.
func key(principal, id string) string { return owner(principal) + "." + hex.EncodeToString([]byte(id)) }

func (r *record) key() string { return key(r.Principal, r.ID) }

// bytes is what the store has of the run.
func (r *record) bytes() int64 { return int64(r.Body) + int64(r.Outcome) + int64(r.Asleep) }

// run is the run as the record says.
func (r *record) run() *Run {
	run := &Run{ID: r.ID, Principal: r.Principal, Name: r.Name, Submitted: r.Submitted, State: r.State, Ended: r.Ended}
	if len(r.Failure) > 0 {
		run.Failure = &caissonv1.Error{}
		if err := proto.Unmarshal(r.Failure, run.Failure); err != nil {
			run.Failure = failure(caissonv1.Code_CODE_INTERNAL, "the failure in the store cannot be read: "+err.Error())
		}
	}
	return run
}

// end has the record say that the run has ended.
func (r *record) end(state State, failed *caissonv1.Error) {
	r.State, r.Ended, r.Failure, r.Asleep = state, time.Now().UTC(), nil, 0
	if failed == nil {
		return
	}
	if proto.Size(failed) > maxFailureBytes {
		failed = &caissonv1.Error{Code: failed.GetCode(), Step: "run", Message: "the failure has more bytes than a run keeps"}
	}
	r.Failure, _ = proto.Marshal(failed) // A message that was made here marshals.
}

// errNone says that the store has no such record; errChanged that somebody has changed it.
var (
	errNone    = errors.New("there is no such run")
	errChanged = errors.New("the run has changed")
)

// errCodeStoreFailed is what JetStream says when a bound of a stream is reached.
const errCodeStoreFailed jetstream.ErrorCode = 10077

// away says that the store is full, or cannot be asked: then what was asked may have happened.
func away(step string, err error) error {
	var known *caisson.Error
	var api *jetstream.APIError
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &api) && api.ErrorCode == errCodeStoreFailed:
		return &caisson.Error{Code: caisson.CodeLimit, Step: step, Message: fmt.Sprintf("the store of runs is full, with %d runs of all principals that have not ended, or with %d bytes: ask again later", maxRuns, maxKeptBytes), Err: err}
	}
	return &caisson.Error{Code: caisson.CodeConnect, Step: step, Message: "the store of runs cannot be asked: NATS is away; ask again later, and with the same idempotency_key where a run was submitted: " + err.Error(), Err: err}
}

// A Shelf is the records, and what is beside them, in the store. It is also what keeps which sleeps have woken, for all
// daemons: a [caisson.SleepClaims].
type Shelf struct {
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	keep   time.Duration // how long it has a run that has ended
}

var _ caisson.SleepClaims = (*Shelf)(nil)

// OpenShelf opens it in a store, which has a run for so long that has ended. The error is one of the store.
func OpenShelf(ctx context.Context, s *store.Store, keep time.Duration) (*Shelf, error) {
	stream, err := s.Stream(ctx, jetstream.StreamConfig{
		Name: keptStream, Subjects: []string{keptSubject + ">"}, MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew,
		MaxBytes: maxKeptBytes, AllowMsgTTL: true,
	})
	if err != nil {
		return nil, err
	}
	return &Shelf{conn: s.Conn, js: s.JetStream, stream: stream, keep: keep}, nil
}

// get reads a record. It fails with errNone.
func (s *Shelf) get(ctx context.Context, key string) (*record, error) {
	m, err := s.stream.GetLastMsgForSubject(ctx, keptSubject+key+".record")
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, errNone
	}
	if err != nil {
		return nil, err
	}
	r := &record{}
	if err := json.Unmarshal(m.Data, r); err != nil {
		return nil, fmt.Errorf("the record of the run %s cannot be read: %w", key, err)
	}
	r.revision = m.Sequence
	return r, nil
}

// put writes a record in the place of the one that was read; a new one where its revision is 0. It fails with errChanged.
// After any other error it may have been written.
func (s *Shelf) put(ctx context.Context, r *record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if len(text) > maxRecordBytes {
		return errLimit("the record of the run has %d bytes, and may have %d: the name of the principal is long", len(text), maxRecordBytes)
	}
	age := maxAge
	if r.State.Final() {
		age = s.keep
	}
	subject := keptSubject + r.key() + ".record"
	done, err := s.js.Publish(ctx, subject, text, jetstream.WithExpectLastSequencePerSubject(r.revision), jetstream.WithMsgTTL(wholeSeconds(age)))
	if isChanged(err) {
		return errChanged
	}
	if err != nil {
		return err
	}
	r.revision = done.Sequence
	_ = s.conn.Publish(changedSubject+r.key(), nil) // Who hears it not looks by itself, a little later.
	return nil
}

func isChanged(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// wholeSeconds is the least time to live that NATS has for an age.
func wholeSeconds(age time.Duration) time.Duration {
	return max(time.Second, age.Round(time.Second))
}

// write keeps bytes beside a record, in pieces. They live as long as is said.
func (s *Shelf) write(ctx context.Context, key, what string, text []byte, age time.Duration) error {
	for i := 0; i*chunkBytes < len(text); i++ {
		chunk := text[i*chunkBytes : min(len(text), (i+1)*chunkBytes)]
		if _, err := s.js.Publish(ctx, piece(key, what, i), chunk, jetstream.WithMsgTTL(wholeSeconds(age))); err != nil {
			return err
		}
	}
	return nil
}

// read reads what write has kept, of which there are so many bytes.
func (s *Shelf) read(ctx context.Context, key, what string, size int) ([]byte, error) {
	var all bytes.Buffer
	for i := 0; i*chunkBytes < size; i++ {
		m, err := s.stream.GetLastMsgForSubject(ctx, piece(key, what, i))
		if err != nil {
			return nil, err
		}
		all.Write(m.Data)
	}
	if all.Len() != size {
		return nil, fmt.Errorf("%d bytes of the run %s are in the store, and not %d: %w", all.Len(), key, size, io.ErrUnexpectedEOF)
	}
	return all.Bytes(), nil
}

func piece(key, what string, i int) string {
	return fmt.Sprintf("%s%s.%s.%d", keptSubject, key, what, i)
}

// forget removes what write has kept; with what "", all of the run.
func (s *Shelf) forget(ctx context.Context, key, what string) error {
	subject := keptSubject + key + ".>"
	if what != "" {
		subject = keptSubject + key + "." + what + ".>"
	}
	return s.stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
}

// Claim implements [caisson.SleepClaims].
func (s *Shelf) Claim(ctx context.Context, id string, until time.Time) (bool, error) {
	if !claimID.MatchString(id) {
		return false, fmt.Errorf("the id of a sleep is not hexadecimal: %.20q", id)
	}
	_, err := s.js.Publish(ctx, keptSubject+"claim."+id, nil, jetstream.WithExpectLastSequencePerSubject(0), jetstream.WithMsgTTL(wholeSeconds(time.Until(until)+claimMargin)))
	if isChanged(err) {
		return false, nil
	}
	return err == nil, err
}

// claimMargin is how long a claim is kept beyond its end, for clocks that differ.
const claimMargin = 24 * time.Hour

var claimID = regexp.MustCompile(`^[0-9a-f]{16,128}$`)

// records reads the records of one owner.
func (s *Shelf) records(ctx context.Context, owner string) ([]*record, error) {
	kept, err := s.list(ctx, owner+".*.record")
	if err != nil {
		return nil, err
	}
	var all []*record
	for _, k := range kept {
		r := &record{revision: k.revision}
		if err := json.Unmarshal(k.text, r); err != nil {
			return nil, fmt.Errorf("a record of a run cannot be read: %w", err)
		}
		all = append(all, r)
	}
	return all, nil
}

// kept is one message of the store.
type kept struct {
	text     []byte
	revision uint64
}

// list reads what is kept under a subject, which may have wildcards.
func (s *Shelf) list(ctx context.Context, subject string) ([]kept, error) {
	consumer, err := s.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubject: keptSubject + subject, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1,
		InactiveThreshold: time.Minute,
	})
	if err != nil {
		return nil, err
	}
	info := consumer.CachedInfo()
	defer func() {
		_ = s.stream.DeleteConsumer(context.WithoutCancel(ctx), info.Name) // Else it ends by itself.
	}()
	n := int(info.NumPending)
	if n == 0 {
		return nil, nil
	}
	batch, err := consumer.FetchNoWait(n)
	if err != nil {
		return nil, err
	}
	all := make([]kept, 0, n)
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			return nil, err
		}
		all = append(all, kept{m.Data(), meta.Sequence.Stream})
	}
	return all, batch.Error()
}
