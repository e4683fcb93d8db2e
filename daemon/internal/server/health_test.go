package server

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// TestWatchEnds shows that who watches the health hears that the daemon drains, and does not keep it from ending.
func TestWatchEnds(t *testing.T) {
	h := newHealth()
	mux := http.NewServeMux()
	mux.Handle(h.handler())
	watching := connect.NewClient[healthv1.HealthCheckRequest, healthv1.HealthCheckResponse](http.DefaultClient, serveHTTP(t, mux)+"/grpc.health.v1.Health/Watch")
	for _, service := range []string{"", caissonv1connect.McpServiceName} {
		stream, err := watching.CallServerStream(t.Context(), connect.NewRequest(&healthv1.HealthCheckRequest{Service: service}))
		if err != nil || !stream.Receive() || stream.Msg().GetStatus() != healthv1.HealthCheckResponse_SERVING {
			t.Fatalf("%q: %v, %v", service, stream.Msg(), err)
		}
		defer func() {
			if !stream.Receive() || stream.Msg().GetStatus() != healthv1.HealthCheckResponse_NOT_SERVING {
				t.Errorf("%q: while it drains: %v, %v", service, stream.Msg(), stream.Err())
			}
			if stream.Receive() || connect.CodeOf(stream.Err()) != connect.CodeUnavailable {
				t.Errorf("%q: then: %v, %v", service, stream.Msg(), stream.Err())
			}
			_ = stream.Close()
			storetest.Until(t, func() bool { return len(h.watchers) == 0 })
		}()
	}
	for len(h.watchers) < cap(h.watchers) {
		h.watchers <- struct{}{}
	}
	stream, err := watching.CallServerStream(t.Context(), connect.NewRequest(&healthv1.HealthCheckRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if stream.Receive() || connect.CodeOf(stream.Err()) != connect.CodeResourceExhausted {
		t.Errorf("one too many: %v", stream.Err())
	}
	for len(h.watchers) > 2 {
		<-h.watchers
	}
	h.drain()
}

// TestBombs shows that nobody makes a message of any protocol larger than its bound by compressing it: neither a caller
// nor somebody of whom it is not known who they are.
func TestBombs(t *testing.T) {
	d := start(t, "")
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := io.Copy(z, io.LimitReader(zeros{}, maxMessageBytes+1)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer // It is compressed to less than what a question for the health may have.
	z = gzip.NewWriter(&small)
	_, _ = z.Write(make([]byte, 1<<20))
	_ = z.Close()
	framed := func(text []byte) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{1}, uint32(len(text))), text...)
	}
	for _, path := range []string{
		"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
		caissonv1connect.McpServiceCallToolProcedure, caissonv1connect.ScriptServiceRunScriptProcedure, caissonv1connect.AdminServiceListServersProcedure,
	} {
		token, text := d.token("alice"), bomb.Bytes()
		if strings.Contains(path, "health") {
			token, text = "", small.Bytes()
		}
		for kind, body := range map[string][]byte{"application/grpc": framed(text), "application/grpc-web": framed(text), "application/connect+proto": framed(text), "application/proto": text} {
			stream := strings.HasSuffix(path, "Watch") || strings.Contains(path, "reflection")
			if stream == (kind == "application/proto") || !stream && kind == "application/connect+proto" {
				continue
			}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+path, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", kind)
			for _, header := range []string{"Grpc-Encoding", "Connect-Content-Encoding", "Content-Encoding"} {
				if header == "Content-Encoding" && kind != "application/proto" {
					continue
				}
				request.Header.Set(header, "gzip")
			}
			response, err := client(token).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err != nil {
				t.Errorf("%s %s: %v", path, kind, err)
			}
			said := string(answer) + response.Header.Get("Grpc-Status") + response.Trailer.Get("Grpc-Status") + response.Header.Get("Grpc-Message") + response.Trailer.Get("Grpc-Message")
			if !strings.Contains(said, "larger than configured max") {
				t.Errorf("%s %s: %d %q", path, kind, response.StatusCode, said)
			}
		}
	}
	large, err := http.Post(d.url+"/grpc.health.v1.Health/Check", "application/json", io.LimitReader(zeros{}, maxHealthBytes+1))
	if err != nil {
		t.Fatal(err)
	}
	defer large.Body.Close()
	if large.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a question that is too long: %d", large.StatusCode)
	}
}

// zeros has no end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
