package egress

import "net/netip"

// metadata is what reserved says of an address at which clouds hand out credentials.
const metadata = "an address of a cloud's metadata"

// special are the addresses that no server on the internet has (IANA, "IPv4 and IPv6 Special-Purpose
// Address Registries"), and those of the metadata of clouds. The first that fits counts.
var special = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("169.254.169.254/32"), metadata}, // most
	{netip.MustParsePrefix("169.254.170.0/24"), metadata},   // tasks and pods of AWS
	{netip.MustParsePrefix("fd00:ec2::/32"), metadata},      // AWS
	{netip.MustParsePrefix("fd20:ce::254/128"), metadata},   // Google
	{netip.MustParsePrefix("100.100.100.200/32"), metadata}, // Alibaba
	{netip.MustParsePrefix("192.0.0.192/32"), metadata},     // Oracle
	{netip.MustParsePrefix("168.63.129.16/32"), metadata},   // Azure; it is a public address

	{netip.MustParsePrefix("0.0.0.0/8"), "an address of this host"},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "an address of a provider's own network"},
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "a reserved address"},
	{netip.MustParsePrefix("192.0.2.0/24"), "an address for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a reserved address"},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},
	{netip.MustParsePrefix("198.18.0.0/15"), "an address for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "an address for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "an address for documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},

	{netip.MustParsePrefix("::/128"), "an address of this host"},
	{netip.MustParsePrefix("::1/128"), "a loopback address"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a private address"},
	{netip.MustParsePrefix("100::/64"), "a reserved address"},
	{netip.MustParsePrefix("100:0:0:1::/64"), "a reserved address"},
	{netip.MustParsePrefix("2001::/32"), "a Teredo address, which hides another"},
	{netip.MustParsePrefix("2001::/23"), "a reserved address"},
	{netip.MustParsePrefix("2001:db8::/32"), "an address for documentation"},
	{netip.MustParsePrefix("3fff::/20"), "an address for documentation"},
	{netip.MustParsePrefix("5f00::/16"), "a reserved address"},
	{netip.MustParsePrefix("fc00::/7"), "a private address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fec0::/10"), "a private address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
}

// embedding are the IPv6 addresses that have an IPv4 address in them, to which a network may send
// what is sent to them, and where in them it is.
var embedding = []struct {
	prefix netip.Prefix
	at     int // of 16 bytes
}{
	{netip.MustParsePrefix("::/96"), 12},           // IPv4-compatible
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // IPv4-translated
	{netip.MustParsePrefix("64:ff9b::/96"), 12},    // NAT64
	{netip.MustParsePrefix("2002::/16"), 2},        // 6to4
}

// reserved says what an address is that no server on the internet has, and "" of any other.
func reserved(address netip.Addr) string {
	address = address.Unmap().WithZone("")
	for _, range_ := range special {
		if range_.prefix.Contains(address) {
			return range_.what
		}
	}
	if !address.Is6() {
		return ""
	}
	b := address.As16()
	for _, form := range embedding {
		if form.prefix.Contains(address) {
			return reserved(netip.AddrFrom4([4]byte(b[form.at : form.at+4])))
		}
	}
	// ISATAP (RFC 5214): any network's address with this in it.
	if b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe {
		return reserved(netip.AddrFrom4([4]byte(b[12:])))
	}
	return ""
}
