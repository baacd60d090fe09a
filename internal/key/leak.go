package key

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// OnLeak is what an organization wants done with a key that was found in public.
type OnLeak string

// What can be done. The zero OnLeak is LeakRevoke.
const (
	LeakRevoke OnLeak = "revoke" // it is revoked at once, and its calls under way are cut
	LeakNotify OnLeak = "notify" // people are told, and decide
)

// Leak is one secret that somebody found.
type Leak struct {
	Token  string // as it was found
	Type   string // what the finder takes it for
	URL    string // where; "": not told
	Source string // "github content", "a member", …
}

// Found is what became of a leak. Nothing is told of secrets that belong to nobody here.
type Found struct {
	Ours    bool
	Org     id.Org
	Key     Key
	Ended   bool // the secret, by this finding; false too where it had ended before
	Revoked bool // and the key with it: it had no other
}

// LeakedSecret is a stored secret that has a hash that was asked for.
type LeakedSecret struct {
	Hash   Hash
	Org    id.Org
	Key    id.Key
	Secret id.Secret
	OnLeak OnLeak
}

// LeakStore is what Leaks needs of storage beside Service; package keypg provides it.
type LeakStore interface {
	// Leaked finds secrets of any organization by their hashes, in one question.
	Leaked(ctx context.Context, hashes []Hash) ([]LeakedSecret, error)
	// LeakPolicy is what an organization wants done.
	LeakPolicy(ctx context.Context, in tenant.Scope) (OnLeak, error)
	// SetLeakPolicy changes it.
	SetLeakPolicy(ctx context.Context, in tenant.Scope, to OnLeak) error
}

// The failures of taking leaks in.
var (
	ErrLeakPolicy = fault.New(fault.Invalid, "key.unknown_leak_policy", "What is done with a leaked key is revoke or notify.").At("on_leak")
	ErrLeakRole   = fault.New(fault.Forbidden, "key.leak_policy_role", "Only owners and admins change what is done with leaked keys.")
	ErrNoLeak     = fault.New(fault.Invalid, "key.no_secret", "Paste the whole secret as it was found.").At("secret")
)

// LeaksMax is the most leaks of one message.
const LeaksMax = 500

// Leaks takes in secrets that were found in public, by whoever found them, and does what their organization wants done.
type Leaks struct {
	keys   *Service
	store  LeakStore
	tell   Tell
	logger *slog.Logger
}

// NewLeaks makes one over a service of keys.
func NewLeaks(keys *Service, store LeakStore, tell Tell, logger *slog.Logger) *Leaks {
	return &Leaks{keys: keys, store: store, tell: tell, logger: logger}
}

// hashesOf are the hashes by which a text would be found. Every text takes the same way, so that the time tells nothing.
func (l *Leaks) hashesOf(text string) []Hash {
	if s, err := ParseSecret(text); err == nil {
		return []Hash{l.keys.hasher.Hash(s), Plain(s)}
	}
	s, err := ParseForeign(text)
	if err != nil {
		s, _ = ParseForeign(strings.Repeat("x", foreignMin)) // nobody's
	}
	return []Hash{l.keys.hasher.Hash(s), Plain(s)}
}

// Take does what is to be done about each leak, in their order. An error means that some were not looked at, or not acted upon: the
// finder should send them again, which is harmless.
func (l *Leaks) Take(ctx context.Context, leaks []Leak) ([]Found, error) {
	var all []Hash
	for _, leak := range leaks {
		all = append(all, l.hashesOf(strings.TrimSpace(leak.Token))...)
	}
	known, err := l.store.Leaked(ctx, all)
	if err != nil {
		return nil, err
	}
	by := make(map[Hash]LeakedSecret, len(known))
	for _, s := range known {
		by[s.Hash] = s
	}
	out := make([]Found, len(leaks))
	var failed []error
	for i, leak := range leaks {
		for _, h := range all[2*i : 2*i+2] {
			if s, ok := by[h]; ok && !out[i].Ours {
				out[i], err = l.act(ctx, s, leak)
				failed = append(failed, err)
			}
		}
	}
	return out, errors.Join(failed...)
}

