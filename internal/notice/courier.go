package notice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
)

// Parcel is a delivery that was taken to be sent.
type Parcel struct {
	Delivery
	Org     id.Org
	OrgName string
	Sealed  []byte
}

// Outbox holds what is to be sent, of all organizations; package noticepg provides it.
type Outbox interface {
	// Due takes up to most parcels that are due; nobody else gets them before until.
	Due(ctx context.Context, now, until time.Time, most int) ([]Parcel, error)
	// Done notes how sending went. It reports that the channel was turned off by that.
	Done(ctx context.Context, p Parcel, r Result, now time.Time) (turnedOff bool, err error)
}

// Result is how an attempt went.
type Result struct {
	State  State
	Status int
	Error  string
	NextAt time.Time // Pending
	// Off is why the channel is turned off; "": it is not, unless its failures have become too many.
	Off string
}

// Message is a notice with what a Sender needs.
type Message struct {
	Notice
	Org  string // name
	Link string // absolute
}

// Sender sends through one medium. Answer is the HTTP status, 0 where there is none. An error that is a *Lasting will not mend by itself.
type Sender interface {
	Send(ctx context.Context, to Private, m Message) (status int, err error)
}

// Lasting is a failure that no repeat mends. Off says that nothing will ever arrive there.
type Lasting struct {
	Err error
	Off bool
}

// Error is the cause's.
func (l *Lasting) Error() string { return l.Err.Error() }

// Unwrap is the cause.
func (l *Lasting) Unwrap() error { return l.Err }

// ErrKept is from a Sender that has nowhere to send to: the notice stays to be read on the dashboard.
var ErrKept = errors.New("there is no mail server: the notice is kept on the dashboard")

// waits are the pauses before each further attempt: eight attempts in about a day, as Standard Webhooks recommends.
var waits = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 4 * time.Hour, 16 * time.Hour}

// FailuresMax is how many deliveries in a row a channel may fail to take, each after all its attempts, before it is turned off.
const FailuresMax = 5

const (
	batch       = 20
	sendTimeout = 15 * time.Second
	takenFor    = 2 * time.Minute // longer than sending a batch's parcel can take
)

// Courier sends what is due. Any number may run.
type Courier struct {
	Outbox  Outbox
	Seal    *Seal
	Senders map[Medium]Sender
	Poster  Poster // is told of channels that were turned off
	Base    string // of links: "https://tollgate.example.com"
	Now     func() time.Time
	Logger  *slog.Logger
}

// Turn sends what is due until nothing is.
func (c *Courier) Turn(ctx context.Context) error {
	for {
		now := instant(c.Now())
		due, err := c.Outbox.Due(ctx, now, now.Add(takenFor), batch)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, p := range due {
			if err := c.send(ctx, p); err != nil {
				return err
			}
		}
	}
}

func (c *Courier) send(ctx context.Context, p Parcel) error {
	r := c.attempt(ctx, p)
	if ctx.Err() != nil { // the process ends: whoever takes it next sends it, perhaps again
		return ctx.Err()
	}
	off, err := c.Outbox.Done(ctx, p, r, instant(c.Now()))
	if err != nil || !off {
		return err
	}
	c.Logger.Warn("notices: a channel was turned off", "channel", p.Channel, "status", r.Status)
	_, err = c.Poster.Post(ctx, p.Org, New{
		Kind: ChannelOff, About: string(p.Channel), Title: fmt.Sprintf("The channel %q was turned off", p.Name), Path: "/alerts?tab=channels", At: instant(c.Now()),
		Text: "Nothing arrives there any more: " + r.Error + ". Mend it, send a test, and turn it on again.",
	})
	return err
}

// attempt sends one parcel once.
func (c *Courier) attempt(ctx context.Context, p Parcel) Result {
	sender := c.Senders[p.Medium]
	to, err := c.Seal.open(p.Org, p.Channel, p.Sealed)
	if err != nil || sender == nil {
		return Result{State: Failed, Error: "the channel's target cannot be read: write it anew"}
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	status, err := sender.Send(ctx, to, Message{Notice: p.Notice, Org: p.OrgName, Link: c.Base + p.Notice.Path})
	r := Result{State: Sent, Status: status}
	if err == nil {
		return r
	}
	if errors.Is(err, ErrKept) {
		r.State = Kept
		return r
	}
	r.State, r.Error = Failed, fault.Clip(reason(status, err))
	var lasting *Lasting
	if errors.As(err, &lasting) {
		if lasting.Off {
			r.Off = r.Error
		}
		return r
	}
	if n := p.Attempts; n <= len(waits) {
		r.State, r.NextAt = Pending, instant(c.Now()).Add(waits[n-1])
	}
	return r
}

// reason is an error in words that may be shown. What a library says may quote the target, and is left to the log.
func reason(status int, err error) string {
	var said *fault.Error
	switch {
	case status != 0:
		return "it was answered with status " + strconv.Itoa(status)
	case errors.Is(err, context.DeadlineExceeded):
		return "there was no answer within 15 seconds"
	case errors.As(err, &said):
		return said.Message
	}
	return "it could not be reached"
}
