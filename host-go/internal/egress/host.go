package egress

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// names maps the names of hosts as the URL standard does (URL, section 3.3, "domain to ASCII"), and
// so as the core's URLs are: UTS 46, nontransitional, without the rules for host names of old.
var names = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckJoiners(true),
	idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false))

// hostOf returns the host of u in one form: a name in ASCII and lower case, or an IP address in its
// canonical text. A host that the core's URLs and net/http would read differently is an error. So is an
// invalid host. No error quotes the URL.
func hostOf(u *url.URL) (string, error) {
	host := u.Hostname()
	if host == "" {
		return "", errors.New("the URL has no host")
	}
	if strings.HasPrefix(u.Host, "[") {
		switch address, err := netip.ParseAddr(host); {
		case err != nil || !address.Is6():
			return "", errNoIPv6
		case address.Zone() != "":
			return "", errors.New("the URL's IPv6 address has a zone (%), which the URLs of the web do not have; use an address of the server that needs none")
		default:
			return address.String(), nil
		}
	}
	name, err := names.ToASCII(host)
	again, twice := names.ToASCII(name) // Of what is not UTF-8 it makes what it does not take itself.
	switch {
	case err != nil || twice != nil || again != name:
		return "", errors.New("the URL's host is not a domain name")
	case name == "":
		return "", errors.New("the URL has no host")
	case strings.ContainsFunc(name, notInName):
		return "", errors.New("the URL's host has a character that no name of a host has")
	case !endsInNumber(name):
		return name, nil
	}
	if address, err := netip.ParseAddr(name); err != nil || !address.Is4() || name != host {
		return "", errors.New("the URL's host ends in a number, and is not an IPv4 address as four decimal numbers; write it so, as in 127.0.0.1")
	}
	return name, nil
}

var errNoIPv6 = errors.New("what stands in brackets in the URL is not an IPv6 address")

func notInName(c rune) bool {
	return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_')
}

// endsInNumber reports whether the URL standard takes a host for an IPv4 address, in whatever form
// ("ends in a number checker"): 127.1 and 0x7f.1 are 127.0.0.1 there, and names elsewhere.
func endsInNumber(name string) bool {
	name = strings.TrimSuffix(name, ".")
	last := name[strings.LastIndexByte(name, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
