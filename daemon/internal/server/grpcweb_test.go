package server

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

// web calls by gRPC-Web over HTTP/1.1, without a library, and gives the messages of the body, and the trailers, which are the
// last of it.
func web(t *testing.T, d *daemon, procedure string, message proto.Message) (messages [][]byte, trailers textproto.MIMEHeader) {
	t.Helper()
	text, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	body := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text))), text...)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+procedure, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": "application/grpc-web+proto", "X-Grpc-Web": "1", "Authorization": "Bearer " + d.token("alice")} {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil || answer.ProtoMajor != 1 || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/grpc-web+proto" || len(answer.Trailer) > 0 {
		t.Fatalf("%s: %s %s, %v, trailers of HTTP %v, %v", procedure, answer.Proto, answer.Status, answer.Header, answer.Trailer, err)
	}
	if status := answer.Header.Get("Grpc-Status"); status != "" && len(all) == 0 { // There is no body: the trailers are headers.
		return nil, textproto.MIMEHeader(answer.Header)
	}
	for len(all) > 0 {
		if trailers != nil {
			t.Fatalf("%s: something is behind the trailers: %q", procedure, all)
		}
		if len(all) < 5 || len(all[5:]) < int(binary.BigEndian.Uint32(all[1:])) {
			t.Fatalf("%s: what is left is no frame: %q", procedure, all)
		}
		n := 5 + int(binary.BigEndian.Uint32(all[1:]))
		flags, frame := all[0], all[5:n]
		all = all[n:]
		switch flags {
		case 0:
			messages = append(messages, frame)
		case 1 << 7:
			trailers = textproto.MIMEHeader{}
			for line := range strings.SplitSeq(strings.TrimSuffix(string(frame), "\r\n"), "\r\n") {
				name, value, ok := strings.Cut(line, ":")
				if !ok || name != strings.ToLower(name) {
					t.Fatalf("%s: the trailers are %q", procedure, frame)
				}
				trailers.Add(name, strings.TrimSpace(value))
			}
		default:
			t.Fatalf("%s: a frame has the flags %x", procedure, flags)
		}
	}
	if trailers == nil {
		t.Fatalf("%s: there are no trailers", procedure)
	}
	return messages, trailers
}

// TestGRPCWeb calls as a browser does, which has neither HTTP/2 of its own nor trailers: one answer, several, and an error
// with its details.
func TestGRPCWeb(t *testing.T) {
	d := start(t, servers("up", newUpstream(t).url))
	messages, trailers := web(t, d, caissonv1connect.McpServiceCallToolProcedure, &caissonv1.CallToolRequest{Target: byServer("up"), Name: "echo", Arguments: []byte(`{"text":"hello"}`)})
	one := &caissonv1.CallToolResponse{}
	if len(messages) != 1 || trailers.Get("Grpc-Status") != "0" {
		t.Fatalf("%d messages, %v", len(messages), trailers)
	}
	if err := proto.Unmarshal(messages[0], one); err != nil || echo(t, one.GetResult()) != "hello" {
		t.Errorf("%v, %v", one, err)
	}
	messages, trailers = web(t, d, caissonv1connect.McpServiceCallToolStreamProcedure, &caissonv1.CallToolStreamRequest{Target: byServer("up"), Name: "progress"})
	if len(messages) != 4 || trailers.Get("Grpc-Status") != "0" {
		t.Fatalf("%d messages, %v", len(messages), trailers)
	}
	for i, text := range messages {
		part := &caissonv1.CallToolStreamResponse{}
		if err := proto.Unmarshal(text, part); err != nil || (part.GetResult() != nil) != (i == 3) || (part.GetProgress() != nil) != (i < 3) {
			t.Errorf("message %d: %v, %v", i, part, err)
		}
	}
	_, trailers = web(t, d, caissonv1connect.McpServiceReadResourceProcedure, &caissonv1.ReadResourceRequest{Target: byServer("up"), Uri: "x:y"})
	text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(trailers.Get("Grpc-Status-Details-Bin"), "="))
	if err != nil || trailers.Get("Grpc-Status") != "2" || trailers.Get("Grpc-Message") == "" {
		t.Fatalf("an error: %v, %v", trailers, err)
	}
	status, of := &spb.Status{}, &caissonv1.Error{}
	if err := proto.Unmarshal(text, status); err != nil || len(status.GetDetails()) != 1 || status.GetDetails()[0].UnmarshalTo(of) != nil || of.GetCode() != caissonv1.Code_CODE_RPC {
		t.Errorf("the details are %v, %v", status, err)
	}
}

// TestGRPCWebEnd shows that an error which comes behind messages is in the body too. The daemon may drain before it has said
// that it serves.
func TestGRPCWebEnd(t *testing.T) {
	d := start(t, "")
	go func() {
		for len(d.health.watchers) == 0 && t.Context().Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		d.Drain()
	}()
	messages, trailers := web(t, d, "/grpc.health.v1.Health/Watch", &healthv1.HealthCheckRequest{Service: caissonv1connect.McpServiceName})
	if len(messages) == 0 || len(messages) > 2 || trailers.Get("Grpc-Status") != "14" || !strings.Contains(trailers.Get("Grpc-Message"), "the daemon ends") {
		t.Errorf("%d messages, %v", len(messages), trailers)
	}
}

// TestGRPCWebText refuses the form in base64, which nothing here speaks, and says which there are.
func TestGRPCWebText(t *testing.T) {
	d := start(t, "")
	for _, kind := range []string{"application/grpc-web-text", "application/grpc-web-text+proto"} {
		answer := from(t, d, d.url, http.MethodPost, caissonv1connect.McpServiceListSessionsProcedure, map[string]string{
			"Content-Type": kind, "Authorization": "Bearer " + d.token("alice"), "body": base64.StdEncoding.EncodeToString(make([]byte, 5)),
		})
		if answer.StatusCode != http.StatusUnsupportedMediaType || !strings.Contains(answer.Header.Get("Accept-Post"), "application/grpc-web+proto") {
			t.Errorf("%s: %s, %v", kind, answer.Status, answer.Header)
		}
	}
}
