package gateway

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"tollgate/internal/egress"
	"tollgate/internal/provider"
)

// concealed stands where a provider's error repeats the secret that it was shown.
const concealed = "[concealed]"

// secretMin is the shortest secret that is looked for: a shorter one could be part of any word.
const secretMin = 8

// conceal takes the organization's secret out of what a provider says of a failure. Some repeat the key that they refuse, and the
// caller's key is not the organization's. It holds for every class of failure, and for the body that would be passed as it is.
func (t *try) conceal(r *provider.Refusal) {
	if t.target.Credential == nil {
		return
	}
	secret := t.target.Credential.Secret.Reveal()
	if len(secret) < secretMin {
		return
	}
	for _, text := range [...]*string{&r.Message, &r.Type, &r.Code, &r.Param} {
		*text = strings.ReplaceAll(*text, secret, concealed)
	}
	if bytes.Contains(r.Body, []byte(secret)) {
		r.Body = bytes.ReplaceAll(r.Body, []byte(secret), []byte(concealed))
	}
}

// reason is what of a transport's error may be logged. The network's own errors tell of addresses; others may quote what a provider
// sent, so that only their kind is told.
func reason(err error) string {
	var network *net.OpError
	var lookup *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, egress.ErrBlocked), errors.As(err, &network), errors.As(err, &lookup), errors.As(err, &cert):
		return err.Error()
	}
	return fmt.Sprintf("%T", err)
}
