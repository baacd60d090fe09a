// Package keys holds the pages of virtual keys: list, create, the secret shown once, detail, edit, revoke.
package keys

import (
	"context"
	"iter"
	"net/url"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/alias"
	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/price"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/page/client"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// Service manages keys; *key.Service does.
type Service interface {
	Key(ctx context.Context, in tenant.Scope, which id.Key) (key.Key, error)
	List(ctx context.Context, in tenant.Scope, f key.Filter, after id.Key, limit int) ([]key.Key, bool, error)
	Update(ctx context.Context, in tenant.Scope, which id.Key, c key.Change, check func(key.Key) error) (key.Key, error)
	Revoke(ctx context.Context, in tenant.Scope, which id.Key, calls key.Streams) (key.Key, error)
	Disable(ctx context.Context, in tenant.Scope, which id.Key, calls key.Streams) (key.Key, error)
	Enable(ctx context.Context, in tenant.Scope, which id.Key) (key.Key, error)
	Rotate(ctx context.Context, in tenant.Scope, which id.Key, overlap time.Duration, calls key.Streams) (key.Key, key.Secret, error)
	CancelRotation(ctx context.Context, in tenant.Scope, which id.Key) (key.Key, error)
	EndSecret(ctx context.Context, in tenant.Scope, which id.Key, secret id.Secret, calls key.Streams) (key.Key, error)
	Reach(ctx context.Context, in tenant.Scope, keys ...id.Key) (map[id.Key]key.Reach, error)
	Bulk(ctx context.Context, in tenant.Scope, b key.Bulk) ([]key.Effect, error)

	Templates(ctx context.Context, in tenant.Scope, team id.Team) ([]key.Template, error)
	Template(ctx context.Context, in tenant.Scope, which id.Template) (key.Template, error)
	CreateTemplate(ctx context.Context, in tenant.Scope, t key.Template) (key.Template, error)
	UpdateTemplate(ctx context.Context, in tenant.Scope, which id.Template, t key.Template, check func(key.Template) error) (key.Template, error)
	DeleteTemplate(ctx context.Context, in tenant.Scope, which id.Template) error
}

var _ Service = (*key.Service)(nil)

// Issuer makes keys together with their own budgets and limits; *issue.Service does.
type Issuer interface {
	Issue(ctx context.Context, in tenant.Scope, n key.New) (key.Made, error)
	Import(ctx context.Context, in tenant.Scope, rows []key.Imported, o key.ImportOptions) ([]key.Taken, error)
}

// Leaks takes in secrets that were found in public; *key.Leaks does.
type Leaks interface {
	Report(ctx context.Context, in tenant.Scope, secret, note string) (key.Found, error)
	Policy(ctx context.Context, in tenant.Scope) (key.OnLeak, error)
	SetPolicy(ctx context.Context, in tenant.Scope, to key.OnLeak) error
}

// Budgets tells how budgets stand; *budget.Service does.
type Budgets interface {
	Tree(ctx context.Context, in tenant.Scope) ([]budget.Node, error)
}

// Limits lists rate limits; *limit.Service does.
type Limits interface {
	List(ctx context.Context, in tenant.Scope, f limit.Filter, after id.Limit, most int) ([]limit.Limit, bool, error)
}

// Accounts names teams and authors; *account.Service does.
type Accounts interface {
	people.TeamLister
	people.MemberLister
}

var _ Accounts = (*account.Service)(nil)

// Aliases lists what a key may be scoped to.
type Aliases interface {
	List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, bool, error)
}

// Prices tells context windows.
type Prices interface {
	Book(ctx context.Context) (*price.Book, error)
}

// Usage tells what keys spent.
type Usage interface {
	Costs(ctx context.Context, in tenant.Scope, q usage.Query) (usage.Costs, error)
}

// Calls hears of a key's first call.
type Calls interface {
	List(ctx context.Context, in tenant.Scope, f calllog.Filter, t calllog.Turn) (calllog.Page, error)
	Follow(ctx context.Context, in tenant.Scope, f calllog.Filter, after calllog.Tail) iter.Seq2[calllog.Tailed, error]
}

