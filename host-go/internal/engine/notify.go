package engine

import (
	"encoding/json"
	"fmt"
)

// A Progress is told of the progress of one call (specification, basic/utilities/progress).
type Progress struct {
	// Token is the JSON text of the progress token in the call's params.
	Token string
	// Heard is called by who has the instance for each progress notification, and each state of
	// the call's task; it must not wait.
	Heard func()
	// Handle gets the params of each progress notification, in order, in a goroutine of its own. It
	// may be nil.
	Handle func(params []byte)
	// HandleTask gets each state of the task that the call has become, in order with the
	// notifications; see task-state in wit/host.wit. It is set when Handle is.
	HandleTask func(state []byte)
}

// taskProgress stands for the method of the notification that a task's new state is to its call.
const taskProgress = "tasks/get"

func (p *Progress) handle(n notification) {
	if n.method == taskProgress {
		p.HandleTask(n.params)
	} else {
		p.Handle(n.params)
	}
}

// notify hands a notification to who listens for it. It is called by who has the instance.
func (in *instance) notify(n notification) {
	if n.method == "notifications/progress" && len(in.progress) > 0 {
		in.notifyProgress(n)
	}
	s := in.session
	if s.notifications != nil && !s.notifications.put(n) {
		s.end(overflow(n, s.config.NotificationQueue))
	}
}

func (in *instance) notifyProgress(n notification) {
	var params struct {
		ProgressToken json.RawMessage `json:"progressToken"`
	}
	if json.Unmarshal(n.params, &params) != nil {
		return
	}
	c := in.progress[string(params.ProgressToken)]
	if c != nil { // It may be of no call, or of one that has settled.
		in.progressed(c, n)
	}
}

// progressed tells who listens for a call's progress.
func (in *instance) progressed(c *call, n notification) {
	if heard := c.operation.Progress.Heard; heard != nil {
		heard()
	}
	if c.progress != nil && !c.progress.put(n) {
		c.settle(outcome{failure: overflow(n, in.session.config.NotificationQueue)})
		in.mailbox.put(item{cancel: c})
	}
}

func overflow(n notification, room int) *Failure {
	return &Failure{
		Kind: Limit, Step: n.method,
		Message: fmt.Sprintf("more than %d notifications wait for the handler: make it quicker, or raise Options.NotificationQueue", room),
	}
}
