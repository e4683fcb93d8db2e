package gateway

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
)

// The Go SDK takes and sends messages of the methods that it knows, and of their params what its types have. What it does
// not know is carried through it in `_meta` of a message that it knows: requests and notifications of extensions, and
// members of params, such as the task that a client of 2025-11-25 wants. A client that writes such a member itself says nothing that it
// could not say without it.
const (
	carriedMember  = "caisson/carried"
	carriedRequest = "caisson/extension"      // the method that carries a request
	carriedNotice  = "notifications/progress" // the method that carries a notification
)

// A carried message is what the member has.
type carried struct {
	Method string                     `json:"method,omitempty"`
	Params json.RawMessage            `json:"params,omitempty"` // of a notification; those of a request stay where they are
	Rest   map[string]json.RawMessage `json:"rest,omitempty"`   // of the params of a method that it knows
}

// sdkMembers are the members of params that the Go SDK takes, of the methods of which the others are carried.
var sdkMembers = map[string][]string{
	"tools/call":          {"_meta", "name", "arguments", "inputResponses", "requestState"},
	"prompts/get":         {"_meta", "name", "arguments", "inputResponses", "requestState"},
	"resources/read":      {"_meta", "uri", "inputResponses", "requestState"},
	"completion/complete": {"_meta", "ref", "argument", "context"},
}

// sdkMethods are the methods that the Go SDK takes of clients.
var sdkMethods = slices.Concat([]string{
	"initialize", "notifications/initialized", "ping", "server/discover", "subscriptions/listen",
	"tools/list", "tools/call", "prompts/list", "prompts/get", "completion/complete", "logging/setLevel",
	"resources/list", "resources/templates/list", "resources/read", "resources/subscribe", "resources/unsubscribe",
	"notifications/cancelled", "notifications/progress", "notifications/roots/list_changed",
}, taskMethods)

// carry returns a client's message as the Go SDK takes it; the message itself where there is nothing to carry, or where it
// is none.
func carry(message []byte) (taken []byte, method string) {
	whole, err := members(message)
	if err != nil || json.Unmarshal(whole["method"], &method) != nil || method == "" {
		return message, ""
	}
	params, err := members(whole["params"])
	if err != nil {
		return message, method // The Go SDK says what is wrong.
	}
	_, request := whole["id"]
	notice := strings.HasPrefix(method, "notifications/")
	c := carried{}
	switch {
	case slices.Contains(sdkMethods, method):
		if c.Rest = restOf(method, params); len(c.Rest) == 0 {
			return message, method
		}
	case request == notice:
		return message, method
	case request:
		c.Method, whole["method"] = method, marshal(carriedRequest)
	default:
		c.Method, whole["method"] = method, marshal(carriedNotice)
		c.Params, params = whole["params"], map[string]json.RawMessage{"progressToken": marshal(""), "progress": marshal(0)}
	}
	meta, err := members(params["_meta"])
	if err != nil {
		return message, method
	}
	meta[carriedMember] = marshal(c)
	params["_meta"] = marshal(meta)
	whole["params"] = marshal(params)
	return marshal(whole), method
}

// restOf takes out of params what the Go SDK's type does not have.
func restOf(method string, params map[string]json.RawMessage) map[string]json.RawMessage {
	known := sdkMembers[method]
	rest := map[string]json.RawMessage{}
	for name, value := range params {
		if known != nil && !slices.Contains(known, name) {
			rest[name] = value
			delete(params, name)
		}
	}
	return rest
}

// carriedIn takes what is carried out of params.
func carriedIn(params map[string]json.RawMessage) (c carried) {
	meta, err := members(params["_meta"])
	if err != nil || meta[carriedMember] == nil {
		return carried{}
	}
	_ = json.Unmarshal(meta[carriedMember], &c) // A client's own may be anything.
	delete(meta, carriedMember)
	delete(params, "_meta")
	if len(meta) > 0 {
		params["_meta"] = marshal(meta)
	}
	return c
}

