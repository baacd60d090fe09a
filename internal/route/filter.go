package route

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/provider"
	"tollgate/internal/snapshot"
)

// excludes says why the filter leaves a vendor's model out; "" when it does not. A vendor that routes by itself is judged by price
// alone: names and the other wishes are for it to read, and the request's provider object goes there as it is.
func (f *Filter) excludes(org *snapshot.Org, v *provider.Vendor, model string, now time.Time) string {
	if !v.Routes {
		switch {
		case len(f.Only) > 0 && !meant(f.Only, v):
			return "the request wants only " + joined(f.Only)
		case meant(f.Ignore, v):
			return "the request ignores " + v.ID
		case f.NoFallbacks && len(f.Order) > 0 && !meant(f.Order, v):
			return "the request allows none but " + joined(f.Order)
		case len(f.Beyond) > 0:
			return "nobody here can promise " + joined(f.Beyond)
		}
	}
	if f.MaxPrice == (MaxPrice{}) {
		return ""
	}
	rec, ok := org.Prices.Lookup(v.ID, model, now)
	if !ok {
		return "its price is not known, and the request names the most it may be"
	}
	for _, bound := range [...]struct {
		of    chat.Class
		limit *money.Price
		word  string
	}{{chat.Input, f.MaxPrice.Prompt, "prompt"}, {chat.Output, f.MaxPrice.Completion, "completion"}} {
		if bound.limit == nil {
			continue
		}
		rate := rec.Rates[bound.of]
		switch {
		case !rate.Listed:
			return "its " + bound.word + " price is not known, and the request names the most it may be"
		case rate.Price > *bound.limit:
			return "its " + bound.word + " price of $" + rate.Price.PerMillion() + " a million is over the request's $" + bound.limit.PerMillion()
		}
	}
	return ""
}

// meant reports whether a list names a vendor, or the one whose region or second API it is.
func meant(names []string, v *provider.Vendor) bool {
	return slices.Contains(names, v.ID) || v.Of != "" && slices.Contains(names, v.Of)
}

// among keeps the vendors of a bare model name that the filter allows, those of its order first; all where it allows none, so that
// the reason is told target by target.
func (f *Filter) among(found []*provider.Vendor) []*provider.Vendor {
	out := slices.DeleteFunc(slices.Clone(found), func(v *provider.Vendor) bool {
		return len(f.Only) > 0 && !meant(f.Only, v) || meant(f.Ignore, v)
	})
	if len(out) == 0 {
		return found
	}
	return out
}

// chooses reports whether the filter says which of several vendors goes first.
func (f *Filter) chooses() bool { return len(f.Order) > 0 || len(f.Only) > 0 || f.Sort != "" }

// rank is a vendor's place in the request's order; those that it does not name share the last.
func (f *Filter) rank(v *provider.Vendor) int {
	for i, name := range f.Order {
		if name == v.ID || v.Of != "" && name == v.Of {
			return i
		}
	}
	return len(f.Order)
}

// words say what the filter asks for, one wish each.
func (f *Filter) words() []string {
	var out []string
	list := func(what string, names []string) {
		if len(names) > 0 {
			out = append(out, what+" "+joined(names))
		}
	}
	list("first", f.Order)
	list("only", f.Only)
	list("not", f.Ignore)
	list("with", f.Beyond)
	if f.NoFallbacks {
		out = append(out, "no fallbacks")
	}
	if f.RequireParams {
		out = append(out, "all parameters")
	}
	if f.NoTraining {
		out = append(out, "no training")
	}
	if f.Sort != "" {
		out = append(out, "sorted by "+f.Sort)
	}
	if p := f.MaxPrice.Prompt; p != nil {
		out = append(out, "prompt at most $"+p.PerMillion()+" a million")
	}
	if p := f.MaxPrice.Completion; p != nil {
		out = append(out, "completion at most $"+p.PerMillion()+" a million")
	}
	return out
}

// joined is a list for people, bounded.
func joined(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(len(names)-most) + " more"
}