// Keys answers its pages. All fields are required.
type Keys struct {
	Keys     Service
	Issuer   Issuer
	Leaks    Leaks
	Budgets  Budgets
	Limits   Limits
	Accounts Accounts
	Aliases  Aliases
	Prices   Prices
	Usage    Usage
	Calls    Calls
	Gateway  string // base URL of the gateway, for snippets
}

// caller is what snippets for a key are filled with.
func (p Keys) caller(ctx context.Context, v *page.Visit, k key.Key) (client.Caller, error) {
	aliases, _, err := p.Aliases.List(ctx, v.Scope(), "", "", client.AliasesMax)
	if err != nil {
		return client.Caller{}, err
	}
	book, err := p.Prices.Book(ctx)
	if err != nil {
		return client.Caller{}, err
	}
	return client.New(p.Gateway, &k, client.Callable(&k, aliases, book, v.Now)), nil
}

// expiring is how long ahead an expiry is worth a word; unused how long ago a last use is.
const (
	expiring = 14 * 24 * time.Hour
	unused   = 30 * 24 * time.Hour
)

// status is the shape and word of a key at now.
func status(k key.Key, now time.Time) (state ui.State, word, note string) {
	switch {
	case !k.RevokedAt.IsZero():
		return ui.Idle, "Revoked", ""
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return ui.Idle, "Expired", ""
	case !k.DisabledAt.IsZero():
		return ui.Idle, "Disabled", ""
	case !k.ExpiresAt.IsZero() && k.ExpiresAt.Sub(now) < expiring:
		return ui.Soon, "Expiring", ui.AgoText(ui.Clock{Now: now}, k.ExpiresAt)
	case k.Rotating(now):
		return ui.Soon, "Rotating", "old secret " + ends(ui.Clock{Now: now}, k, now)
	case k.LastUsedAt.IsZero():
		return ui.Idle, "No call yet", ""
	case now.Sub(k.LastUsedAt) > unused:
		return ui.Idle, "Unused", "30 days"
	default:
		return ui.Fine, "Active", ""
	}
}

// ends says when the old secret of a rotation ends.
func ends(c ui.Clock, k key.Key, now time.Time) string {
	for _, s := range k.Secrets {
		if s.Live(now) && !s.NotAfter.IsZero() {
			return "ends " + ui.AgoText(c, s.NotAfter)
		}
	}
	return "goes on"
}

// mask is how a key is recognised: its first and last characters.
func mask(k key.Key) string { return k.Prefix + "…" + k.Last4 }

// spent asks what keys spent in the days before now; keys without calls are not in the map.
func (p Keys) spent(ctx context.Context, in tenant.Scope, now time.Time, days int, only ...id.Key) (map[string]usage.Row, error) {
	q := usage.Query{From: now.AddDate(0, 0, -days), To: now, GroupBy: []usage.Dimension{usage.Key}}
	for _, k := range only {
		if q.Filter == nil {
			q.Filter = map[usage.Dimension][]string{}
		}
		q.Filter[usage.Key] = append(q.Filter[usage.Key], string(k))
	}
	costs, err := p.Usage.Costs(ctx, in, q)
	if err != nil {
		return nil, err
	}
	out := make(map[string]usage.Row, len(costs.Rows))
	for _, r := range costs.Rows {
		out[r.Values[usage.Key]] = r
	}
	return out, nil
}

// requests is the list of a key's calls.
func requests(which id.Key) string { return "/requests?key=" + url.QueryEscape(string(which)) }

func path(which id.Key) string { return "/keys/" + url.PathEscape(string(which)) }

// done is the notice after a change, by the word that the redirect carries.
func done(v *page.Visit) []ui.Toast {
	at := path(id.Key(v.Param("id")))
	switch v.Query("done") {
	case "saved":
		return []ui.Toast{{Text: "Key saved. In force everywhere within a second."}}
	case "revoked":
		return []ui.Toast{{Text: "Key revoked. It is refused everywhere within a second."}}
	case "disabled":
		return []ui.Toast{{Text: "Key disabled. It is refused everywhere within a second.", UndoAction: at + "/enable"}}
	case "enabled":
		return []ui.Toast{{Text: "Key enabled. It works everywhere within a second."}}
	case "cancelled":
		return []ui.Toast{{Text: "Rotation taken back. The old secret goes on."}}
	case "ended":
		return []ui.Toast{{Text: "Secret ended. It is refused everywhere within a second."}}
	default:
		return nil
	}
}
