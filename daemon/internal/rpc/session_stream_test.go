package rpc

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
	"github.com/caisson-dev/caisson/daemon/internal/wire"
)

// A sentStream keeps what is sent.
type sentStream struct{ sent []*caissonv1.SessionResponse }

func (s *sentStream) Send(m *caissonv1.SessionResponse) error {
	s.sent = append(s.sent, m)
	return nil
}

func (s *sentStream) Receive() (*caissonv1.SessionRequest, error) { return nil, io.EOF }

// TestEndedStream shows that nothing is written to a stream that has ended, whoever wants to, and that no call begins
// while the calls of a stream are waited for.
func TestEndedStream(t *testing.T) {
	stream := &sentStream{}
	c := &conversation{stream: stream, ctx: t.Context(), cancel: func() {}, calls: map[string]context.CancelFunc{}, questions: map[string]chan *caissonv1.SessionAnswer{}}
	c.wait()
	if err := c.begin(&caissonv1.SessionCall{Id: "late", Method: "ping"}); err != nil {
		t.Fatal(err)
	}
	if len(stream.sent) != 1 || stream.sent[0].GetReply().GetError().GetCode() != wire.Codes[caisson.CodeConnect] || len(c.calls) != 0 {
		t.Fatalf("a call that comes late has %v, and %d calls are underway", stream.sent, len(c.calls))
	}
	c.end()
	for name, err := range map[string]error{
		"a reply":        c.begin(&caissonv1.SessionCall{Id: "late", Method: "ping"}),
		"another reply":  c.begin(&caissonv1.SessionCall{Id: "wrong", Method: "ping", Params: []byte("1")}),
		"a notification": c.tell(pool.Notification{Method: logMethod}),
		"a question":     func() error { _, err := c.ask(t.Context(), "roots/list", nil); return err }(),
	} {
		if !errors.Is(err, errOver) {
			t.Errorf("%s of a stream that has ended: %v", name, err)
		}
	}
	if len(stream.sent) != 1 {
		t.Errorf("to a stream that has ended was sent: %v", stream.sent[1:])
	}
}
