package gateway

import (
	"net/http"
	"sync/atomic"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/health"
	"tollgate/internal/id"
	"tollgate/internal/provider"
	"tollgate/internal/route"
	"tollgate/internal/snapshot"
)

// Call is one client request on its way through the stages. Each stage fills its own block and reads those above it.
type Call struct {
	ID      id.Call
	Text    string // the id as text
	Start   time.Time
	Surface *surface
	Line    provider.Line // what the request says outside its body
	req     *http.Request
	in      *inside // nil: the call came over the network
	// deferred: a job was made of the call, which records it when it ends.
	deferred bool
	client   client
	linked   linked // among the calls under way
	life     life   // of the work: dispatch

	Caller  caller  // authenticate
	Ask     ask     // read, prompt
	Plan    plan    // resolve
	Work    work    // dispatch
	Answer  answer  // dispatch, or the refusal of any stage: what finish still has to send
	Outcome outcome // settle
	Record  calllog.Record

	prompt  *prompted // nil: the call uses none
	marks   [11]calllog.Mark
	nmark   int
	reached atomic.Bool  // the attempt under way may have reached its provider
	lent    atomic.Int32 // request bodies that a transport may still be reading
	limits  limiting
	budgets budgeting
	payload *calllog.Payload // nil: the key keeps none
	witness *witness         // nil: the call is of no experiment
	load    *load            // of its organization, while the call is taken on; nil: it was not
	shed    bool             // there was no room for it
	keeping *keeping         // nil: its answer is not kept
}

// caller is who calls.
type caller struct {
	key *snapshot.Key // nil until authenticated; then it is also the proof that the call belongs in the log
}

// ask is what the client sent.
type ask struct {
	buf      *buffer // owns body
	body     []byte
	head     provider.Head
	workflow string
	endUser  string
	tags     map[string]string // may be the key's own map: never written to
	size     int64
	wanted   *wanted // the prompt that is asked for; nil: none
}

// plan is where the call may go.
type plan struct {
	route.Plan
	named bool // a model was resolved
}

// work is what dispatch did.
type work struct {
	attempts  []calllog.Attempt
	first     [1]calllog.Attempt // backs attempts: most calls have one
	quoted    bool               // the last attempt's provider speaks the client's dialect in its errors
	intent    bool               // the log knows that the call may have reached a provider
	content   bool               // the answer has begun: no other target any more
	deadline  time.Time          // when life ends, by the gateway's clock
	waited    time.Duration      // spent waiting for providers
	firstByte time.Duration      // first content to the client, since the start
	finish    chat.FinishReason
	refusedBy http.Header // of the last provider that answered with an error
	hurried   *time.Timer // ends a finished stream that is kept open
	flight    health.Flight
	repeat    bool // the attempt under way is a repeat, and counts against the allowance
}

// answer is what the client has yet to get. Exactly one of whole, tail and problem is set.
type answer struct {
	status  int
	header  http.Header // of the provider, to pass on by allow-list; nil when it is ours
	whole   *whole      // a complete answer
	tail    flow        // a committed stream whose end is held back
	problem *provider.Problem
	raw     []byte        // the provider's own error body, to relay instead of problem's
	after   time.Duration // Retry-After
	settled bool          // trying again at once cannot help, whatever the status says
	last    []byte        // render: the bytes that finish sends
}

// whole is a complete answer: the provider's bytes, or ours.
type whole struct {
	buf  *buffer
	body []byte          // the provider's bytes
	ours provider.Answer // set when the body is written by us
}

// outcome is how the call ended.
type outcome struct {
	how    calllog.Outcome
	code   string
	status int
}

func (c *Call) mark(stage string, at time.Time) {
	if c.nmark < len(c.marks) {
		c.marks[c.nmark] = calllog.Mark{Stage: stage, At: at.Sub(c.Start)}
		c.nmark++
	}
}

// dropBody gives the request's bytes back as soon as no attempt can need them: a stream lives long.
func (c *Call) dropBody() {
	if c.lent.Load() == 0 {
		c.Ask.buf.release()
	} // else a transport still reads them, and the garbage collector takes them later
	c.Ask.buf, c.Ask.body = nil, nil
	c.prompt.forget()
}

// release gives back what the call borrowed.
func (c *Call) release() {
	c.dropBody()
	if w := c.Answer.whole; w != nil {
		w.buf.release()
		w.buf, w.body = nil, nil
	}
}
