package batch

import (
	"context"
	"io"
	"net/http"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
)

// Order is a line as the data plane is asked about it.
type Order struct {
	Owner
	Batch  id.Batch
	Call   id.Call
	Path   string // of the client's endpoint
	Header map[string]string
	Body   []byte
}

// Plan is where a line goes and what would be sent there; or, where Refused is not nil, how the line has ended already.
type Plan struct {
	Place   Place
	Sent    []byte
	Draft   *Draft
	Refused *End
}

// Calls is what the worker needs of the data plane; package gateway provides it. An error means that nothing was decided, and that
// it can be tried again.
type Calls interface {
	// Plan says where a line goes. It asks no provider.
	Plan(ctx context.Context, o Order) (Plan, error)
	// Play makes a provider's answer to a line into the client's, and its record.
	Play(ctx context.Context, o Order, p *Parcel, draft *Draft, r Reply) (End, error)
	// Hold has the most that a parcel's lines can cost held for them, in the windows of at, until GiveBack. It may be repeated. What it gives
	// are lines for which there is no money, with their ends: they are not to be sent.
	Hold(ctx context.Context, p *Parcel, lines []Line, at time.Time) ([]Line, error)
	// GiveBack gives back what was held for a parcel and not spent. The records of all its lines are in the log.
	GiveBack(ctx context.Context, p *Parcel) error
	// Run makes the call now. A wait above zero: the provider asks to be left alone, and nothing has ended.
	Run(ctx context.Context, o Order) (e End, wait time.Duration, err error)
	// Concluded says that a run's end is stored.
	Concluded(run id.Call)
	// Reach asks a provider's own interface with the credential of a place. The caller closes the body.
	Reach(ctx context.Context, org id.Org, p Place, req Request) (*http.Response, error)
	// Settings are what the credential of a place says beside its secret.
	Settings(org id.Org, p Place) (map[string]string, error)
}

// Request is a request to a provider's own interface.
type Request struct {
	Method      string
	Base        string // "": the credential's base URL
	Service     string // that an AWS signature is for; "": the vendor's
	Path        string // below the base URL, with query
	ContentType string // "": JSON
	Body        []byte
}

// Reply is a provider's answer to one line.
type Reply struct {
	Status int
	Body   []byte
}

// Driver speaks one provider's batch API. It has no state.
type Driver interface {
	// Speaks reports whether lines of a provider's dialect can be sent.
	Speaks(dialect string) bool
	// Limits are the most lines and bytes of one parcel.
	Limits() (lines int, bytes int64)
	// Send makes a batch at the provider. A *Refusal means that there is none; after any other error there may be one.
	Send(ctx context.Context, w Way, p *Parcel, lines []Line) (Upstream, error)
	// Find looks for a batch that Send made for p without telling; false: there is none.
	Find(ctx context.Context, w Way, p *Parcel, lines []Line) (Upstream, bool, error)
	// Poll asks how a batch is.
	Poll(ctx context.Context, w Way, p *Parcel) (Progress, error)
	// Results gives the answers of a batch that has ended, in any order. take's error ends it and is returned.
	Results(ctx context.Context, w Way, p *Parcel, take func(Result) error) error
	// Cancel asks the provider to stop. What is answered already still comes.
	Cancel(ctx context.Context, w Way, p *Parcel) error
}

// Way asks the provider of a parcel.
type Way func(ctx context.Context, req Request) (*http.Response, error)

// Upstream is what the provider calls a batch.
type Upstream struct{ ID, File string }

// Progress is how a batch at a provider is.
type Progress struct {
	Ended  bool
	Failed string // ended without any answer, and why; "" otherwise
	Full   bool   // ended without any answer because too much of the account's is under way: to be sent again later
}

// Result is a provider's answer to one line, by the name that it was sent under.
type Result struct {
	CustomID string
	Reply    Reply
	// Missing: the provider ended the batch (its window, a cancel) before this line's turn. There is no Reply.
	Missing bool
}

// Work is the worker's storage; package batchpg provides it. Every write takes a lease and is ErrLost when that is not held any more.
type Work interface {
	// Take leases what is due and what holder held before it died, at most so much of batches and of parcels.
	Take(ctx context.Context, holder string, now, until time.Time, most int) ([]Taken, error)
	// Renew keeps a lease.
	Renew(ctx context.Context, t Taken, until time.Time) error
	// Release gives work back; it is due again at due, or never by itself when due is zero.
	Release(ctx context.Context, t Taken, due time.Time, failed bool, trouble string) error

	// Input opens the file of a batch that is validated.
	Input(ctx context.Context, b *Batch) (io.ReadCloser, error)
	// AddLines adds lines that are not there yet.
	AddLines(ctx context.Context, t Taken, lines []Line) error
	// Start ends validating: into InProgress, or, with problems, into Failed.
	Start(ctx context.Context, t Taken, problems []Problem, now time.Time) error
	// Waiting are lines without a parcel, of about PageBytesMax at most.
	Waiting(ctx context.Context, t Taken, most int) ([]Line, error)
	// Assign puts lines of one place into parcels that are still gathering, within limits; new ones are due at due.
	Assign(ctx context.Context, t Taken, p Place, lines []Line, mostLines int, mostBytes int64, now, due time.Time) error
	// Close ends the gathering of a batch's parcels.
	Close(ctx context.Context, t Taken, now time.Time) error
	// Stop ends the waiting lines of a batch and asks its parcels to stop.
	Stop(ctx context.Context, t Taken, now time.Time) error
	// Counts are a batch's lines, and how many records are not in the log yet.
	Counts(ctx context.Context, t Taken) (c Counts, unlogged int, err error)
	// Unlogged are records of a batch that are not in the log yet.
	Unlogged(ctx context.Context, t Taken, most int) ([]calllog.Record, error)
	// Finish writes the files of a batch and ends it.
	Finish(ctx context.Context, t Taken, s Status, now time.Time) error

	// Lines are a parcel's lines that have not ended.
	Lines(ctx context.Context, t Taken) ([]Line, error)
	// End ends lines of a batch or a parcel that have not ended.
	End(ctx context.Context, t Taken, lines []Line) error
	// EndRest ends what is left of a parcel: as failed for an error, or, where the error is "", as its batch is ending.
	EndRest(ctx context.Context, t Taken, code, message string) error
	// Logged forgets records that the log has.
	Logged(ctx context.Context, org id.Org, calls []id.Call) error
	// Others are the provider's names of the parcels that went out by the same credential.
	Others(ctx context.Context, t Taken) ([]string, error)
	// Trying writes down that sending begins.
	Trying(ctx context.Context, t Taken, now time.Time) error
	// Sent writes down what the provider calls the parcel.
	Sent(ctx context.Context, t Taken, u Upstream) error
	// Stopped writes down that the provider was asked to stop.
	Stopped(ctx context.Context, t Taken) error
	// Estrange forgets an upstream that turned out to be another's, or did nothing, and keeps its name among the strangers.
	Estrange(ctx context.Context, t Taken) error
	// Reroute gives a parcel another driver.
	Reroute(ctx context.Context, t Taken, driver string) error
	// Arrived ends a parcel whose lines have all ended, and wakes their batches.
	Arrived(ctx context.Context, t Taken, now time.Time) error
}

// Taken is leased work: a batch or a parcel.
type Taken struct {
	Batch  *Batch  // nil: it is a parcel
	Parcel *Parcel // nil: it is a batch
	Lease  Lease
}
