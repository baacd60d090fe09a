// Package price says what a unit costs and what a call therefore cost.
//
// The model: a Record is one provider's price list for one model over one span of time. It holds a rate for each
// token class that the provider lists, and the same for long contexts. A class has three states: a rate above zero,
// a rate of zero (the provider says it is free), and no rate (unpriced). A missing rate is never zero: a call that used
// an unpriced class has no cost until somebody gives it one.
//
// A Book is an immutable set of records made for looking up: the catalogue of the installation, or an organization's
// view of it, in which the organization's own records (overrides) stand before the catalogue's.
//
// Invariants: at most one record of a provider and model is in force at any instant in a layer; a record that has priced
// a call is never changed or removed, only ended; records are identified, and the id is kept with the call.
package price

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// The failures of this package.
var (
	ErrNotFound  = fault.New(fault.NotFound, "price.not_found", "There is no such price.")
	ErrInvalid   = fault.New(fault.Invalid, "price.invalid", "This price is not valid.")
	ErrBackdated = fault.New(fault.Invalid, "price.backdated", "A price cannot start in the past: calls already made keep the price they had.")
	ErrPlanned   = fault.New(fault.Conflict, "price.planned", "A later price is already planned for this model. Remove it first.")
	ErrEnded     = fault.New(fault.Conflict, "price.ended", "This price has already ended.")
)

// Rate is the price of one class. The zero Rate is unpriced; a listed price of zero is free.
type Rate struct {
	Price  money.Price
	Listed bool
}

// Rates has a rate for every class. Rates compare with ==.
//
// In JSON it is an object of pico-dollars per unit by class name; a class that is not there is unpriced.
type Rates [chat.Classes]Rate

// Set returns the rates with class c at p.
func (r Rates) Set(c chat.Class, p money.Price) Rates {
	r[c] = Rate{Price: p, Listed: true}
	return r
}

// Empty reports that no class is priced.
func (r Rates) Empty() bool { return r == Rates{} }

// Free reports that at least one class is listed and all that are cost nothing.
func (r Rates) Free() bool {
	for _, x := range r {
		if x.Price != 0 {
			return false
		}
	}
	return !r.Empty()
}

// MarshalJSON writes the listed classes only.
func (r Rates) MarshalJSON() ([]byte, error) {
	m := make(map[string]money.Price, len(r))
	for c, x := range r {
		if x.Listed {
			m[chat.Class(c).String()] = x.Price
		}
	}
	return json.Marshal(m)
}

// UnmarshalJSON refuses a class it does not know and a negative price, so that an older process never drops a rate.
func (r *Rates) UnmarshalJSON(b []byte) error {
	var m map[string]money.Price
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	var out Rates
	for name, p := range m {
		c, ok := chat.ParseClass(name)
		if !ok || p < 0 {
			return fmt.Errorf("rate %q: %d", name, p)
		}
		out = out.Set(c, p)
	}
	*r = out
	return nil
}

