// Package notice tells people what happened to their organization: a budget reached a mark, a key is about to expire or was leaked.
//
// A notice is kept, shown on the dashboard and sent to the organization's channels: e-mail addresses and webhooks.
package notice

import (
	"context"
	"time"

	"tollgate/internal/id"
)

// Kind is a dotted, stable word for what happened: public API, also the type of a webhook's event.
type Kind string

// The kinds.
const (
	BudgetMark     Kind = "budget.mark"     // spent and reserved passed a per cent of the limit
	BudgetForecast Kind = "budget.forecast" // at this pace it ends before its window
	BudgetOverrun  Kind = "budget.overrun"  // a call cost more than was reserved: a defect of ours
	BudgetRaised   Kind = "budget.raised"
	KeyExpiring    Kind = "key.expiring"
	KeyExpired     Kind = "key.expired"
	KeyRotated     Kind = "key.rotated"
	KeyLeaked      Kind = "key.leaked"
	LimitReached   Kind = "limit.reached"
	PromptCreated  Kind = "prompt.created"     // a prompt or a version of one
	PromptMoved    Kind = "prompt.label_moved" // a label stands on another version, or on none
	PromptDeleted  Kind = "prompt.deleted"     // it was archived: calls cannot use it any more
	PromptAsked    Kind = "prompt.approval"    // a move of a label waits for an approval
	PromptFailed   Kind = "prompt.move_failed" // a move of a label that was planned was not made, or a gradual one stopped by itself
	ChannelOff     Kind = "channel.off"        // a channel was turned off by itself: nothing arrived there any more
	Test           Kind = "test"
)

// Kinds are those that a channel can be asked for. A Test goes where it was asked for, and nowhere else.
var Kinds = []Kind{
	BudgetMark, BudgetForecast, BudgetOverrun, BudgetRaised, KeyExpiring, KeyExpired, KeyRotated, KeyLeaked, LimitReached,
	PromptCreated, PromptMoved, PromptDeleted, PromptAsked, PromptFailed, ChannelOff,
}

// News reports that nobody has to act on notices of the kind: people did what they tell of. They are kept as read, and go to channels that
// ask for the kind, and to webhooks that ask for all; nobody gets a letter for each change of a prompt without wanting it.
func (k Kind) News() bool { return k == PromptCreated || k == PromptMoved || k == PromptDeleted }

// New is what happened.
type New struct {
	Kind  Kind
	About string // id of the thing: a budget, a key
	Once  string // what was told once is not told again: "window and mark"; "": always told
	Title string // one line, without a full stop
	Text  string // what it means and what to do, in sentences
	Path  string // on the dashboard: "/budgets/bud_…"
	Data  map[string]any
	At    time.Time
}

// Poster keeps a notice and has it sent. It reports false when the same was told before.
type Poster interface {
	Post(ctx context.Context, org id.Org, n New) (bool, error)
}

// Notice is what was told.
type Notice struct {
	ID id.Notice
	New
	ReadAt time.Time // zero: nobody has read it
	ReadBy string
}

// State is where a delivery stands.
type State string

// The states.
const (
	Pending State = "pending" // it is sent, or will be again
	Sent    State = "sent"
	Kept    State = "kept" // an e-mail where no mail server is set: it can be read on the dashboard
	Failed  State = "failed"
)

// Delivery is a notice on its way through a channel.
type Delivery struct {
	ID       id.Delivery
	Notice   Notice
	Channel  id.Channel
	Name     string // of the channel
	Medium   Medium
	State    State
	Attempts int
	NextAt   time.Time // Pending: of the next attempt
	Status   int       // of the last answer; 0: there was none
	Error    string    // of the last attempt
	At       time.Time
	EndedAt  time.Time
}
