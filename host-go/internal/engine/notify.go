package engine

import "encoding/json"

// A Progress gets the progress of one call (specification, basic/utilities/progress).
type Progress struct {
	// Token is the JSON text of the progress token in the call's params.
	Token string
	// OnProgress is called for each progress notification, and each state of the call's task. The
	// instance's goroutine calls it, so it must not wait.
	OnProgress func()
	// Handle gets the params of each progress notification, in order, in a separate goroutine. It
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

// notify queues a notification for its handlers. The instance's goroutine calls it. An error ends the
// session: notifications keep their order, so none may be left out.
func (in *instance) notify(n notification) error {
	if f := in.session.config.Notified; f != nil {
		f(n.method)
	}
	if n.method == "notifications/progress" && len(in.progress) > 0 {
		in.notifyProgress(n)
	}
	if q := in.session.notifications; q != nil {
		if over := q.put(n); over != nil {
			return over
		}
	}
	return nil
}

func (in *instance) notifyProgress(n notification) {
	var params map[string]json.RawMessage // A struct would take the member in capitals for it, too.
	if json.Unmarshal(n.params, &params) != nil {
		return
	}
	c := in.progress[string(params["progressToken"])]
	if c != nil { // The token may be of no call, or of one that has settled.
		in.progressed(c, n)
	}
}

// progressed queues progress for the handler of a call. Progress that does not fit ends the call.
func (in *instance) progressed(c *call, n notification) {
	if f := c.operation.Progress.OnProgress; f != nil {
		f()
	}
	if c.progress == nil {
		return
	}
	if over := c.progress.put(n); over != nil {
		c.settle(outcome{failure: over.failure(n.method)})
		in.giveUp(c)
	}
}

// giveUp tells the core, once, that nobody waits for a call any more.
func (in *instance) giveUp(c *call) {
	if c.givenUp.CompareAndSwap(false, true) {
		in.mailbox.put(item{cancel: c})
	}
}
