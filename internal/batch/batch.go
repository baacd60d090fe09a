// Package batch answers many calls later, at batch prices: clients upload a file of calls, the worker has them answered and writes a
// file of answers. A single call that may wait (a job) is a batch of one line.
//
// The model. A batch has lines; a line is one call, and has from the start the id under which it will be in the call log. Planning
// asks the router where each line goes and gathers the lines of one place in a parcel. A parcel is sent to a provider's batch API, or,
// where the provider has none, its lines are run one after another. Its answers come back line by line, each with the call's record.
//
// What it promises, whatever worker dies where:
//
//   - Every line ends once: with an answer, or with an error that says why there is none.
//   - Every line that reached a provider is in the call log once. Answer and record are stored together (Line), the record is then
//     copied to the log, which knows calls by their id, and only then forgotten.
//   - A parcel is sent once. That sending begins is written down before; who finds that, and no name of the provider's for the batch,
//     looks for it at the provider before sending again.
//   - Work is held by leases. A worker that lost its lease can write nothing more: every write proves the lease's turn.
package batch

import (
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// Shape says in whose words a batch is told to its client.
type Shape string

// The shapes.
const (
	OpenAI    Shape = "openai"    // POST /v1/batches with a file
	Anthropic Shape = "anthropic" // POST /v1/messages/batches with the requests in the body
	Job       Shape = "job"       // one call that may wait
)

// Status is where a batch stands, in OpenAI's words.
type Status string

// The statuses.
const (
	Validating Status = "validating"
	Failed     Status = "failed" // the file is not valid: nothing was run
	InProgress Status = "in_progress"
	Finalizing Status = "finalizing"
	Completed  Status = "completed" // every line has ended; some may have failed
	Expired    Status = "expired"   // the window ended first; what was answered is there
	Cancelling Status = "cancelling"
	Cancelled  Status = "cancelled"
)

// Over reports that nothing happens any more.
func (s Status) Over() bool {
	switch s {
	case Failed, Completed, Expired, Cancelled:
		return true
	case Validating, InProgress, Finalizing, Cancelling:
	}
	return false
}

// Window is how long a batch may take.
const Window = 24 * time.Hour

// Owner is on whose behalf a batch runs.
type Owner struct {
	Org  id.Org
	Team id.Team
	Key  id.Key
}

// Batch is a batch as its client sees it.
type Batch struct {
	Owner
	ID       id.Batch
	Shape    Shape
	Endpoint string  // path of every line: "/v1/chat/completions"
	Input    id.File // "" where the lines came in the request
	Output   id.File // "" until it is over, or when no line was answered
	Errors   id.File // "" when no line failed
	Status   Status
	Metadata map[string]string
	Problems []Problem // why it failed
	Header   map[string]string
	Counts   Counts

	CreatedAt    time.Time
	ExpiresAt    time.Time // end of the window
	StartedAt    time.Time // zero: not yet, as those below
	FinalizingAt time.Time
	CancellingAt time.Time
	EndedAt      time.Time
}

// Counts are a batch's lines. Those not counted wait or are under way.
type Counts struct {
	Total, Done, Failed, Cancelled, Expired int
}

// Open is how many lines have not ended.
func (c Counts) Open() int { return c.Total - c.Done - c.Failed - c.Cancelled - c.Expired }

// Problem is a fault of an uploaded file.
type Problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Param   string `json:"param,omitempty"`
	Line    int    `json:"line,omitempty"` // from 1; 0: the file as a whole
}

// LineState is where a line stands.
type LineState string

// The states of a line. All but the first two are ends.
const (
	LineWaiting   LineState = "waiting"
	LinePlanned   LineState = "planned" // it has a parcel
	LineDone      LineState = "done"    // answered with success
	LineFailed    LineState = "failed"
	LineCancelled LineState = "cancelled"
	LineExpired   LineState = "expired"
)

// Line is one call of a batch.
type Line struct {
	Owner    // of its batch, as Path and Header are
	Path     string
	Header   map[string]string
	Batch    id.Batch
	Number   int // from 1
	CustomID string
	Call     id.Call
	Body     []byte // as the client wrote it
	State    LineState
	Sent     []byte // planned: the body for the provider
	Draft    *Draft // planned: how it was routed
	End      End
}

// Draft is what is known of a line's call when it is planned, and needed again when its answer comes.
type Draft struct {
	Record  calllog.Record `json:"record"`            // not finished: how the call was routed
	Payload string         `json:"payload,omitempty"` // the most that is kept of the call, by its route; "": its key decides
	Bound   money.NanoUSD  `json:"bound,omitempty"`   // the most that the call can cost
	Shares  []Share        `json:"shares,omitempty"`  // the budgets that it falls under
}

// Share is a budget that a line falls under.
type Share struct {
	Budget  id.Budget `json:"budget"`
	Subject string    `json:"subject,omitempty"`
	Held    bool      `json:"held,omitempty"` // it blocks: money is held for the line
}

// Order is the line as the data plane is asked about it.
func (l *Line) Order() Order {
	return Order{Owner: l.Owner, Batch: l.Batch, Call: l.Call, Path: l.Path, Header: l.Header, Body: l.Body}
}

// End is how a line ended.
type End struct {
	State   LineState
	Status  int             // of the answer; 0: there is none
	Answer  []byte          // in the client's dialect
	Error   string          // a code, where there is no answer
	Message string          // and its sentence
	Record  *calllog.Record // nil: the call reached nobody, and is not in the log
	Run     id.Call         // the name under which the log knows of the run until Concluded; zero: it does not. Not stored
}

// Place is where lines go together.
type Place struct {
	Driver     string // Inline, or the API of the provider's batches
	Provider   string
	Credential id.Credential
	Model      string
	Path       string // of the provider's endpoint, below its base URL
	Dialect    string // of the provider
}

// Inline is the driver of lines that are run one by one.
const Inline = "inline"

// ParcelStatus is where a parcel stands.
type ParcelStatus string

// The statuses of a parcel.
const (
	Gathering ParcelStatus = "gathering" // lines may still join
	Planned   ParcelStatus = "planned"   // to be sent, or being run
	Sent      ParcelStatus = "sent"      // the provider has it
	Done      ParcelStatus = "done"      // every line has ended
)

// Parcel is what goes to one place together.
type Parcel struct {
	Place
	Org       id.Org
	ID        string
	Batch     id.Batch // "": of several jobs
	Status    ParcelStatus
	Upstream  string // the provider's name for it; "": not known
	File      string // the provider's name for the file that was sent
	TriedAt   time.Time
	Strangers []string
	Polls     int
	Failures  int // in a row
	Trouble   string
	Cancel    bool
	Stopped   bool // the provider was asked to stop
	Lines     int
	CreatedAt time.Time
	ExpiresAt time.Time
	Lease     Lease
	// Settings are those of its credential while it is worked on. They are not stored with it.
	Settings map[string]string
}

// Lease proves that its holder may write.
type Lease struct {
	Holder string
	Turn   int64 // a new one each time that the work is taken
}
