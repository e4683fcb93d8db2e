package config

import (
	"net"
	"net/url"
	"strings"
)

// maxReplicas is what NATS has at most.
const maxReplicas = 5

// check finds what is wrong with the addresses of NATS. Its messages do not have them, as there could be a password.
func (n *NATS) check(wrong func(key, format string, args ...any) error) error {
	if n.URL == "" {
		return wrong("nats.url", "it is missing, such as nats://127.0.0.1:4222")
	}
	for one := range strings.SplitSeq(n.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		switch {
		case err != nil, u.Scheme != "nats" && u.Scheme != "tls", u.Host == "":
			return wrong("nats.url", "it is neither nats://host:port nor tls://host:port, nor several of them with commas between")
		case u.User != nil:
			return wrong("nats.url", "it has a user in it: addresses get into logs; have the user in a file, and name that in nats.credentials")
		case u.Scheme == "nats" && !n.PlainText && !isLoopback(u.Hostname()):
			return wrong("nats.url", "%s is another machine, and results of calls would go there in clear text: use tls://, or set nats.plainText where the network is protected", u.Host)
		}
	}
	if (n.Certificate == "") != (n.Key == "") {
		return wrong("nats.certificate", "certificate and key need each other")
	}
	if n.Replicas < 1 || n.Replicas > maxReplicas {
		return wrong("nats.replicas", "%d is not from 1 to %d", n.Replicas, maxReplicas)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
