package egress

import (
	"context"
	"errors"
	"io"
	"time"
)

// Messages are a connection of the program's own with its server, in place of a command. Read may be
// called beside Write and Close, and Close ends a Read that waits.
type Messages interface {
	// Read waits for the next message: the text of one JSON-RPC message, or of a batch. It fails with
	// [io.EOF] when the server has ended the connection.
	Read(ctx context.Context) (string, error)
	Write(ctx context.Context, message string) error
	Close() error
}

// serveMessages does a pipe on the program's own connection until it is over. It returns nil when the
// core asked for the end.
func (p *pipe) serveMessages() *Error {
	policy := p.session.policy
	if why, needless := p.needless(); needless {
		return why
	}
	// Not the session's context: what is written at its end still goes out.
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.session.ctx))
	defer cancel()
	messages, err := policy.dial(p.session.ctx)
	if err != nil {
		return policy.fail(Connect, p.name+" gives no connection: "+err.Error(), err)
	}
	sent, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sent)
		p.sendMessages(ctx, messages)
	}()
	go func() {
		defer close(ended)
		<-p.stopping
		// What the core has written still goes out, where that does not take for ever.
		late := time.NewTimer(p.session.opts.CloseWait)
		defer late.Stop()
		select {
		case <-sent:
		case <-late.C:
		}
		cancel()
		_ = messages.Close()
	}()
	p.receiveMessages(ctx, messages)
	<-ended
	<-sent
	return p.why
}

// receiveMessages hands on what the server says until the connection ends.
func (p *pipe) receiveMessages(ctx context.Context, messages Messages) {
	for {
		message, err := messages.Read(ctx)
		if err != nil {
			if errors.Is(err, io.EOF) {
				p.stop(p.session.policy.fail(Transport, p.name+" has ended", err))
			} else {
				p.stop(p.session.policy.fail(Transport, p.name+" broke: "+err.Error(), err))
			}
			return
		}
		if int64(len(message)) > p.session.opts.MaxMessage {
			p.stop(p.tooLarge())
			return
		}
		p.deliver(message, false)
	}
}

// sendMessages sends what the core writes, in order.
func (p *pipe) sendMessages(ctx context.Context, messages Messages) {
	for {
		batch := p.outbox.next()
		if batch == nil {
			return
		}
		for _, message := range batch {
			if err := messages.Write(ctx, message); err != nil {
				p.stop(p.session.policy.fail(Transport, p.name+" takes no message: "+err.Error(), err))
				return
			}
		}
		p.outbox.sent(batch)
	}
}
