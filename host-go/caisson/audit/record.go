package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// An Event says what a record is about.
type Event string

// These are the events.
const (
	// Decision is what was decided about a call. It is written before the call.
	Decision Event = "decision"
	// Outcome is what became of a call that was made.
	Outcome Event = "outcome"
	// Repair says that a process had ended while it wrote a record, and that the piece was cut off.
	Repair Event = "repair"
)

// A Record is one line of a log. Members without a value are left out.
type Record struct {
	// Sequence counts the records of a log, from 1 on. Append sets it, Time, Previous and Hash.
	Sequence uint64 `json:"sequence"`
	// Time is when the record was written.
	Time time.Time `json:"time"`
	// Previous is the Hash of the record before.
	Previous string `json:"previous"`
	Event    Event  `json:"event"`
	// Call is the same in the decision about a call and in its outcome.
	Call string `json:"call,omitempty"`

	// Principal, Caller, Source, Server, Kind and Name are those of the call.
	Principal string `json:"principal,omitempty"`
	Caller    string `json:"caller,omitempty"`
	Source    string `json:"source,omitempty"`
	Server    string `json:"server,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Name      string `json:"name,omitempty"`
	// Script is the name of the script that makes the call, and ScriptHash the SHA-256 of its source, where it is
	// one that runs in this process.
	Script     string `json:"script,omitempty"`
	ScriptHash string `json:"scriptHash,omitempty"`
	// Method is the method of the protocol.
	Method string `json:"method,omitempty"`

	// Effect is "allow" or "deny"; Rule is the key of the rule that decided, in the policy of this Policy
	// version. Reason and Message say why a call is denied.
	Effect  string `json:"effect,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Policy  string `json:"policy,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Approval says who said yes: the Who of the answer, or "kept" for a yes that lasts.
	Approval string `json:"approval,omitempty"`
	// Definition is the hash of the tool's definition, where it is known.
	Definition string `json:"definition,omitempty"`
	// ArgumentsHash is the SHA-256 of the arguments in canonical form; ArgumentBytes is their size. Arguments
	// are there when the policy wants them.
	ArgumentsHash string          `json:"argumentsHash,omitempty"`
	ArgumentBytes int             `json:"argumentBytes,omitempty"`
	Arguments     json.RawMessage `json:"arguments,omitempty"`

	// Error says how a call failed: in one word, without the server's text. IsError is the tool's own failure.
	Error   string `json:"error,omitempty"`
	IsError bool   `json:"isError,omitempty"`
	// Milliseconds is how long the call took, without waiting for a yes.
	Milliseconds float64 `json:"milliseconds,omitempty"`
	// ResultBytes is the size of the result. Result is there when the policy wants it.
	ResultBytes int             `json:"resultBytes,omitempty"`
	Result      json.RawMessage `json:"result,omitempty"`

	// Hash is the SHA-256 of the line up to the comma before it.
	Hash string `json:"-"`
}

// These bound a record.
const (
	maxText    = 1024      // bytes of a member
	maxContent = 16 << 10  // bytes of arguments or of a result
	maxLine    = 128 << 10 // bytes of a line
)

// zeroHash is the hash before the first record.
var zeroHash = strings.Repeat("0", 2*sha256.Size)

// short bounds a text.
func short(text string) string {
	if len(text) <= maxText {
		return text
	}
	text = text[:maxText]
	for len(text) > 0 && !utf8.RuneStart(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text[:max(len(text)-1, 0)] + "…"
}

// content bounds arguments or a result, of which a part would be no JSON.
func content(text json.RawMessage) json.RawMessage {
	if len(text) <= maxContent {
		return text
	}
	return fmt.Appendf(nil, `"[%d bytes]"`, len(text))
}

// lineBegin is what a line begins with.
const lineBegin = `{"sequence":`

// hashMember is what stands before the hash at the end of a line.
const hashMember = `,"hash":"`

// line writes a record, and sets its hash.
func (r *Record) line() ([]byte, error) {
	for _, text := range []*string{&r.Call, &r.Principal, &r.Caller, &r.Source, &r.Server, &r.Script, &r.Kind, &r.Name, &r.Method, &r.Rule, &r.Policy, &r.Reason, &r.Message, &r.Approval, &r.Definition, &r.Error} {
		*text = short(*text)
	}
	r.Arguments, r.Result = content(r.Arguments), content(r.Result)
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	text = text[:len(text)-1] // without the brace
	r.Hash = hashOf(text)
	text = append(append(append(text, hashMember...), r.Hash...), `"}`+"\n"...)
	if len(text) > maxLine {
		return nil, errors.New("the record is too large")
	}
	return text, nil
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// parseLine reads a line, without its end, and checks its hash.
func parseLine(line []byte) (*Record, error) {
	end := len(line) - len(hashMember) - 2*sha256.Size - len(`"}`)
	if end <= 0 || !bytes.HasPrefix(line[end:], []byte(hashMember)) || !bytes.HasSuffix(line, []byte(`"}`)) {
		return nil, errors.New("it is no record: it does not end with its hash")
	}
	hash := string(line[end+len(hashMember) : len(line)-len(`"}`)])
	if hashOf(line[:end]) != hash {
		return nil, errors.New("it was changed: its hash is another")
	}
	r := &Record{}
	if err := json.Unmarshal(line, r); err != nil {
		return nil, fmt.Errorf("it is no record: %w", err)
	}
	r.Hash = hash
	return r, nil
}
