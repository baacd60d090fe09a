package credential

import (
	"context"
	"net/http"

	"tollgate/internal/id"
	"tollgate/internal/secret"
)

// Use is a credential at work: what putting its secret into a request needs to know. Package sign does that.
type Use struct {
	Org        id.Org
	Credential id.Credential // empty: it is not stored yet; no token of it is kept
	Version    int           // of the secret
	Name       string        // of the credential, for messages
	Auth       string        // how the vendor wants the secret: provider.Vendor's Auth, or provider.Spoken's
	Service    string        // provider.Vendor's Service, where Auth is aws
	Settings   map[string]string
	Secret     secret.Text
}

// Use is c at work for org with its opened secret. Auth and service are the vendor's.
func (c *Credential) Use(org id.Org, auth, service string, s secret.Text) Use {
	return Use{
		Org: org, Credential: c.ID, Version: c.Version, Name: c.Name, Auth: auth, Service: service, Settings: c.Settings, Secret: s,
	}
}

// Signer puts secrets into requests; package sign is one.
type Signer interface {
	// Check reads a secret as a user typed it for a vendor's auth and for use at a base URL, and asks nobody. It gives the form in
	// which the secret is kept and the end of it that may be shown; an empty hint leaves that to the caller. ErrInvalid at "secret"
	// or "base_url".
	Check(auth, baseURL string, s secret.Text) (normal secret.Text, hint string, err error)
	// Sign puts the secret of u into req, whose body is body. It may ask a token service, for as long as ctx lasts. After it
	// no header may change: a signature covers them. Errors are ErrUnusable, ErrTokenRefused and ErrTokenUnreachable.
	Sign(ctx context.Context, req *http.Request, body []byte, u Use) error
}
