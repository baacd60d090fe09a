package key

import (
	"context"
	"fmt"
	"time"

	"tollgate/internal/id"
)

// Notice is what an organization's people are told about a key; package notice keeps and sends it.
type Notice struct {
	Kind  string // "key.expiring", "key.expired", "key.rotated", "key.leaked"
	About id.Key
	Once  string // what was told once is not told again; "": always told
	Title string
	Text  string
	Path  string
	Data  map[string]any
	At    time.Time
}

// Tell has a notice kept and sent.
type Tell func(ctx context.Context, org id.Org, n Notice) error

func (k *Key) notice(kind, once string, at time.Time) Notice {
	return Notice{
		Kind: kind, About: k.ID, Once: once, At: at, Path: "/keys/" + string(k.ID),
		Data: map[string]any{"key_id": string(k.ID), "name": k.Name, "team_id": string(k.Team), "prefix": k.Prefix, "last4": k.Last4},
	}
}

// mask is how people recognise the key in a sentence.
func (k *Key) mask() string { return fmt.Sprintf("%q (%s…%s)", k.Name, k.Prefix, k.Last4) }
