package egress

import "net/netip"

// metadata are the addresses at which clouds give credentials to whoever asks from inside. No configuration opens them.
var metadata = addrs(
	"169.254.169.254", // AWS, Google, Azure, Oracle, DigitalOcean, …
	"169.254.170.2",   // AWS container credentials
	"169.254.170.23",  // AWS EKS pod identity
	"168.63.129.16",   // Azure's host, a public address
	"100.100.100.200", // Alibaba
	"192.0.0.192",     // Oracle classic
	"fd00:ec2::254",   // AWS
	"fd00:ec2::23",    // AWS EKS pod identity
	"fd20:ce::254",    // Google
)

func isMetadata(a netip.Addr) bool {
	for _, m := range metadata {
		if a == m {
			return true
		}
	}
	return false
}

// special are the ranges that are not the public internet, from the IANA special-purpose registries, and the ranges through
// which an IPv4 address can be written as an IPv6 one.
var special = prefixes(
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // carrier-grade NAT
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.31.196.0/24", // AS112
	"192.52.193.0/24", // AMT
	"192.88.99.0/24",  // 6to4 relays
	"192.168.0.0/16",  // private
	"192.175.48.0/24", // AS112
	"198.18.0.0/15",   // benchmarking
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, broadcast
	"2001::/23",       // protocol assignments: Teredo, ORCHID, …
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4: an IPv4 address inside
	"2620:4f:8000::/48",
	"3fff::/20", // documentation
)

// global6 is the one block from which public IPv6 addresses come. What lies outside is refused as a whole: loopback, mapped and
// compatible IPv4, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), unique local, link-local, site-local, multicast, discard.
var global6 = netip.MustParsePrefix("2000::/3")

// isGlobal reports whether a, unmapped and without zone, is on the public internet.
func isGlobal(a netip.Addr) bool {
	if !a.IsValid() || !a.IsGlobalUnicast() || (a.Is6() && !global6.Contains(a)) {
		return false
	}
	for _, s := range special {
		if s.Contains(a) {
			return false
		}
	}
	return true
}

// unmapPrefix turns ::ffff:10.0.0.0/104 into 10.0.0.0/8, since addresses are compared unmapped.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

func addrs(texts ...string) []netip.Addr {
	out := make([]netip.Addr, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParseAddr(t)
	}
	return out
}

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}
