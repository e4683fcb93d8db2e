package caisson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/gate"
	"github.com/caisson-dev/caisson/host-go/internal/jcs"
)

// A want is what an operation wants to call.
type want struct {
	call   gate.Call
	parts  []gate.Call // more that has to be granted for it
	filter filter
	begins bool // its result may be a task
}

// A filter leaves out of a result what may not be shown. fetched is when the server sent it.
type filter func(ctx context.Context, page json.RawMessage, fetched time.Time) (json.RawMessage, error)

// used are the methods that name no tool, resource or prompt. Lists show what may be called.
var used = []string{
	"ping", "initialize", "server/discover", "logging/setLevel",
	"tools/list", "resources/list", "resources/templates/list", "prompts/list", "skills/list",
	"notifications/initialized", "notifications/cancelled", "notifications/progress", "notifications/roots/list_changed",
}

// members are the members of params that say what is called.
var members = []string{"name", "arguments", "uri", "ref", "taskId", "skill", "path", "notifications"}

// want reads what an operation is about. It reads the text that is sent, and refuses one that the server could
// read in another way.
func (s *Session) want(op *engine.Operation) (*want, error) {
	if _, err := jcs.Lenient([]byte(op.Params)); err != nil {
		return nil, err
	}
	params, err := membersOf(json.RawMessage(op.Params), members)
	if err != nil {
		return nil, err
	}
	w := &want{call: gate.Call{Call: policy.Call{Server: s.name, Kind: policy.Use, Name: op.Method}, Method: op.Method}}
	is := func(kind policy.Kind, name json.RawMessage, what string) error {
		w.call.Kind = kind
		return textOf(name, what, &w.call.Name)
	}
	switch op.Method {
	case "tools/call":
		w.call.Arguments, w.call.Definitions, w.begins = params["arguments"], listed{s, definingLists[pins.Tool]}, true
		return w, is(policy.Tool, params["name"], "name")
	case "prompts/get":
		w.call.Arguments, w.call.Definitions = params["arguments"], listed{s, definingLists[pins.Prompt]}
		return w, is(policy.Prompt, params["name"], "name")
	case "resources/read", "resources/subscribe", "resources/unsubscribe", "resources/directory/read", "skills/get":
		if op.Method == "resources/directory/read" {
			w.filter = s.filterOf("resources", policy.Resource, "uri")
		}
		if op.Method == "resources/read" || op.Method == "resources/subscribe" {
			w.call.Definitions = listed{s, definingLists[pins.Resource]}
		}
		return w, is(policy.Resource, params["uri"], "uri")
	case "skills/read":
		return w, s.wantSkill(w, params)
	case "completion/complete":
		return w, s.wantCompletion(w, params["ref"])
	case "subscriptions/listen":
		return w, s.wantNotifications(w, params["notifications"])
	case "tasks/get", "tasks/result", "tasks/update", "tasks/cancel":
		id := ""
		if err := textOf(params["taskId"], "taskId", &id); err != nil {
			return nil, err
		}
		if !s.begun.has(id) { // Of an earlier session: it may be a task of anything.
			w.call.Kind = policy.Method
		}
		return w, nil
	}
	if !slices.Contains(used, op.Method) {
		w.call.Kind = policy.Method
		return w, nil
	}
	w.call.Silent = op.Method == "ping"
	for _, list := range definingLists {
		// Without pins only the annotations of tools count.
		if op.Method == list.method && (list.kind == pins.Tool || s.client.gate.Policy().PinMode() != policy.PinsOff) {
			w.filter = func(ctx context.Context, page json.RawMessage, fetched time.Time) (json.RawMessage, error) {
				return s.filterDefined(ctx, page, params["cursor"] == nil, fetched, list)
			}
			return w, nil
		}
	}
	switch op.Method {
	case "server/discover":
		w.filter = s.filterInstructions
	case "prompts/list":
		w.filter = s.filterOf("prompts", policy.Prompt, "name")
	case "resources/list":
		w.filter = s.filterOf("resources", policy.Resource, "uri")
	case "resources/templates/list":
		w.filter = s.filterOf("resourceTemplates", policy.Resource, "uriTemplate")
	case "skills/list":
		skills, invalid := s.filterOf("skills", policy.Resource, "uri"), s.filterOf("invalid", policy.Resource, "uri")
		w.filter = func(ctx context.Context, page json.RawMessage, fetched time.Time) (json.RawMessage, error) {
			page, err := skills(ctx, page, fetched)
			if err != nil {
				return nil, err
			}
			return invalid(ctx, page, fetched)
		}
	}
	return w, nil
}

