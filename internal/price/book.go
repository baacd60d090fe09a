package price

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tollgate/internal/id"
)

// Book is an immutable set of records made for looking up; it is safe for use by many goroutines.
//
// The zero Book prices nothing. A book made by With keeps only its own records and shares the book beneath, so a view
// for each organization costs what its overrides cost.
type Book struct {
	base  *Book
	rows  map[name][]Record // newest start first
	dated map[name][]string // undated name -> the dated names listed
	sized map[name]bool     // models whose images are listed by size
	turns []time.Time       // when its own records begin or end, in order
}

// name is how a book files a record: both parts lower-case.
type name struct{ provider, model string }

func file(provider, model string) name {
	return name{fold(provider), fold(model)}
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// NewBook makes a catalogue. Where two records of a model are in force at the same instant the one that starts later
// holds; where they start together, the one that stands later in the list. So imported records follow the seed's.
func NewBook(records []Record) *Book {
	b := &Book{rows: make(map[name][]Record, len(records)), dated: map[name][]string{}, sized: map[name]bool{}, turns: turnsOf(records)}
	for _, r := range records {
		n := file(r.Provider, r.Model)
		if stem, ok := undated(n.model); ok && len(b.rows[n]) == 0 {
			of := name{n.provider, stem}
			b.dated[of] = append(b.dated[of], n.model)
		}
		if of, ok := sizedImage(n.model); ok {
			b.sized[name{n.provider, of}] = true
		}
		b.rows[n] = append(b.rows[n], r)
	}
	for _, rows := range b.rows {
		slices.Reverse(rows)
		slices.SortStableFunc(rows, func(x, y Record) int { return y.From.Compare(x.From) })
	}
	for _, names := range b.dated {
		slices.Sort(names)
	}
	return b
}

// With returns the view of this book in which the overrides stand first. An override is a whole price list: what it
// leaves out is unpriced, not taken from the catalogue. Only what is no price (limits, modalities) is filled in from there.
func (b *Book) With(overrides []Record) *Book {
	if len(overrides) == 0 {
		return b
	}
	own := make([]Record, len(overrides))
	for i, r := range overrides {
		own[i] = r
		if list, ok := b.Lookup(r.Provider, r.Model, r.From); ok && r.Model != AnyModel {
			own[i] = r.describedBy(list)
		}
	}
	view := NewBook(own)
	view.base = b
	return view
}

// describedBy fills in what o knows beside the price.
func (r Record) describedBy(o Record) Record {
	r.ContextWindow = cmp.Or(r.ContextWindow, o.ContextWindow)
	r.MaxOutput = cmp.Or(r.MaxOutput, o.MaxOutput)
	r.Input = cmp.Or(r.Input, o.Input)
	r.Output = cmp.Or(r.Output, o.Output)
	return r
}

// Lookup finds the record that prices a model at an instant, by the rules of match.go; false means unpriced.
func (b *Book) Lookup(provider, model string, at time.Time) (Record, bool) {
	r, by := b.find(file(provider, model), at)
	return r, by != unknown
}

// find is Lookup through the layers.
//
// An override wins where its name fits as well as the catalogue's. Where the catalogue knows the very name and the
// override only a related one (an override of gpt-4o, a call of gpt-4o-2024-05-13), the override speaks for it only if the
// catalogue prices both names alike: otherwise they are different products, and the override would price the wrong one.
func (b *Book) find(n name, at time.Time) (Record, rule) {
	own, by := b.match(n, at)
	if b.base == nil {
		return own, by
	}
	list, listBy := b.base.find(n, at)
	if by == unknown {
		return list, listBy
	}
	if by <= spelled || listBy == unknown || listBy >= by {
		return own, by
	}
	if by == stem {
		if of, ok := b.base.top(file(own.Provider, own.Model), at); ok && of.SamePrice(list) {
			return own, by
		}
	}
	return list, listBy
}

// inForce is this layer's record under exactly this name.
func (b *Book) inForce(n name, at time.Time) (Record, bool) {
	rows := b.rows[n]
	for i := range rows {
		if rows[i].InForce(at) {
			return rows[i], true
		}
	}
	return Record{}, false
}

// Models lists the records in force at an instant, one a model, by provider and model; of one provider, or of all when
// provider is empty. Overrides replace what they override; provider-wide records are in the list, as AnyModel. Prices of
// images by size are not: they are no models.
func (b *Book) Models(provider string, at time.Time) []Record {
	of := fold(provider)
	var out []Record
	for n := range b.names() {
		if of != "" && n.provider != of {
			continue
		}
		if _, sized := sizedImage(n.model); sized || batchName(n.model) {
			continue
		}
		if r, ok := b.top(n, at); ok {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, byName)
	return out
}

// ByID finds the record of an id, whenever it holds. It looks at every record: it is for pages that explain a call, not for calls.
func (b *Book) ByID(which id.PriceRecord) (Record, bool) {
	if of, d, ok := derived(which); ok {
		if r, ok := b.ByID(of); ok {
			return r.Discounted(d)
		}
		return Record{}, false
	}
	for l := b; l != nil; l = l.base {
		for _, rows := range l.rows {
			for i := range rows {
				if rows[i].ID == which {
					return rows[i], true
				}
			}
		}
	}
	return Record{}, false
}

// top is the record in force under exactly this name in the uppermost layer that has one.
func (b *Book) top(n name, at time.Time) (Record, bool) {
	for l := b; l != nil; l = l.base {
		if r, ok := l.inForce(n, at); ok {
			return r, true
		}
	}
	return Record{}, false
}

// names is every name of every layer, once.
func (b *Book) names() map[name]struct{} {
	all := map[name]struct{}{}
	for l := b; l != nil; l = l.base {
		for n := range l.rows {
			all[n] = struct{}{}
		}
	}
	return all
}

func byName(x, y Record) int {
	return cmp.Or(cmp.Compare(x.Provider, y.Provider), cmp.Compare(fold(x.Model), fold(y.Model)), x.From.Compare(y.From))
}

// Sort puts records in the order of lists and files: provider, model, start.
func Sort(records []Record) { slices.SortStableFunc(records, byName) }
