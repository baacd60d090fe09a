// Package compile turns other people's price lists into price records: LiteLLM's price file, models.dev's catalogue and
// OpenRouter's model list. It makes the catalogue that a release ships (Run) and feeds imports into an installation (Import).
//
// Every row of a file ends in exactly one of two places: taken, or ignored with a reason. Nothing is dropped in silence,
// and nothing is guessed: numbers are read as decimal text, never as floats; a price that our classes cannot express
// (a fee per citation, a different price by search size) leaves the row or the class unpriced.
//
// Zero is the trap of these files: it means "free" in some rows and "not known" or "not applicable" in others. A zero is
// believed only when every rate of the row is zero and the row is not metered in another unit; a zero beside other
// prices is no rate.
//
// Prices for batch processing are price lists of their own (see package price). Those for flex and priority processing are not read yet.
package compile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
)

// Reason says why a row was ignored, or what is not as listed in one that was taken.
type Reason string

// Reasons to ignore a row.
const (
	NotAModel   Reason = "not_a_model" // documentation, rules, size classes
	Malformed   Reason = "malformed"   // the row is not of the format, or a number is none
	Mode        Reason = "mode"        // a kind of model that is not metered in our classes: video, search engines
	NoRate      Reason = "no_rate"     // no rate that can be believed for what the model is there for
	Surcharge   Reason = "surcharge"   // a fee for each citation or text message: the other rates alone would be too low
	Dynamic     Reason = "dynamic"     // the price is decided call by call
	Duplicate   Reason = "duplicate"   // the same model at the same price under another name
	Conflicting Reason = "conflict"    // the same model under another name at another price; that one was taken
	Reserved    Reason = "reserved"    // a provider name that is ours
)

// Notes on rows that were taken.
const (
	Snapped       Reason = "snapped"        // float noise around a whole number of pico-dollars
	Raised        Reason = "raised"         // finer than a pico-dollar a unit: rounded up
	TimeOfDay     Reason = "time_of_day"    // cheaper at some hours: the standing price was taken
	SearchBySize  Reason = "search_by_size" // web searches are priced by size: left unpriced
	TierFilled    Reason = "tier_filled"    // the long-context list lacks a class: it keeps the base rate, as the file means it
	FreeAllowance Reason = "free_allowance" // a number of free units is not counted
	ImageBySize   Reason = "image_by_size"  // images are priced by size in one row: left unpriced
	PerPixel      Reason = "per_pixel"      // the price of a pixel was made that of an image of the row's size, to the micro-dollar
	Unread        Reason = "unread"         // a fee for an option that calls do not use
)

// Remark is one row and what is to be said of it.
type Remark struct {
	Row    string // the row's name in the file
	Reason Reason
	Detail string
}

// Taken is one row and the record it became.
type Taken struct {
	Row    string
	Record price.Record
}

// Parsed is a file read: Rows = len(Taken) + len(Ignored).
type Parsed struct {
	Rows    int
	Taken   []Taken
	Ignored []Remark
	Notes   []Remark
	Batch   []price.Record // lists of batch prices, beside those of the rows
}

// Records gives the records that were taken, and the same for the vendors that sell at those prices.
func (p Parsed) Records() []price.Record {
	out := make([]price.Record, len(p.Taken))
	for i, t := range p.Taken {
		out[i] = t.Record
	}
	return withTwins(append(out, p.Batch...))
}

func (p *Parsed) ignore(row string, why Reason, detail string) {
	p.Ignored = append(p.Ignored, Remark{row, why, detail})
}

// take settles a draft: taken with its notes, or ignored.
func (p *Parsed) take(row string, d *draft) {
	if d.why != "" {
		p.ignore(row, d.why, d.detail)
		return
	}
	if strings.EqualFold(d.rec.Provider, sandboxProvider) {
		p.ignore(row, Reserved, d.rec.Provider)
		return
	}
	if err := d.rec.Check(); err != nil {
		p.ignore(row, Malformed, err.Error())
		return
	}
	for _, n := range d.notes {
		n.Row = row
		p.Notes = append(p.Notes, n)
	}
	p.Taken = append(p.Taken, Taken{row, d.rec})
}

// unique keeps one row of a model. Rows must come in the order of preference.
func (p *Parsed) unique() {
	type key struct{ provider, model string }
	seen := map[key]Taken{}
	kept := p.Taken[:0]
	for _, t := range p.Taken {
		k := key{t.Record.Provider, strings.ToLower(t.Record.Model)}
		first, again := seen[k]
		switch {
		case !again:
			seen[k] = t
			kept = append(kept, t)
		case first.Record.SamePrice(t.Record):
			p.ignore(t.Row, Duplicate, first.Row)
		default:
			p.ignore(t.Row, Conflicting, first.Row)
		}
	}
	p.Taken = kept
}

