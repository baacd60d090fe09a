package key

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// Imported is one key of another gateway, as it is to be taken over: by the hash of its secret, which goes on working.
type Imported struct {
	Row     int // in the file, from 1
	Plain   Hash
	Old     []OldSecret // that it was rotated away from, and that still work
	Mask    string      // "sk-...abcd"
	Team    string      // the other gateway's id; "": none
	Blocked bool
	New     New      // what it may do here; its Team is filled in
	Notes   []string // what is not taken over, in sentences
	Err     error    // why it cannot be taken over at all
}

// OldSecret is a secret that ends soon.
type OldSecret struct {
	Plain    Hash
	NotAfter time.Time
}

// ImportOptions say where keys go.
type ImportOptions struct {
	Team   id.Team            // of keys whose team is not in Teams
	Teams  map[string]id.Team // the other gateway's team -> ours
	DryRun bool               // says what would be done
}

// Taken is what became of one imported key.
type Taken struct {
	Row   int
	Key   Key // zero where Err is set; without an id of its own in a dry run
	New   New // as it was taken over: its budget and limits are the caller's to make
	Notes []string
	Err   error // a declared failure
}

// importMax is the most keys of one import.
const importMax = 10_000

// The failures of an import as a whole.
var (
	ErrImportRole = fault.New(fault.Forbidden, "key.import_role", "Only owners and admins import keys.")
	ErrImportSize = fault.New(fault.Invalid, "key.import_too_large", "At most 10,000 keys at once. Split the file.")
	ErrImportForm = fault.New(fault.Invalid, "key.import_unreadable", "This is no list of keys that can be read.")
)

// Import takes keys of another gateway over. Each is taken by itself: what fails for one is told and stops no other. A secret that a key
// here has already is ErrKnown, so that an import can be repeated.
func (s *Service) Import(ctx context.Context, in tenant.Scope, rows []Imported, o ImportOptions) ([]Taken, error) {
	switch {
	case !Oversees(in):
		return nil, ErrImportRole
	case len(rows) > importMax:
		return nil, ErrImportSize
	}
	now := instant(s.now())
	out := make([]Taken, len(rows))
	for i := range rows {
		t := &out[i]
		t.Row, t.Notes = rows[i].Row, rows[i].Notes
		fresh, err := rows[i].fresh(in, o, now)
		if err == nil && !o.DryRun {
			err = s.store.Insert(ctx, in, fresh)
		}
		if err != nil && !declared(err) {
			return nil, err
		}
		if t.Err = err; err == nil {
			t.Key, t.New = fresh.Key, rows[i].New
		}
	}
	return out, nil
}

// fresh is the key that is made of a row.
func (r *Imported) fresh(in tenant.Scope, o ImportOptions, now time.Time) (Fresh, error) {
	if r.Err != nil {
		return Fresh{}, r.Err
	}
	n := r.New
	n.Team = cmp.Or(o.Teams[r.Team], o.Team)
	k, err := draft(in, n, now)
	if err != nil {
		return Fresh{}, err
	}
	if r.Blocked {
		k.DisabledAt = now
	}
	prefix, last4 := unmask(r.Mask)
	f := Fresh{Key: k}
	add := func(h Hash, end time.Time) {
		f.Secrets = append(f.Secrets, Minted{Hash: h, Stored: Stored{
			ID: id.Secret(id.New("sec")), Scheme: SHA256, Imported: true, Prefix: prefix, Last4: last4, NotAfter: instant(end), CreatedAt: now, CreatedBy: in.Actor().ID(),
		}})
	}
	for _, old := range r.Old { // before the one that replaced them: newer ids sort behind
		if old.NotAfter.After(now) {
			add(old.Plain, old.NotAfter)
		}
	}
	add(r.Plain, time.Time{})
	for i := range f.Secrets {
		f.Key.Secrets = append([]Stored{f.Secrets[i].Stored}, f.Key.Secrets...)
	}
	f.Key.Recognise()
	return f, nil
}

// unmask reads what a masked secret shows: "sk-...abcd".
func unmask(mask string) (prefix, last4 string) {
	if len(mask) > 4 && len(mask) < 32 {
		last4 = mask[len(mask)-4:]
	}
	if len(mask) >= 3 && mask[:3] == "sk-" {
		prefix = "sk-"
	}
	return prefix, last4
}

// allowance is a budget that was imported, in sentences where it cannot be one of ours.
func allowance(dollars, every string) (*Allowance, string) {
	amount, err := money.ParseUSD(dollars)
	if err != nil || amount <= 0 {
		return nil, fmt.Sprintf("The budget of %s is not taken over.", fault.Clip(dollars))
	}
	period, ok := map[string]string{
		"": "total", "1h": "hour", "60m": "hour", "hourly": "hour", "1d": "day", "24h": "day", "daily": "day", "7d": "week", "1w": "week", "weekly": "week",
		"30d": "month", "1mo": "month", "monthly": "month",
	}[every]
	if !ok {
		return nil, fmt.Sprintf("The budget of %s for each %s is not taken over: there is no such period here.", fault.Clip(dollars), fault.Clip(every))
	}
	return &Allowance{Amount: amount, Period: period}, ""
}
