// Package id makes identifiers: a prefix that says what the thing is, and a time-ordered UUIDv7 in lower-case
// base32 (Crockford's alphabet, 26 characters). Ids are safe in URLs and sort by creation.
package id

import (
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
)

// Distinct types, so that two ids cannot be swapped.
type (
	Org           string // org_...
	Team          string // team_...
	User          string // user_...
	Key           string // key_...
	Credential    string // cred_...
	Alias         string // alias_...
	Token         string // tok_...
	Session       string // sess_...
	PriceRecord   string // price_...
	Experiment    string // exp_...
	Score         string // score_...
	Batch         string // batch_...
	File          string // file_...
	Job           string // job_...
	Prompt        string // prompt_...
	PromptRequest string // preq_..., a move of a label that waits
	PromptComment string // pcom_...
	PlaygroundRun string // prun_...
	Budget        string // bud_...
	Raise         string // raise_...
	Limit         string // lim_...
	Secret        string // sec_..., of a key
	Template      string // tmpl_..., of keys
	Notice        string // note_...
	Channel       string // chan_..., that notices go to
	Delivery      string // dlv_..., of a notice
)

var encoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// New returns a fresh identifier: New("key") is "key_06...". It panics only when the system has no randomness.
func New(prefix string) string {
	u := uuid.Must(uuid.NewV7())
	return prefix + "_" + encoding.EncodeToString(u[:])
}

// Call identifies one client request: a UUIDv7, made once by the proxy. The zero value is no call.
type Call [16]byte

// callPrefix starts the text form.
const callPrefix = "call_"

// ErrCall is returned for text that is no call id.
var ErrCall = errors.New("not a call id")

// NewCall returns a fresh call id whose embedded time is now.
func NewCall() Call { return Call(uuid.Must(uuid.NewV7())) }

// Mint makes call ids by its owner's clock. It never goes back in time: where the clock does, its ids stay at the latest time.
type Mint struct{ gen *uuid.Gen }

// NewMint returns a mint of its own; one that runs ahead does not draw others along.
func NewMint() Mint { return Mint{uuid.NewGen()} }

// Call returns a fresh call id whose embedded time is at.
func (m Mint) Call(at time.Time) Call { return Call(uuid.Must(m.gen.NewV7AtTime(at))) }

// ParseCall reads the text form.
func ParseCall(s string) (Call, error) {
	var c Call
	rest, ok := strings.CutPrefix(s, callPrefix)
	if !ok || len(rest) != 26 {
		return c, ErrCall
	}
	if n, err := encoding.Decode(c[:], []byte(rest)); err != nil || n != len(c) {
		return Call{}, ErrCall
	}
	return c, nil
}

// String is the public text form, "call_" and 26 characters.
func (c Call) String() string {
	var buf [len(callPrefix) + 26]byte
	copy(buf[:], callPrefix)
	encoding.Encode(buf[len(callPrefix):], c[:])
	return string(buf[:])
}

// MarshalText is String, so that a call id is readable in JSON.
func (c Call) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is ParseCall.
func (c *Call) UnmarshalText(b []byte) error {
	v, err := ParseCall(string(b))
	*c = v
	return err
}

// Time is the instant embedded in the id, to the millisecond, UTC. It is the call's started_at, so (id, time) is
// stable across every retry of its record.
func (c Call) Time() time.Time {
	ms := int64(c[0])<<40 | int64(c[1])<<32 | int64(c[2])<<24 | int64(c[3])<<16 | int64(c[4])<<8 | int64(c[5])
	return time.UnixMilli(ms).UTC()
}
