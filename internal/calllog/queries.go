package calllog

import (
	"context"
	"encoding/base64"
	"iter"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Failures of the queries.
var (
	ErrNotFound = fault.New(fault.NotFound, "call.not_found", "There is no such call.")
	ErrFilter   = fault.New(fault.Invalid, "call.bad_filter", "The filter cannot be read.")
	ErrCursor   = fault.New(fault.Invalid, "call.bad_cursor", "The cursor cannot be read.")
)

// Entry is a record as it is read back, with the names that its ids have now. Durations are whole microseconds.
type Entry struct {
	Record
	StartedAt  time.Time // to the millisecond, UTC
	TeamName   string    // empty: the team is gone
	KeyName    string
	PromptName string // empty: the call used none, or it is gone
	HasPayload bool   // Payload is read by Call only
}

// Filter chooses calls. Values of one field are alternatives, fields must all match, an empty field matches all.
type Filter struct {
	From, To       time.Time // started in [From, To); zero: open
	Teams          []id.Team
	Keys           []id.Key
	Aliases        []string
	Models         []string // as the provider names it
	Providers      []string // of any attempt
	Workflows      []string
	Environments   []string
	Endpoints      []string
	Tasks          []string
	Experiments    []id.Experiment
	Arms           []string // assigned
	Batches        []id.Batch
	Prompts        []id.Prompt
	PromptVersions []PromptVersion
	CheckedBy      []string // ids of budgets and limits that refused the call, or did something else to it
	Outcomes       []Outcome
	Statuses       []int // HTTP status of the answer; 4 and 5 stand for all 4xx and 5xx
	EndUser        string
	ErrorCode      string
	Tags           map[string]string
	ID             id.Call // the one call; zero: all
}

// Cursor is a place between two calls of the list, which runs from the newest to the oldest.
type Cursor struct {
	At time.Time `json:"at"`
	ID id.Call   `json:"id"`
}

// Turn asks for a page: the calls older than Before, or those newer than After, or the newest.
type Turn struct {
	Before, After *Cursor
	Limit         int // 1 to 200; 0: 50
}

// Page is a stretch of the list, newest first.
type Page struct {
	Calls []Entry
	Newer *Cursor // for Turn.After; nil: none known
	Older *Cursor // for Turn.Before; nil: none
}

// Store is what Queries needs from storage; package calllogpg provides it.
type Store interface {
	// Calls gives at most limit entries, newest first.
	Calls(ctx context.Context, in tenant.Scope, f Filter, t Turn) ([]Entry, error)
	// Call gives one entry with its payload, or ErrNotFound.
	Call(ctx context.Context, in tenant.Scope, call id.Call) (Entry, error)
	// FirstCall gives the oldest call.
	FirstCall(ctx context.Context, in tenant.Scope) (id.Call, bool, error)
	// Since gives what was stored after a place in the order of storing, oldest first, and the place behind it. When more than
	// limit came it leaves the oldest of them out. A zero place gives nothing and the place of now.
	Since(ctx context.Context, in tenant.Scope, f Filter, after Tail, limit int) ([]Entry, Tail, error)
}

// Queries reads the call log.
type Queries struct{ store Store }

// NewQueries makes Queries.
func NewQueries(store Store) *Queries { return &Queries{store: store} }

// List gives a page.
func (q *Queries) List(ctx context.Context, in tenant.Scope, f Filter, t Turn) (Page, error) {
	limit := t.Limit
	if limit == 0 {
		limit = 50
	}
	limit = min(max(limit, 1), 200)
	t.Limit = limit + 1 // one more tells whether there is another page
	got, err := q.store.Calls(ctx, in, f, t)
	if err != nil {
		return Page{}, err
	}
	more := len(got) > limit
	var p Page
	switch {
	case t.After != nil:
		if more {
			got = got[len(got)-limit:] // the nearest to the cursor
		}
		p = Page{Calls: got}
		if more {
			p.Newer = place(got, 0)
		}
		p.Older = place(got, len(got)-1)
	default:
		if more {
			got = got[:limit]
		}
		p = Page{Calls: got}
		if more {
			p.Older = place(got, limit-1)
		}
		if t.Before != nil {
			p.Newer = place(got, 0)
		}
	}
	return p, nil
}

func place(entries []Entry, i int) *Cursor {
	if i < 0 || i >= len(entries) {
		return nil
	}
	return &Cursor{At: entries[i].StartedAt, ID: entries[i].ID}
}

// Call gives one call with its payload, as far as one is kept. Another organization's call is ErrNotFound.
func (q *Queries) Call(ctx context.Context, in tenant.Scope, call id.Call) (Entry, error) {
	return q.store.Call(ctx, in, call)
}

// FirstCall is the organization's first call that is in the log, if there is one.
func (q *Queries) FirstCall(ctx context.Context, in tenant.Scope) (id.Call, time.Time, bool, error) {
	call, ok, err := q.store.FirstCall(ctx, in)
	if !ok || err != nil {
		return id.Call{}, time.Time{}, false, err
	}
	return call, call.Time(), true, nil
}

// Tail is a place in the order in which calls are stored, opaque to callers. The zero Tail is now.
type Tail uint64

// String is the form that ParseTail reads; it fits an event id of a stream.
func (t Tail) String() string {
	return base64.RawURLEncoding.EncodeToString(strconv.AppendUint([]byte("t"), uint64(t), 36))
}

// ParseTail reads a place. Empty text is now.
func ParseTail(s string) (Tail, error) {
	if s == "" {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	rest, ok := strings.CutPrefix(string(b), "t")
	if err != nil || !ok {
		return 0, ErrCursor
	}
	n, err := strconv.ParseUint(rest, 36, 64)
	if err != nil {
		return 0, ErrCursor
	}
	return Tail(n), nil
}

// Tailed is one step of Follow: entries that were stored since the step before, oldest first, and the place behind them.
type Tailed struct {
	Calls []Entry
	Next  Tail
}

const (
	followEvery = 500 * time.Millisecond
	followIdle  = 30  // empty steps after which one is yielded, so that the consumer notices a reader who has left
	followLimit = 200 // of one step: nobody reads faster, and a burst must not become one huge event
)

// Follow yields calls as they are stored, from after on, until ctx ends or the consumer stops. The first step comes at once, and
// one every 15 seconds at least, also when it is empty. An error does not end it: the next step tries again.
func (q *Queries) Follow(ctx context.Context, in tenant.Scope, f Filter, after Tail) iter.Seq2[Tailed, error] {
	return func(yield func(Tailed, error) bool) {
		ticker := time.NewTicker(followEvery)
		defer ticker.Stop()
		for quiet := followIdle; ; quiet++ {
			got, next, err := q.store.Since(ctx, in, f, after, followLimit)
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				after = next
			}
			if err != nil || len(got) > 0 || quiet >= followIdle {
				quiet = 0
				if !yield(Tailed{Calls: got, Next: after}, err) {
					return
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}
}
