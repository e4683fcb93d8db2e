package budget

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/caisson-dev/caisson/host-go/caisson"

	"github.com/caisson-dev/caisson/daemon/internal/access"
)

const mib = 1 << 20

// with has a handler be called by a principal with a body.
func with(t *testing.T, b *Budget, principal, encoding string, body []byte, do func(ctx context.Context, body io.Reader)) {
	t.Helper()
	r := httptest.NewRequestWithContext(access.WithPrincipal(t.Context(), &access.Principal{Name: principal}), http.MethodPost, "/", bytes.NewReader(body))
	if encoding != "" {
		r.Header.Set("Grpc-Encoding", encoding)
	}
	b.Handler(32*mib, func(err error) error { return err }, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		do(r.Context(), r.Body)
	})).ServeHTTP(httptest.NewRecorder(), r)
}

func used(t *testing.T, b *Budget, want int) {
	t.Helper()
	if got := b.Used(); got != want {
		t.Errorf("%d bytes are in flight, and not %d", got, want)
	}
}

// TestBounds reads messages of two principals, up to the bounds of one and of all.
func TestBounds(t *testing.T) {
	b := New(3*mib, 5*mib)
	message := make([]byte, 2*mib)
	with(t, b, "alice", "", message, func(_ context.Context, body io.Reader) {
		if _, err := io.ReadAll(body); err != nil {
			t.Fatal(err)
		}
		used(t, b, 2*mib+leastBytes)
		with(t, b, "alice", "", message, func(_ context.Context, body io.Reader) {
			if _, err := io.ReadAll(body); caisson.CodeOf(err) != caisson.CodeLimit {
				t.Errorf("a second message: %v", err)
			}
		})
		used(t, b, 2*mib+leastBytes)
		with(t, b, "bob", "identity", message, func(_ context.Context, body io.Reader) {
			if _, err := io.ReadAll(body); err != nil {
				t.Errorf("somebody else's: %v", err)
			}
			with(t, b, "carol", "", message, func(_ context.Context, body io.Reader) {
				if _, err := io.ReadAll(body); caisson.CodeOf(err) != caisson.CodeLimit {
					t.Errorf("what is too much for all: %v", err)
				}
			})
		})
		b.Set(5*mib, 5*mib)
		with(t, b, "alice", "", message, func(_ context.Context, body io.Reader) {
			if _, err := io.ReadAll(body); err != nil {
				t.Errorf("after the bound was raised: %v", err)
			}
		})
	})
	used(t, b, 0)
	if len(b.of) != 0 {
		t.Errorf("%v are remembered", b.of)
	}
}

// TestCalls shows that calls without a message count too.
func TestCalls(t *testing.T) {
	b := New(3*leastBytes, mib)
	var open func(n int)
	open = func(n int) {
		with(t, b, "alice", "", nil, func(_ context.Context, body io.Reader) {
			_, err := io.ReadAll(body)
			switch {
			case (caisson.CodeOf(err) == caisson.CodeLimit) != (n > 3):
				t.Errorf("call %d: %v", n, err)
			case err == nil:
				open(n + 1)
			}
		})
	}
	open(1)
	used(t, b, 0)
}

// TestCompressed shows that a compressed message counts as what it can become until it is known.
func TestCompressed(t *testing.T) {
	b := New(64*mib, 64*mib)
	for n, want := range map[int]int{0: 0, 1000: 1000 * maxRatio, mib: 32 * mib} {
		with(t, b, "alice", "gzip", make([]byte, n), func(ctx context.Context, body io.Reader) {
			if _, err := io.ReadAll(body); err != nil {
				t.Fatal(err)
			}
			used(t, b, want+leastBytes)
			from(ctx).decoded(wrapperspb.Bytes(make([]byte, 100)))
			used(t, b, min(want, 102)+leastBytes)
		})
	}
	used(t, b, 0)
}

// TestStream reads several messages of one call, of which one is kept.
func TestStream(t *testing.T) {
	b := New(64*mib, 64*mib)
	with(t, b, "alice", "", make([]byte, 3*mib), func(ctx context.Context, body io.Reader) {
		receive := func() {
			t.Helper()
			from(ctx).next()
			if _, err := io.CopyN(io.Discard, body, mib); err != nil {
				t.Fatal(err)
			}
		}
		receive()
		used(t, b, mib+leastBytes)
		release := Keep(ctx)
		receive()
		used(t, b, 2*mib+leastBytes)
		receive()
		used(t, b, 2*mib+leastBytes)
		release()
		release()
		used(t, b, mib+leastBytes)
		late := Keep(ctx)
		defer late() // The handler returns before, as with a call that is late.
	})
	used(t, b, 0)
	Keep(t.Context())() // A context without a call has nothing.
}