// act does what the organization wants done about one leak, and tells its people. A key that has another live secret keeps it: the leaked
// one ends, and whoever has the new one goes on.
func (l *Leaks) act(ctx context.Context, s LeakedSecret, leak Leak) (Found, error) {
	// Whoever sends the secret of a key has what the key protects: it may end it, whatever the organization.
	in := tenant.Authenticated(s.Org, tenant.Actor{}, tenant.Admin)
	f := Found{Ours: true, Org: s.Org}
	var err error
	if f.Key, err = l.keys.Key(ctx, in, s.Key); err != nil {
		return f, err
	}
	now := l.keys.now()
	one, ok := f.Key.secret(s.Secret)
	live := ok && one.Live(now) && f.Key.RevokedAt.IsZero()
	if live && s.OnLeak != LeakNotify {
		if f.Key.Rotating(now) {
			f.Key, err = l.keys.EndSecret(ctx, in, s.Key, s.Secret, Cut)
		} else {
			f.Key, err = l.keys.Revoke(ctx, in, s.Key, Cut)
			f.Revoked = err == nil
		}
		if err != nil {
			return f, err
		}
		f.Ended = true
	}
	l.logger.Warn("a secret of a key was found in public", "org", string(s.Org), "key", string(s.Key), "type", fault.Clip(leak.Type), "ended", f.Ended)
	return f, l.tell(ctx, s.Org, leakNotice(&f, live, leak, now))
}

// leakNotice is told once for each key and place. live: the secret worked until now.
func leakNotice(f *Found, live bool, leak Leak, now time.Time) Notice {
	k := &f.Key
	where := fault.Clip(leak.Source)
	if leak.URL != "" {
		where += ": " + fault.Clip(leak.URL)
	}
	place := sha256.Sum256([]byte(leak.Source + " " + leak.URL))
	n := k.notice("key.leaked", "leaked "+hex.EncodeToString(place[:8])+" "+strconv.FormatBool(live), now)
	n.Data["url"], n.Data["source"], n.Data["ended"], n.Data["revoked"] = fault.Clip(leak.URL), fault.Clip(leak.Source), f.Ended, f.Revoked
	found := fmt.Sprintf("A secret of the key %s was found in public (%s). ", k.mask(), where)
	switch {
	case f.Revoked:
		n.Title = fmt.Sprintf("The key %q was found in public and has been revoked", k.Name)
		n.Text = found + "The key was revoked at once and its calls under way were ended. Make a new key for whoever used it, and remove the secret " +
			"from where it was found."
	case f.Ended:
		n.Title = fmt.Sprintf("An old secret of the key %q was found in public and has ended", k.Name)
		n.Text = found + "That secret was ended at once, before its time; the key's new secret goes on. Give the new one to whoever still had the old."
	case !live:
		n.Title = fmt.Sprintf("A dead secret of the key %q was found in public", k.Name)
		n.Text = found + "It had ended before: nothing else needs to be done."
	default:
		n.Title = fmt.Sprintf("The key %q was found in public and still works", k.Name)
		n.Text = found + "Your organization wants to decide for itself: rotate the key without an overlap, or revoke it, on its page now."
	}
	return n
}

// reportFloor is how long the answer to a report takes at least, so that the time does not tell whether a secret is another
// organization's.
const reportFloor = 300 * time.Millisecond

// Report takes a secret that a member pasted. The key is told where it is the member's own organization's; a secret of another
// organization is acted upon all the same, and answered like one that nobody has: ErrNotFound.
func (l *Leaks) Report(ctx context.Context, in tenant.Scope, secret, note string) (Found, error) {
	if strings.TrimSpace(secret) == "" {
		return Found{}, ErrNoLeak
	}
	floor := time.NewTimer(reportFloor)
	defer floor.Stop()
	found, err := l.Take(ctx, []Leak{{Token: secret, Type: "report", Source: strings.TrimSpace("a member " + note)}})
	select {
	case <-floor.C:
	case <-ctx.Done():
		return Found{}, ctx.Err()
	}
	if err != nil {
		return Found{}, err
	}
	if !found[0].Ours || found[0].Org != in.Org() {
		return Found{}, ErrNotFound.Say("This secret belongs to no key of your organization.")
	}
	return found[0], nil
}

// Policy is what the organization wants done with leaked keys.
func (l *Leaks) Policy(ctx context.Context, in tenant.Scope) (OnLeak, error) {
	return l.store.LeakPolicy(ctx, in)
}

// SetPolicy changes it: owners and admins only.
func (l *Leaks) SetPolicy(ctx context.Context, in tenant.Scope, to OnLeak) error {
	switch {
	case to != LeakRevoke && to != LeakNotify:
		return ErrLeakPolicy
	case !Oversees(in):
		return ErrLeakRole
	}
	return l.store.SetLeakPolicy(ctx, in, to)
}
