package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/balancer/leastrequest" // so that Options.Balancer can name it
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // so that Options.HealthCheck has it watch the health
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// silence is how long a daemon may be silent while a call is underway before it is asked whether it is there, and pingWait
// how long it may take to answer. Then the call ends with [caisson.CodeTransport].
const (
	silence  = 30 * time.Second
	pingWait = 15 * time.Second
)

// A Client reaches a daemon, or several that are equivalent. Its methods are safe for concurrent use. Close it.
type Client struct {
	conn *grpc.ClientConn
	log  *slog.Logger
}

// Dial makes a client of the daemons at a target. It does not connect: the first call does.
//
// The target is host:port, several of them with commas between them, unix:PATH, or a target of grpc-go such as
// "dns:///daemon.example:3285", whose addresses are looked up again when one fails. The options may be nil. Dial fails
// with [caisson.CodeInvalidArgument].
func Dial(target string, options *Options) (*Client, error) {
	o := Options{}
	if options != nil {
		o = *options
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Balancer == "" {
		o.Balancer = "round_robin"
	}
	if o.ServiceConfig == "" {
		o.ServiceConfig = serviceConfig(o.Balancer, o.HealthCheck)
	}
	if o.MaxMessageBytes <= 0 {
		o.MaxMessageBytes = defaultMaxMessageBytes
	}
	if o.Token != "" && o.TokenSource != nil {
		return nil, invalid("Options.Token and Options.TokenSource are both set: set one")
	}
	secret := o.Token != "" || o.TokenSource != nil
	if secret && o.TLS == nil && !o.PlainText && !local(target) {
		return nil, invalid("a token would go to " + target + " in plain text: set Options.TLS, or Options.PlainText where the network is protected")
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(o.ServiceConfig),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(o.MaxMessageBytes)),
		grpc.WithStatsHandler(sentHandler{}),
		// Without it, a call would wait for a daemon that a network has cut off for as long as it has time.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: silence, Timeout: pingWait}),
	}
	if o.TLS != nil {
		dial[0] = grpc.WithTransportCredentials(credentials.NewTLS(o.TLS))
	}
	if secret {
		dial = append(dial, grpc.WithPerRPCCredentials(&bearer{token: o.Token, source: o.TokenSource}))
	}
	if addresses := strings.Split(target, ","); len(addresses) > 1 {
		r := manual.NewBuilderWithScheme("caissond")
		state := resolver.State{}
		for _, address := range addresses {
			state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: address, ServerName: hostOf(address)}}})
		}
		r.InitialState(state)
		dial = append(dial, grpc.WithResolvers(r))
		target = "caissond:///several"
	}
	conn, err := grpc.NewClient(target, append(dial, o.Dial...)...)
	if err != nil {
		return nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "dial", Message: err.Error(), Err: err}
	}
	return &Client{conn: conn, log: o.Logger}, nil
}

func invalid(message string) error {
	return &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "dial", Message: message}
}

// local reports whether a target leads to nothing but this machine.
func local(target string) bool {
	for address := range strings.SplitSeq(target, ",") {
		if strings.HasPrefix(address, "unix:") || strings.HasPrefix(address, "unix-abstract:") {
			continue
		}
		for _, scheme := range []string{"dns:///", "passthrough:///"} {
			address = strings.TrimPrefix(address, scheme)
		}
		host := hostOf(address)
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// Close ends the connections. Calls that are underway fail with [caisson.CodeClosed].
func (c *Client) Close() error { return c.conn.Close() }

// bearer puts a token into each call.
type bearer struct {
	token  string
	source func(context.Context) (string, error)
}

// GetRequestMetadata returns the token as gRPC sends it.
func (b *bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token := b.token
	if b.source != nil {
		var err error
		if token, err = b.source(ctx); err != nil {
			return nil, fmt.Errorf("%w: %w", errNoToken, err)
		}
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

// RequireTransportSecurity is false: Dial has looked at where the token goes.
func (b *bearer) RequireTransportSecurity() bool { return false }

var errNoToken = errors.New("Options.TokenSource gave no token")
