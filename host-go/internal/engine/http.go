package engine

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// A template is a request that is kept, and what of the budget it takes.
type template struct {
	*egress.Template
	size int64
}

// What a request costs beside its text, and a field of its header.
const (
	requestSize = 512
	fieldSize   = 96
)

func (in *instance) httpStart(args []any) error {
	return in.ofSession(1, func(args []any) error {
		request, size := decodeRequest(args[2].(component.Record))
		// Looked at only when there is room for it.
		return in.send(args[0].(uint32), size, func(ref egress.Ref, how egress.Sending) error {
			return in.session.egress.HTTPStart(ref, request, how)
		})
	})(args)
}

func (in *instance) httpPrepare(args []any) error {
	return in.ofSession(1, func(args []any) error {
		id := args[0].(uint32)
		if id >= MaxTemplates {
			return fmt.Errorf("http-prepare: template %d, and there are %d", id, MaxTemplates)
		}
		request, size := decodeRequest(args[2].(component.Record))
		in.budget.give(templates, in.templates[id].size)
		delete(in.templates, id)
		if over := in.budget.take(templates, size); over != nil {
			return over
		}
		request.Body = nil
		in.templates[id] = template{in.session.egress.Template(request), size}
		return nil
	})(args)
}

func (in *instance) httpPost(args []any) error {
	t, ok := in.templates[args[1].(uint32)]
	if !ok {
		return fmt.Errorf("http-post: there is no template %d", args[1])
	}
	body := args[2].(string)
	return in.send(args[0].(uint32), int64(requestSize+len(body)), func(ref egress.Ref, how egress.Sending) error {
		return in.session.egress.HTTPPost(ref, t.Template, &body, how)
	})
}

// send begins an exchange that holds size bytes until it has ended.
func (in *instance) send(id uint32, size int64, begin func(egress.Ref, egress.Sending) error) error {
	ref, ok := in.exchanges.add(id)
	if !ok {
		return fmt.Errorf("exchange %d: %w", id, egress.ErrInUse)
	}
	end := func(err *egress.Error) event { return endEvent{ref, err} }
	if over := in.budget.take(requestBodies, size); over != nil {
		return in.refuse(end(&egress.Error{Kind: egress.Limit, Server: in.session.config.Grant.Server, Message: over.Error(), Err: over}))
	}
	freed := func() { in.budget.give(requestBodies, size) }
	return in.refused(begin(ref, egress.Sending{Asked: in.asked, Freed: freed}), end)
}

func (in *instance) httpAbort(args []any) error {
	if ref, ok := in.exchanges.open[args[0].(uint32)]; ok {
		in.exchanges.remove(ref)
		in.session.egress.HTTPAbort(ref)
	}
	return nil
}

// decodeRequest returns a request, and about what it costs to hold.
func decodeRequest(request component.Record) (egress.Request, int64) {
	r := egress.Request{Method: request[0].(string), URL: request[1].(string)}
	size := requestSize + len(r.Method) + len(r.URL)
	for _, h := range request[2].([]any) {
		pair := h.(component.Tuple)
		name, value := pair[0].(string), pair[1].(string)
		r.Header = append(r.Header, [2]string{name, value})
		size += fieldSize + len(name) + len(value)
	}
	if body := request[3].(component.Option); body.Some {
		text := body.Value.(string)
		r.Body = &text
		size += len(text)
	}
	return r, int64(size)
}
