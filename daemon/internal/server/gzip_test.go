package server

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

// TestUnzipped shows that a message is decompressed up to its bound, and no further, and that the next one is again.
func TestUnzipped(t *testing.T) {
	zip := func(n int64) io.Reader {
		var text bytes.Buffer
		z := gzip.NewWriter(&text)
		if _, err := io.Copy(z, io.LimitReader(zeros{}, n)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return &text
	}
	u := &unzipper{}
	for n, want := range map[int64]error{3 * maxUnzipped: errUnzipped, maxMessageBytes: nil, 0: nil} {
		if err := u.Reset(zip(n)); err != nil {
			t.Fatal(err)
		}
		read, err := io.Copy(io.Discard, u)
		if !errors.Is(err, want) || read != min(n, maxUnzipped) {
			t.Errorf("of %d bytes %d are read: %v", n, read, err)
		}
	}
}

// TestZipped shows that answers are compressed for callers who ask for it, where that is worth the time.
func TestZipped(t *testing.T) {
	d := start(t, servers("s", newUpstream(t).url))
	zipped := func(text string) bool {
		body := fmt.Sprintf(`{"target":{"server":"s"},"name":"echo","arguments":%q}`, base64.StdEncoding.EncodeToString([]byte(`{"text":"`+text+`"}`)))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+caissonv1connect.McpServiceCallToolProcedure, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept-Encoding", "gzip")
		answer, err := client(d.token("only-mcp")).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatal(answer.Status)
		}
		return answer.Header.Get("Content-Encoding") == "gzip"
	}
	if zipped("hello") || !zipped(strings.Repeat("hello ", minZipped)) {
		t.Error("a small answer is compressed, or a large one is not")
	}
}