// draft is a record in the making.
type draft struct {
	rec    price.Record
	scale  int    // perUnit or perMillion
	why    Reason // set: the row is ignored
	detail string
	notes  []Remark
}

func (d *draft) refuse(why Reason, detail string) {
	if d.why == "" {
		d.why, d.detail = why, detail
	}
}

func (d *draft) note(why Reason, detail string) {
	d.notes = append(d.notes, Remark{Reason: why, Detail: detail})
}

// rate reads a number of the file; false when there is none.
func (d *draft) rate(field string, value any) (money.Price, bool) {
	return d.rateAt(field, value, d.scale)
}

// rateAt is rate with another scale than the file's.
func (d *draft) rateAt(field string, value any, scale int) (money.Price, bool) {
	p, f, ok := d.read(field, value, scale)
	switch f {
	case snapped:
		d.note(Snapped, fmt.Sprintf("%s = %v", field, value))
	case raised:
		d.note(Raised, fmt.Sprintf("%s = %v", field, value))
	case whole:
	}
	return p, ok
}

// exact is rateAt for a number that goes on to be rounded.
func (d *draft) exact(field string, value any, scale int) (money.Price, bool) {
	p, _, ok := d.read(field, value, scale)
	return p, ok
}

func (d *draft) read(field string, value any, scale int) (money.Price, fit, bool) {
	s, ok := number(value)
	if !ok {
		if value != nil {
			d.refuse(Malformed, field)
		}
		return 0, whole, false
	}
	p, f, err := pico(s, scale)
	switch {
	case err != nil:
		d.refuse(Malformed, field+" = "+s)
		return 0, whole, false
	case p < 0:
		d.refuse(Dynamic, field+" = "+s)
		return 0, whole, false
	}
	return p, f, true
}

// number is the text of a number: a JSON number, or a string, as some files write them.
func number(v any) (string, bool) {
	switch v := v.(type) {
	case json.Number:
		return v.String(), true
	case string:
		return v, v != ""
	}
	return "", false
}

// count is a number of tokens; whatever is none is 0, unknown.
func count(v any) int64 {
	s, ok := number(v)
	if !ok {
		return 0
	}
	n, f, err := pico(s, 0)
	if err != nil || f != whole || n < 0 {
		return 0
	}
	return int64(n)
}

// settle applies the rule of zero, completes the tiers and refuses a list without a price for what a model is there for: tokens,
// images, audio, characters, reranks or pages. metered says that the row has prices above zero.
func (d *draft) settle(metered bool) {
	if metered || !d.free() {
		d.rec.Rates = positive(d.rec.Rates)
		for i := range d.rec.Tiers {
			d.rec.Tiers[i].Rates = positive(d.rec.Tiers[i].Rates)
		}
	}
	if !slices.ContainsFunc(purposes, func(c chat.Class) bool { return d.rec.Rates[c].Listed }) {
		d.refuse(NoRate, "")
		return
	}
	tiers := d.rec.Tiers
	d.rec.Tiers = nil
	for _, t := range tiers {
		full, filled := fill(t.Rates, d.rec.Rates)
		if filled && !t.Rates.Empty() {
			d.note(TierFilled, fmt.Sprintf("above %d", t.AboveInput))
		}
		before, _ := d.rec.For(t.AboveInput + 1)
		if full != before {
			d.rec.Tiers = append(d.rec.Tiers, price.Tier{AboveInput: t.AboveInput, Rates: full})
		}
	}
}

// purposes are the classes of which a list must price one.
var purposes = []chat.Class{chat.Input, chat.Output, chat.OutputImage, chat.Images, chat.AudioMS, chat.Characters, chat.SearchUnits, chat.Pages}

func (d *draft) free() bool {
	for _, t := range d.rec.Tiers {
		if !t.Rates.Free() {
			return false
		}
	}
	return d.rec.Rates.Free()
}

// positive drops the zeros.
func positive(r price.Rates) price.Rates {
	for c := range r {
		if r[c].Price == 0 {
			r[c] = price.Rate{}
		}
	}
	return r
}

// fill gives to the classes that r lacks the rates of other, and says whether a class of tokens was among them.
func fill(r, other price.Rates) (price.Rates, bool) {
	filled := false
	for c := range r {
		if !r[c].Listed && other[c].Listed {
			r[c], filled = other[c], filled || chat.Class(c).Token()
		}
	}
	return r, filled
}

// bytesMax bounds an input file.
const bytesMax = 64 << 20

var errTooLarge = errors.New("the price file is larger than 64 MiB")

// decode reads one JSON value with numbers as text.
func decode(r io.Reader, into any) error {
	bounded := &io.LimitedReader{R: r, N: bytesMax + 1}
	d := json.NewDecoder(bounded)
	d.UseNumber()
	err := d.Decode(into)
	if bounded.N <= 0 {
		return errTooLarge
	}
	if err != nil {
		return fmt.Errorf("price file: %w", err)
	}
	return nil
}
