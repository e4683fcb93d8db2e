package store

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// connectWait bounds connecting with one server.
	connectWait = 5 * time.Second
	// pingInterval, and twice of it without an answer, is when a connection that is silent counts as lost.
	pingInterval = 5 * time.Second
)

// NATS says which servers are meant, and who this daemon is to them. Files are in PEM, or as NATS makes them.
type NATS struct {
	// URL is nats://host:port or tls://host:port; several have commas between them.
	URL string
	// Credentials is a file of a user, as nsc makes it (.creds), or of the seed of an NKey. Default: none.
	Credentials string
	// CA is the authority of the servers' certificates. Default: those of the system.
	CA string
	// Certificate and Key are this daemon's. Default: none.
	Certificate, Key string
	// Replicas is how many servers have a copy of what is kept. Default: 1.
	Replicas int
}

// place is the URL without what could be a secret.
func (n *NATS) place() string {
	hosts := []string{}
	for _, one := range strings.Split(n.URL, ",") {
		if u, err := url.Parse(strings.TrimSpace(one)); err == nil {
			hosts = append(hosts, u.Scheme+"://"+u.Host)
		}
	}
	return strings.Join(hosts, ",")
}

// connect connects with one of the servers.
func (n *NATS) connect(log *slog.Logger) (*nats.Conn, error) {
	failed := func(message string, err error) (*nats.Conn, error) {
		return nil, &Error{Place: n.place(), Step: "open", Message: message, Err: err}
	}
	options := []nats.Option{
		nats.Name("caissond"), nats.Timeout(connectWait), nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(2),
		// Who publishes while no server is there hears of it: what comes later could be too late, or come twice.
		nats.ReconnectBufSize(-1),
		// A user that has expired may be good again: its file is read at each attempt.
		nats.IgnoreAuthErrorAbort(),
		nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond), nats.ReconnectJitter(250*time.Millisecond, time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("the connection with NATS is lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			log.Info("NATS is there again", "server", c.ConnectedUrlRedacted())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			subject := ""
			if s != nil {
				subject = s.Subject
			}
			log.Warn("NATS reports an error", "subject", subject, "error", err)
		}),
	}
	if n.Credentials != "" {
		credentials, err := user(n.Credentials)
		if err != nil {
			return failed("the credentials "+n.Credentials+": "+err.Error(), err)
		}
		options = append(options, credentials)
	}
	if n.CA != "" || n.Certificate != "" || strings.HasPrefix(n.URL, "tls://") {
		options = append(options, nats.Secure(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	if n.CA != "" {
		options = append(options, nats.RootCAs(n.CA))
	}
	if n.Certificate != "" {
		options = append(options, nats.ClientCert(n.Certificate, n.Key))
	}
	conn, err := nats.Connect(n.URL, options...)
	if err != nil {
		return failed("NATS cannot be reached: "+err.Error()+": start it, or correct nats.url and what it needs", err)
	}
	return conn, nil
}

// user reads who this daemon is. The file is read again at each connection, so that it may change.
func user(path string) (nats.Option, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(text, []byte("BEGIN NATS USER JWT")) {
		return nats.UserCredentials(path), nil
	}
	return nats.NkeyOptionFromSeed(path)
}
