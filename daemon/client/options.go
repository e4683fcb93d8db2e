package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"

	"google.golang.org/grpc"

	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

// Options say how a [Client] reaches the daemon.
type Options struct {
	// Token proves who calls: one that the daemon knows, or a JWT. Default: none, for a Unix socket, whose daemon knows
	// the user of the other end, and for a client certificate in TLS.
	Token string
	// TokenSource gives the token of each call, for tokens that expire. It is called by several goroutines at once. Set
	// this or Token.
	TokenSource func(context.Context) (string, error)
	// TLS has the client speak TLS, by TLS 1.2 at least. Default: none, and plain text.
	TLS *tls.Config
	// PlainText lets a token go without TLS to another machine: for a network that is protected in another way. Default:
	// false, and [Dial] fails for such an address.
	PlainText bool
	// Balancer is the name of the policy of grpc-go by which calls are spread over several daemons: "round_robin",
	// "least_request_experimental", "pick_first", or one that the program has registered. A session of
	// [Client.Connect] stays with the daemon that it has begun with. Default: round_robin.
	Balancer string
	// HealthCheck watches the health of each daemon (grpc.health.v1), and sends no new calls to one that says that it ends,
	// also while it goes on for a time. pick_first has no such check. It takes one stream of each connection, of which a
	// daemon has 1000 in all: where it has no more, it counts as one that ends. Default: false, and calls go to each daemon
	// whose connection stands.
	HealthCheck bool
	// ServiceConfig is a service config of gRPC, in JSON, in place of the one that Balancer, HealthCheck and the retries of
	// requests that only ask make up. A retry in it of what may have an effect may have it twice.
	ServiceConfig string
	// MaxMessageBytes bounds one message from the daemon, in bytes. Default: 64 MiB.
	MaxMessageBytes int
	// Logger gets what there is to say. Default: nothing is logged.
	Logger *slog.Logger
	// Dial is what else grpc-go is told. Default: nothing.
	Dial []grpc.DialOption
}

const defaultMaxMessageBytes = 64 << 20

// serviceConfig spreads calls, over daemons that are healthy where that is asked for, and makes again, three times in all,
// what only asks: there the status UNAVAILABLE does no harm, whether or not the daemon had begun.
func serviceConfig(balancer string, healthCheck bool) string {
	health := ""
	if healthCheck {
		health = fmt.Sprintf(`"healthCheckConfig": {"serviceName": %q},`, caissonv1connect.McpServiceName)
	}
	names := ""
	for i, method := range []string{"ListSessions", "ListTools", "ListResources", "ListResourceTemplates", "ReadResource", "ListPrompts", "GetPrompt", "Complete", "Ping"} {
		if i > 0 {
			names += ","
		}
		names += fmt.Sprintf(`{"service":"caisson.v1.McpService","method":%q}`, method)
	}
	return fmt.Sprintf(`{%s
		"loadBalancingConfig": [{%q: {}}],
		"methodConfig": [{
			"name": [%s],
			"retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}
		}]
	}`, health, balancer, names)
}