// putRest puts the members that were carried back into params. It replaces none.
func putRest(params map[string]json.RawMessage) {
	if meta, err := members(params["_meta"]); err != nil || meta[carriedMember] == nil {
		return
	}
	for name, value := range carriedIn(params).Rest {
		if _, there := params[name]; !there {
			params[name] = value
		}
	}
}

// takeTask takes out of the params of a call what a client says of the task that it wants; nil where it wants none.
func takeTask(params map[string]json.RawMessage) json.RawMessage {
	task := params["task"]
	delete(params, "task")
	if !isObject(task) {
		return nil
	}
	return task
}

// carryOut returns a message of the Go SDK's as the client takes it.
func carryOut(message []byte) []byte {
	if !bytes.Contains(message, []byte(carriedMember)) {
		return message
	}
	whole, err := members(message)
	var method string
	if err != nil || json.Unmarshal(whole["method"], &method) != nil || method != carriedNotice {
		return message
	}
	params, err := members(whole["params"])
	var c carried
	if err != nil || params[carriedMember] == nil || json.Unmarshal(params[carriedMember], &c) != nil {
		return message
	}
	whole["method"] = marshal(c.Method)
	delete(whole, "params")
	if c.Params != nil {
		whole["params"] = c.Params
	}
	return marshal(whole)
}

// carryEvent is carryOut of the data of an event of a stream.
func carryEvent(event []byte) []byte {
	if !bytes.Contains(event, []byte(carriedMember)) {
		return event
	}
	head, data, ok := bytes.Cut(event, []byte("data: "))
	if !ok {
		return event
	}
	return slices.Concat(head, []byte("data: "), carryOut(bytes.TrimSuffix(data, []byte("\n\n"))), []byte("\n\n"))
}

// carryRequest has the Go SDK take the message of a request of HTTP. most bounds its body, in bytes. It returns the
// notification of an extension in 2026-07-28, which the Go SDK accepts and drops; nil for everything else.
func carryRequest(r *http.Request, most int64) *carried {
	named := r.Header.Get("Mcp-Method")
	if r.Method != http.MethodPost || named != "" && sdkMembers[named] == nil && slices.Contains(sdkMethods, named) {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil || int64(len(body)) > most { // The Go SDK sees the same.
		r.Body = &readAgain{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
		return nil
	}
	taken, method := carry(body)
	if named != "" && named != method { // The Go SDK refuses it.
		taken = body
	}
	r.Body = &readAgain{bytes.NewReader(taken), r.Body}
	r.ContentLength = int64(len(taken))
	if slices.Contains(sdkMethods, method) || r.Header.Get("Mcp-Protocol-Version") < modern {
		return nil
	}
	if strings.HasPrefix(method, "notifications/") { // Many clients send those without the header.
		whole, _ := members(taken)
		params, _ := members(whole["params"])
		if c := carriedIn(params); c.Method != "" {
			return &c
		}
		return nil
	}
	if named == method {
		r.Header.Set("Mcp-Method", carriedRequest)
	}
	return nil
}

// A carryingReader has the Go SDK take the messages of a client, one a line.
type carryingReader struct {
	io.ReadCloser
	lines *bufio.Reader
	most  int    // bytes of a line; a longer one stays as it is
	rest  []byte // of what was read
	long  bool   // in the middle of a longer line
	err   error  // to be returned after the rest
}

func newCarryingReader(r io.ReadCloser, most int64) *carryingReader {
	return &carryingReader{ReadCloser: r, lines: bufio.NewReaderSize(r, 64<<10), most: int(most)}
}

// Read reads what the client sends.
func (r *carryingReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.next()
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// next reads a line, or a part of a long one.
func (r *carryingReader) next() {
	var line []byte
	for {
		part, err := r.lines.ReadSlice('\n')
		line = append(line, part...)
		more := errors.Is(err, bufio.ErrBufferFull)
		switch {
		case err != nil && !more:
			r.rest, r.err = line, err
			return
		case r.long || len(line) > r.most:
			r.rest, r.long = line, more
			return
		case !more:
			r.rest, _ = carry(line)
			if !bytes.HasSuffix(r.rest, []byte("\n")) {
				r.rest = append(r.rest, '\n')
			}
			return
		}
	}
}
