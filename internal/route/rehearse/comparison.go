package rehearse

import (
	"errors"
	"maps"
	"math/big"
	"slices"

	"tollgate/internal/alias"
	"tollgate/internal/alias/condition"
	"tollgate/internal/calllog"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/route"
	"tollgate/internal/snapshot"
)

// comparison resolves calls in two worlds.
type comparison struct {
	router     route.Router
	book       *price.Book
	keys       map[id.Key]*key.Key
	live, next *snapshot.Org
	all        Effect
	rows       map[string]*Row
}

func keys(o *snapshot.OrgConfig) map[id.Key]*key.Key {
	out := make(map[id.Key]*key.Key, len(o.Keys))
	for i := range o.Keys {
		out[o.Keys[i].Key.ID] = &o.Keys[i].Key
	}
	return out
}

// place is where a call would go first; alias is by which name.
type place struct {
	alias, provider, model, via string
	err                         error
}

func (p place) same(o place) bool {
	return p.provider == o.provider && p.model == o.model && p.via == o.via
}

func (w *comparison) call(e *calllog.Entry) {
	k := w.keys[e.Key]
	if k == nil {
		k = &key.Key{} // it has gone; what it was allowed is not known any more
	}
	ask := w.ask(e)
	was, is := w.resolve(w.live, k, ask), w.resolve(w.next, k, ask)
	if was.alias == "" && is.alias == "" && (was.err == nil) == (is.err == nil) && was.same(is) {
		return // the routing file has no say in it
	}
	name := was.alias
	if name == "" {
		name = is.alias
	}
	if name == "" {
		name = e.Alias
	}
	row := w.rows[name]
	if row == nil {
		row = &Row{Alias: name}
		w.rows[name] = row
	}
	row.Calls++
	effect := w.effect(e, was, is)
	row.add(effect)
	w.all.add(effect)
	var f *fault.Error
	if effect.Refused > 0 && row.Why == "" && errors.As(is.err, &f) {
		row.Why = f.Message
	}
}

// ask is what the call asked, as far as the log knows it.
func (w *comparison) ask(e *calllog.Entry) *route.Ask {
	call := e.ID.String()
	ask := &route.Ask{
		Name: e.Requested, Unit: route.Unit{Value: call, By: route.UnitCall}, Call: call, Batch: e.Batch != "", Now: e.StartedAt,
		Size: route.Size{Input: e.Usage.Units.InputTotal(), Output: e.Usage.Units.OutputTotal()},
	}
	if e.EndUser != "" {
		ask.Unit = route.Unit{Value: e.EndUser, By: route.UnitUser}
	}
	// A task that was told from the text cannot be told again without it: what was found then holds in both worlds.
	if e.TaskBy == calllog.TaskHeader || e.TaskBy == calllog.TaskLocal || e.TaskBy == calllog.TaskAsked {
		ask.Task = e.Task
	}
	ask.Facts = func() condition.Facts {
		return condition.Facts{
			Task: e.Task, Environment: e.Environment, Key: string(e.Key), KeyName: e.KeyName, Team: e.TeamName, Workflow: e.Workflow,
			Endpoint: e.Endpoint, EndUser: e.EndUser, Tags: e.Tags, InputTokens: e.Usage.Units.InputTotal(), Stream: e.Stream, Now: e.StartedAt,
		}
	}
	return ask
}

func (w *comparison) resolve(org *snapshot.Org, k *key.Key, ask *route.Ask) place {
	p, err := w.router.Resolve(org, k, ask)
	if err != nil {
		return place{alias: p.Alias, err: err}
	}
	if len(p.Targets) == 0 {
		return place{alias: p.Alias, err: route.ErrNoTarget}
	}
	t := p.Targets[0]
	return place{alias: p.Alias, provider: t.Vendor.ID, model: t.Model, via: t.Via}
}

// effect is what becomes of one call.
func (w *comparison) effect(e *calllog.Entry, was, is place) (out Effect) {
	switch {
	case was.err != nil && is.err != nil:
		return out
	case is.err != nil:
		out.Refused = 1
	case was.err != nil:
		out.Freed = 1
	case !was.same(is):
		out.Moved = 1
	}
	before, known := w.cost(e, was)
	after, priced := w.cost(e, is)
	if !known || !priced {
		out.Unpriced = out.Moved
		return out
	}
	out.Before, out.After = before, after
	return out
}

// cost prices the units of a call at a place. Nowhere it costs nothing.
func (w *comparison) cost(e *calllog.Entry, at place) (money.NanoUSD, bool) {
	if at.err != nil {
		return 0, true
	}
	var rec price.Record
	var ok bool
	if at.via == alias.ViaBatch {
		rec, ok = w.book.Batch(at.provider, at.model, e.StartedAt, w.discount(at.provider))
	} else {
		rec, ok = w.book.Lookup(at.provider, at.model, e.StartedAt)
	}
	if !ok {
		return 0, false
	}
	cost, state := price.Cost(rec, e.Usage.Units)
	return cost, state != price.Unpriced
}

func (w *comparison) discount(vendor string) price.Discount {
	if v, ok := w.router.Vendors(vendor); ok && v.Batch != nil {
		return price.Discount{Percent: v.Batch.Percent}
	}
	return price.Discount{}
}

func (e *Effect) add(o Effect) {
	e.Moved += o.Moved
	e.Refused += o.Refused
	e.Freed += o.Freed
	e.Unpriced += o.Unpriced
	e.Before += o.Before
	e.After += o.After
}

// result puts the rows together. total calls were made, of which looked were looked at.
func (w *comparison) result(changes []alias.Change, total, looked int) Result {
	r := Result{Calls: total, Looked: looked, Sampled: looked < total, Effect: w.all.times(total, looked)}
	says := map[string][]string{}
	for _, c := range changes {
		if c.Alias != "" {
			says[c.Alias] = c.Says
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.rows)) {
		row := *w.rows[name]
		if row.Changes = says[name]; row.Moved+row.Refused+row.Freed == 0 && len(row.Changes) == 0 {
			continue
		}
		row.Calls, row.Effect = scaled(row.Calls, total, looked), row.times(total, looked)
		r.Rows = append(r.Rows, row)
	}
	return r
}

// times stands for all of total calls, where looked were looked at.
func (e Effect) times(total, looked int) Effect {
	return Effect{
		Moved: scaled(e.Moved, total, looked), Refused: scaled(e.Refused, total, looked), Freed: scaled(e.Freed, total, looked),
		Unpriced: scaled(e.Unpriced, total, looked), Before: scaled(e.Before, total, looked), After: scaled(e.After, total, looked),
	}
}

// scaled is n * total / looked, rounded to the nearest, without overflow in between.
func scaled[N ~int | ~int64](n N, total, looked int) N {
	if looked == 0 || total == looked {
		return n
	}
	x := new(big.Int).Mul(big.NewInt(int64(n)), big.NewInt(int64(total)))
	x.Add(x, big.NewInt(int64(looked/2)))
	return N(x.Div(x, big.NewInt(int64(looked))).Int64())
}
