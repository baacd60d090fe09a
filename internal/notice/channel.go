package notice

import (
	"crypto/rand"
	"encoding/base64"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
)

// Medium is how a channel reaches people.
type Medium string

// The media.
const (
	Email   Medium = "email"
	Webhook Medium = "webhook" // as Standard Webhooks has it: signed JSON
	Slack   Medium = "slack"   // an incoming webhook of Slack, Mattermost or Rocket.Chat
)

// Channel is where notices go.
type Channel struct {
	ID        id.Channel
	Name      string
	Medium    Medium
	Hint      string // the target as it may be shown: of URLs that are secrets the host alone
	Kinds     []Kind // sorted; empty: all
	Off       bool
	OffReason string // why it was turned off by itself; "": it was not
	Failures  int    // in a row
	SentAt    time.Time
	Revision  int
	CreatedAt time.Time
	CreatedBy string
}

// Wants reports whether a notice of a kind goes there.
func (c *Channel) Wants(k Kind) bool {
	return !c.Off && (len(c.Kinds) == 0 || slices.Contains(c.Kinds, k))
}

// Private is what a channel keeps to itself.
type Private struct {
	Target  string   `json:"target"`            // address or URL
	Secrets []string `json:"secrets,omitempty"` // whsec_…, that webhooks are signed with; the newest first, at most two
}

const (
	nameRunesMax  = 100
	targetMax     = 2048
	channelsMax   = 50
	secretPrefix  = "whsec_"
	secretBytes   = 24 // as Standard Webhooks recommends: 24 to 64
	errorBytesMax = 500
)

// NewSecret makes what a webhook is signed with.
func NewSecret() string {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

// check refuses what is no channel; urls checks that a URL may be called.
func (c *Channel) check(target string, urls func(field, text string) (string, error)) error {
	switch {
	case c.Name == "" || !fault.OneLine(c.Name, nameRunesMax):
		return invalid("name", "A name has 1 to %d characters on one line.", nameRunesMax)
	case len(target) > targetMax:
		return invalid("target", "A target has at most %d bytes.", targetMax)
	}
	for _, k := range c.Kinds {
		if !slices.Contains(Kinds, k) {
			return invalid("kinds", "There are no notices of the kind %q.", string(k))
		}
	}
	switch c.Medium {
	case Email:
		a, err := mail.ParseAddress(target)
		if err != nil || a.Name != "" || a.Address != target || !strings.Contains(target, ".") {
			return invalid("target", "Write one e-mail address: ops@example.com.")
		}
		c.Hint = target
	case Webhook, Slack:
		if _, err := urls("target", target); err != nil {
			return err
		}
		u, err := url.Parse(target)
		if err != nil {
			return invalid("target", "This is no URL.")
		}
		c.Hint = u.Host
	default:
		return invalid("medium", "A channel is email, webhook or slack.")
	}
	return nil
}

func invalid(field, format string, args ...any) error {
	return ErrInvalid.Say(format, args...).At(field)
}

func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