// MarshalBinary writes the listed classes by name, as JSON does: what one release keeps on disk is read by the next, which may know
// more classes.
func (r Rates) MarshalBinary() ([]byte, error) { return r.MarshalJSON() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (r *Rates) UnmarshalBinary(b []byte) error { return r.UnmarshalJSON(b) }

// Tier is the price list of long contexts: where all input tokens of a call are more than AboveInput, these rates hold
// for the whole call. The list is complete: a class that is not in it is unpriced in this tier.
type Tier struct {
	AboveInput int64
	Rates      Rates
}

// Modality is a set of content kinds.
type Modality uint8

// The kinds.
const (
	Text Modality = 1 << iota
	Image
	Audio
	Video
	PDF
)

var modalityNames = []string{"text", "image", "audio", "video", "pdf"}

// String lists the kinds by name: "text,image".
func (m Modality) String() string {
	var names []string
	for i, n := range modalityNames {
		if m&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, ",")
}

// ParseModality finds one kind by name.
func ParseModality(name string) (Modality, bool) {
	for i, n := range modalityNames {
		if n == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// Record is one price list: a provider's, for a model, from From until To.
//
// Batch prices are a further price list of the same model, under a name of its own: see BatchPrefix.
type Record struct {
	ID       id.PriceRecord
	Provider string // a vendor id: "openai"
	Model    string // as the provider spells it; AnyModel stands for every model that is not listed
	Rates    Rates
	Tiers    []Tier    // ascending by AboveInput; empty when length does not matter
	From     time.Time // first instant; zero means always
	To       time.Time // first instant at which it no longer holds; zero means open
	Source   string    // where the figures come from: "litellm", "models.dev", "openrouter", "tollgate", "override"

	ContextWindow int64 // tokens; 0 is unknown
	MaxOutput     int64 // tokens; 0 is unknown
	Input         Modality
	Output        Modality
}

// AnyModel as a model prices every model of the provider that has no record of its own: "a local server costs nothing".
const AnyModel = "*"

// InForce reports whether the record holds at an instant.
func (r Record) InForce(at time.Time) bool {
	return !at.Before(r.From) && (r.To.IsZero() || at.Before(r.To))
}

// SamePrice reports whether two records charge the same for every call.
func (r Record) SamePrice(o Record) bool {
	if r.Rates != o.Rates || len(r.Tiers) != len(o.Tiers) {
		return false
	}
	for i := range r.Tiers {
		if r.Tiers[i] != o.Tiers[i] {
			return false
		}
	}
	return true
}

// For returns the rates that hold for a call of so many input tokens, and the tier's bound (0 for the base list).
func (r Record) For(inputTokens int64) (Rates, int64) {
	rates, above := r.Rates, int64(0)
	for _, t := range r.Tiers {
		if inputTokens > t.AboveInput {
			rates, above = t.Rates, t.AboveInput
		}
	}
	return rates, above
}

// Check refuses a record that cannot be a price list.
func (r Record) Check() error {
	switch {
	case strings.TrimSpace(r.Provider) == "":
		return ErrInvalid.Say("A price needs a provider.").At("provider")
	case strings.TrimSpace(r.Model) == "":
		return ErrInvalid.Say("A price needs a model.").At("model")
	case len(r.Provider) > 64 || len(r.Model) > 256 || strings.ContainsAny(r.Provider+r.Model, "\t\n\r"):
		return ErrInvalid.Say("The provider or model name is too long or holds control characters.").At("model")
	case r.Rates.Empty():
		return ErrInvalid.Say("A price needs a rate for at least one class.").At("rates")
	case len(r.Tiers) > tiersMax:
		return ErrInvalid.Say("A price has at most %d tiers.", tiersMax).At("tiers")
	case !r.To.IsZero() && !r.To.After(r.From):
		return ErrInvalid.Say("A price must end after it starts.").At("to")
	}
	if err := r.Rates.check("rates"); err != nil {
		return err
	}
	last := int64(0)
	for i, t := range r.Tiers {
		at := fmt.Sprintf("tiers.%d", i)
		if t.AboveInput <= last {
			return ErrInvalid.Say("Tiers go up: each starts above the one before.").At(at + ".above_input")
		}
		if t.Rates.Empty() {
			return ErrInvalid.Say("A tier needs a rate for at least one class.").At(at + ".rates")
		}
		if err := t.Rates.check(at + ".rates"); err != nil {
			return err
		}
		last = t.AboveInput
	}
	return nil
}

const tiersMax = 16

// priceMax is a hundred dollars a unit: far above any, and low enough that a slip of the point is caught.
const priceMax money.Price = 100_000_000_000_000

func (r Rates) check(at string) error {
	for c, x := range r {
		if x.Price < 0 || x.Price > priceMax {
			return ErrInvalid.Say("A rate is between 0 and 100 dollars a unit.").At(at + "." + chat.Class(c).String())
		}
	}
	return nil
}

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Stamp returns the record with an id made from what it says (provider, model, start, rates, tiers), so that the same
// list has the same id in every release and every installation. Overrides have ids of their own instead.
func (r Record) Stamp() Record {
	h := sha256.New()
	text(h, r.Provider)
	text(h, r.Model)
	from := int64(0)
	if !r.From.IsZero() {
		from = r.From.UnixMicro()
	}
	number(h, from)
	r.Rates.into(h)
	for _, t := range r.Tiers {
		number(h, t.AboveInput)
		t.Rates.into(h)
	}
	r.ID = id.PriceRecord("price_" + idEncoding.EncodeToString(h.Sum(nil)[:16]))
	return r
}

// into writes the listed classes by name, so that a class added later changes no id.
func (r Rates) into(h hash.Hash) {
	for c, x := range r {
		if x.Listed {
			text(h, chat.Class(c).String())
			number(h, int64(x.Price))
		}
	}
	text(h, "")
}

func text(h hash.Hash, s string) {
	number(h, int64(len(s)))
	_, _ = h.Write([]byte(s)) // a hash never fails
}

func number(h hash.Hash, n int64) {
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
}
