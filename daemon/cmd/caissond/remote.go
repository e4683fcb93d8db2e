package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/config"
)

// maxAnswerBytes bounds one message of the daemon's.
const maxAnswerBytes = 64 << 20

// A remote is a daemon that runs, and how it is reached.
type remote struct {
	addr, tokenFile, ca, cert, key string
	tls, plainText, json           bool
	timeout                        time.Duration
}

// flags adds those of a command that asks a daemon, and of those below it.
func (r *remote) flags(c *cobra.Command) {
	f := c.PersistentFlags()
	f.StringVar(&r.addr, "addr", config.DefaultListen, "the daemon listens at `ADDRESS`, host:port or unix:PATH")
	f.StringVar(&r.tokenFile, "token-file", "", "the token is in `FILE` (default \"caisson/daemon/token\" in your configuration folder, for a daemon of this machine)")
	f.BoolVar(&r.tls, "tls", false, "speak TLS")
	f.StringVar(&r.ca, "ca", "", "trust the authorities in `FILE` (PEM), in place of those of the system; with TLS")
	f.StringVar(&r.cert, "cert", "", "say who you are by the certificate in `FILE` (PEM); with TLS")
	f.StringVar(&r.key, "key", "", "the key of --cert is in `FILE` (PEM)")
	f.BoolVar(&r.plainText, "plain-text", false, "send the token to another machine without TLS: the network is protected")
	f.DurationVar(&r.timeout, "timeout", 3*time.Minute, "give up after `DURATION`")
	f.BoolVar(&r.json, "json", false, "print the answer as JSON, as the service's messages are in JSON")
	c.MarkFlagsRequiredTogether("cert", "key")
}

// client makes what reaches the daemon, and the URL of its services.
func (r *remote) client() (*http.Client, string, error) {
	host, _, err := net.SplitHostPort(r.addr)
	path, unix := strings.CutPrefix(r.addr, "unix:")
	if !unix && err != nil {
		return nil, "", usage("--addr %q is neither host:port nor unix:PATH", r.addr)
	}
	secure := r.tls || r.ca != "" || r.cert != ""
	local := unix || host == "localhost" || net.ParseIP(host).IsLoopback()
	token, err := r.token(local && r.cert == "")
	if err != nil {
		return nil, "", err
	}
	if token != "" && !secure && !local && !r.plainText {
		return nil, "", usage("the token would go to %s in plain text: use --tls, or --plain-text where the network is protected", r.addr)
	}
	transport := &http.Transport{Protocols: &http.Protocols{}}
	if unix {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	url := "http://" + r.addr
	if unix {
		url = "http://localhost"
	}
	if secure {
		transport.Protocols.SetHTTP2(true)
		if transport.TLSClientConfig, err = r.secure(); err != nil {
			return nil, "", err
		}
		url = "https" + strings.TrimPrefix(url, "http")
	}
	return &http.Client{Transport: &access.WithToken{Token: token, Next: transport}}, url, nil
}

// token reads it. Without a word of it, it is the one that the daemon of this machine has made, if there is one.
func (r *remote) token(own bool) (string, error) {
	path := r.tokenFile
	if path == "" {
		folder, err := access.Folder()
		if !own || err != nil {
			return "", nil
		}
		path = filepath.Join(folder, "token")
	}
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		return strings.TrimSpace(string(text)), nil
	case r.tokenFile == "" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)):
		return "", nil
	}
	return "", usage("--token-file: %v", err)
}

// secure is the configuration of TLS.
func (r *remote) secure() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if r.ca != "" {
		text, err := os.ReadFile(r.ca)
		if err != nil {
			return nil, usage("--ca: %v", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, usage("--ca: %s has no certificate in PEM", r.ca)
		}
	}
	if r.cert != "" {
		certificate, err := tls.LoadX509KeyPair(r.cert, r.key)
		if err != nil {
			return nil, usage("--cert: %v", err)
		}
		c.Certificates = []tls.Certificate{certificate}
	}
	return c, nil
}

// adminCall makes a call of the AdminService, and prints its answer.
func adminCall[Q, A any](c *cobra.Command, r *remote, method func(caissonv1connect.AdminServiceClient, context.Context, *connect.Request[Q]) (*connect.Response[A], error), q *Q, text func(*table, *A)) error {
	_, err := ask(c, r, caissonv1connect.NewAdminServiceClient, method, q, text)
	return err
}

// ask makes a call of a service, and prints its answer: as JSON, or as text does.
func ask[C, Q, A any](c *cobra.Command, r *remote, service func(connect.HTTPClient, string, ...connect.ClientOption) C, method func(C, context.Context, *connect.Request[Q]) (*connect.Response[A], error), q *Q, text func(*table, *A)) (*A, error) {
	answer, err := call(c, r, service, method, q)
	if err != nil {
		return nil, err
	}
	if err := show(c, r, answer, text); err != nil {
		return nil, err
	}
	return answer, missing(c, answer)
}

// call makes a call of a service, within the time of --timeout.
func call[C, Q, A any](c *cobra.Command, r *remote, service func(connect.HTTPClient, string, ...connect.ClientOption) C, method func(C, context.Context, *connect.Request[Q]) (*connect.Response[A], error), q *Q) (*A, error) {
	client, url, err := r.client()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.Context(), r.timeout)
	defer cancel()
	got, err := method(service(client, url, connect.WithReadMaxBytes(maxAnswerBytes)), ctx, connect.NewRequest(q))
	if err != nil {
		return nil, r.failed(err)
	}
	return got.Msg, nil
}

// show prints a message.
func show[A any](c *cobra.Command, r *remote, message *A, text func(*table, *A)) error {
	if r.json {
		line, err := protojson.Marshal(any(message).(proto.Message))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), compact(line))
		return err
	}
	t := newTable()
	text(t, message)
	return t.write(c.OutOrStdout())
}

// missing says which daemons are missing in an answer.
func missing(c *cobra.Command, message any) error {
	m, ok := message.(interface {
		GetFailures() []*caissonv1.DaemonFailure
	})
	if !ok || len(m.GetFailures()) == 0 {
		return nil
	}
	for _, f := range m.GetFailures() {
		fmt.Fprintf(c.ErrOrStderr(), "%s: %s\n", cmp.Or(f.GetDaemon(), "the daemon"), clean(f.GetError().GetMessage()))
	}
	return &exitError{exitFailure, fmt.Errorf("%d of the daemons have not answered, or have failed", len(m.GetFailures()))}
}
