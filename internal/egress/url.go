package egress

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// urlBytesMax bounds a URL in a form.
const urlBytesMax = 2048

// CheckURL reads a base URL that a user gave in a form's field and returns it in its normal form, without a slash at the end.
// It refuses what could never be called, to say so early; what a name resolves to is decided when it is called. Errors are
// ErrURL at the field.
func (p *Policy) CheckURL(field, text string) (string, error) {
	if strings.Contains(text, "?") {
		return "", ErrURL.Say("A base URL has no query and no fragment.").At(field)
	}
	return p.CheckHook(field, text)
}

// CheckHook is CheckURL for an address that is called as it stands: it may have a query, which often holds what proves the right to call.
func (p *Policy) CheckHook(field, text string) (string, error) {
	refuse := func(why string) (string, error) { return "", ErrURL.Say("%s", why).At(field) }
	if len(text) > urlBytesMax {
		return refuse("The URL is too long.")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "":
		return refuse("This is not a URL. It looks like https://api.example.com/v1.")
	case u.User != nil:
		return refuse("A URL here holds no user name or password.")
	case u.Fragment != "" || strings.Contains(text, "#"):
		return refuse("A URL here has no fragment.")
	case strings.ContainsFunc(u.RawQuery, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return refuse("The query of the URL holds a character that is not allowed.")
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse("The URL must start with https://.")
	case u.Scheme == "http" && len(p.open) == 0:
		return refuse("The URL must start with https://. Plain http is for networks that the operator has opened.")
	}
	if why := badPath(u); why != "" {
		return refuse(why)
	}
	if why := p.badHost(u); why != "" {
		return refuse(why)
	}
	out := u.Scheme + "://" + strings.ToLower(u.Host) + strings.TrimRight(u.Path, "/")
	if u.RawQuery != "" {
		out += "?" + u.RawQuery
	}
	return out, nil
}

// badPath refuses what another reader of the URL could understand differently: escapes, dot segments, empty segments, control
// characters.
func badPath(u *url.URL) string {
	for i := range len(u.Path) {
		if c := u.Path[i]; c <= ' ' || c >= 0x7f || c == '\\' || c == '%' {
			return "The path of the URL holds a character that is not allowed."
		}
	}
	trimmed := strings.Trim(u.Path, "/")
	if u.RawPath != "" || (trimmed != "" && strings.Contains(u.Path, "//")) {
		return "The path of the URL holds a character that is not allowed."
	}
	for s := range strings.SplitSeq(trimmed, "/") {
		if s == "." || s == ".." {
			return "The path of the URL holds a dot segment."
		}
	}
	return ""
}

// badHost says why a host is refused, or "".
func (p *Policy) badHost(u *url.URL) string {
	host, over := strings.ToLower(u.Hostname()), encrypted
	port := uint64(443)
	if u.Scheme == "http" {
		over, port = plain, 80
	}
	if text := u.Port(); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return "The port of the URL is not valid."
		}
		port = n
	} else if strings.HasSuffix(u.Host, ":") {
		return "The port of the URL is not valid."
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Zone() != "" || p.check(netip.AddrPortFrom(a, uint16(port)), over) != nil {
			return "This address may not be called: the operator's network policy does not allow it."
		}
		return ""
	}
	if !isName(host) {
		return "The host of the URL is not a host name."
	}
	if port != 443 && len(p.open) == 0 {
		return "Only port 443 may be called."
	}
	if local := host == "localhost" || strings.HasSuffix(host, ".localhost"); local && !p.opensLoopback() {
		return "This address may not be called: the operator's network policy does not allow it."
	}
	return ""
}

func (p *Policy) opensLoopback() bool {
	return p.opened(netip.AddrFrom4([4]byte{127, 0, 0, 1})) || p.opened(netip.IPv6Loopback())
}

// isName accepts host names of letters, digits, hyphens and underscores. A last label of digits (or 0x…) is a number in
// disguise, 2130706433 or 0177.0.0.1, that some resolvers read as an address.
func isName(host string) bool {
	host = strings.TrimSuffix(host, ".")
	if host == "" || len(host) > 253 {
		return false
	}
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 {
			return false
		}
		for i := range len(l) {
			if c := l[i]; c != '-' && c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	if strings.HasPrefix(last, "0x") {
		return false
	}
	return strings.Trim(last, "0123456789") != ""
}
