package budget

import (
	"context"
	"io"
	"net/http"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/caisson-dev/caisson/daemon/internal/access"
)

// maxRatio is how much larger than what is compressed by deflate its text is at most.
const maxRatio = 1032

// A call is what one call of a principal has taken.
type call struct {
	budget     *Budget
	principal  string
	most       int64 // of one message
	compressed bool
	status     func(error) error

	mu    sync.Mutex
	own   int64 // for the call itself
	taken int64 // of the message that was read the last time
	kept  int64 // of messages before it
	over  bool
}

type callKey struct{}

// Handler counts what the callers of a handler send, whom the context of the request names. A message has so many bytes at
// most, decompressed too. Status gives an error the form in which the handler's readers pass it on.
func (b *Budget) Handler(most int64, status func(error) error, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := access.FromContext(r.Context())
		if p == nil {
			next.ServeHTTP(w, r)
			return
		}
		c := &call{budget: b, principal: p.Name, most: most, compressed: isCompressed(r.Header), status: status}
		defer c.end()
		r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
		r.Body = &body{r.Body, c}
		next.ServeHTTP(w, r)
	})
}

// isCompressed reports whether a request says that its messages may be.
func isCompressed(h http.Header) bool {
	for _, name := range [...]string{"Grpc-Encoding", "Connect-Content-Encoding", "Content-Encoding"} {
		if of := h.Get(name); of != "" && of != "identity" {
			return true
		}
	}
	return false
}

// A body takes what is read.
type body struct {
	io.ReadCloser
	call *call
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if failed := b.call.read(int64(n)); failed != nil {
		return 0, b.call.status(failed)
	}
	return n, err
}

// read takes what was read. What is compressed counts as what it can become.
func (c *call) read(n int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return http.ErrBodyReadAfterClose
	}
	if c.compressed {
		n *= maxRatio
	}
	n = min(n, c.most-c.taken) // Of what is larger nothing is kept.
	own := leastBytes - c.own
	if n+own == 0 {
		return nil
	}
	if err := c.budget.take(c.principal, n+own); err != nil {
		return err
	}
	c.own += own
	c.taken += n
	return nil
}

// end gives all of it back.
func (c *call) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.give(&c.own, c.own)
	c.give(&c.taken, c.taken)
	c.give(&c.kept, c.kept)
}

// give gives some of it back. With c.mu held.
func (c *call) give(of *int64, n int64) {
	if n > 0 {
		c.budget.give(c.principal, n)
		*of -= n
	}
}

// decoded says how large the message is that was read.
func (c *call) decoded(message any) {
	of, ok := message.(proto.Message)
	if !c.compressed || !ok {
		return
	}
	n := int64(proto.Size(of))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.give(&c.taken, c.taken-n)
}

// next says that the message before is not needed any more.
func (c *call) next() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.give(&c.taken, c.taken)
}

// Keep has the message of a stream that was read the last time count until release is called: else it does until the next one
// is read. The context is the stream's.
func Keep(ctx context.Context) (release func()) {
	c := from(ctx)
	if c == nil {
		return func() {}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.taken
	c.kept, c.taken = c.kept+n, 0
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.over {
			c.give(&c.kept, n)
		}
	})
}

// from is the call of a context; nil for none.
func from(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}