// membersOf reads an object, which has none of the known members in other letters.
func membersOf(text json.RawMessage, known []string) (map[string]json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, errors.New("they are no JSON object")
	}
	for name := range all {
		for _, k := range known {
			if name != k && strings.EqualFold(name, k) {
				return nil, fmt.Errorf("the member %q is %q in other letters", name, k)
			}
		}
	}
	return all, nil
}

func textOf(text json.RawMessage, what string, into *string) error {
	if len(text) == 0 || text[0] != '"' || json.Unmarshal(text, into) != nil {
		return fmt.Errorf("the member %q is no text", what)
	}
	return nil
}

// part is something that has to be granted beside the call itself.
func (s *Session) part(w *want, kind policy.Kind, name string) {
	w.parts = append(w.parts, gate.Call{Call: policy.Call{Server: s.name, Kind: kind, Name: name}, Method: w.call.Method, GrantOnly: true})
}

// wantSkill reads which file of which skill is read. Its path is relative to the folder of the SKILL.md.
func (s *Session) wantSkill(w *want, params map[string]json.RawMessage) error {
	skill, err := membersOf(params["skill"], []string{"uri"})
	if err != nil {
		return errors.New("the member \"skill\" is no object")
	}
	uri, path := "", ""
	if err := textOf(skill["uri"], "skill.uri", &uri); err != nil {
		return err
	}
	w.call.Kind, w.call.Name = policy.Resource, uri
	if params["path"] == nil {
		return nil
	}
	if err := textOf(params["path"], "path", &path); err != nil || path == "" {
		return err
	}
	base, err := url.Parse(uri)
	if err != nil {
		return errors.New("the skill's URI is not valid")
	}
	file, err := base.Parse(path)
	if err != nil {
		return errors.New("the path is not valid")
	}
	s.part(w, policy.Resource, file.String())
	return nil
}

// wantCompletion reads what an argument is completed for: whoever may not use that learns nothing of it.
func (s *Session) wantCompletion(w *want, text json.RawMessage) error {
	ref, err := membersOf(text, []string{"type", "name", "uri"})
	if err != nil {
		return errors.New("the member \"ref\" is no object, or has a member in other letters")
	}
	sort, name := "", ""
	if err := textOf(ref["type"], "ref.type", &sort); err != nil {
		return err
	}
	switch sort {
	case "ref/prompt":
		if err := textOf(ref["name"], "ref.name", &name); err != nil {
			return err
		}
		s.part(w, policy.Prompt, name)
	case "ref/resource":
		if err := textOf(ref["uri"], "ref.uri", &name); err != nil {
			return err
		}
		s.part(w, policy.Resource, name)
	default:
		w.call.Kind = policy.Method
	}
	return nil
}

// wantNotifications reads which resources and tasks are listened to. What is told of a task has its result.
func (s *Session) wantNotifications(w *want, text json.RawMessage) error {
	if text == nil {
		return nil
	}
	notifications, err := membersOf(text, []string{"resourceSubscriptions", "taskIds"})
	if err != nil {
		return errors.New("the member \"notifications\" is no object, or has a member in other letters")
	}
	var uris, tasks []string
	for name, into := range map[string]*[]string{"resourceSubscriptions": &uris, "taskIds": &tasks} {
		if list := notifications[name]; list != nil && json.Unmarshal(list, into) != nil {
			return fmt.Errorf("the member %q is no list of texts", name)
		}
	}
	for _, uri := range uris {
		s.part(w, policy.Resource, uri)
	}
	for _, id := range tasks {
		if !s.begun.has(id) { // As for tasks/get.
			s.part(w, policy.Method, "tasks/get")
		}
	}
	return nil
}

// begunTasks are the ids of the tasks that a session has begun.
type begunTasks struct {
	mu  sync.Mutex
	ids map[string]bool
}

// maxBegun bounds the ids. A task beyond is like one of an earlier session.
const maxBegun = 4096

func (b *begunTasks) has(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ids[id]
}

// add finds the id of a task in the result of a call.
func (b *begunTasks) add(result json.RawMessage) {
	var answer struct {
		ResultType string `json:"resultType"`
		TaskID     string `json:"taskId"`
		Task       struct {
			TaskID string `json:"taskId"`
		} `json:"task"`
	}
	if json.Unmarshal(result, &answer) != nil {
		return
	}
	id := answer.Task.TaskID
	if answer.ResultType == "task" {
		id = answer.TaskID
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if id == "" || len(b.ids) >= maxBegun || len(id) > 1024 {
		return
	}
	if b.ids == nil {
		b.ids = map[string]bool{}
	}
	b.ids[id] = true
}
