package costs

import (
	"cmp"
	"slices"
	"strings"

	"tollgate/web/page/filter"
	"tollgate/web/ui"
)

// order is what the table is sorted by. The zero order is by cost, the largest first.
type order struct {
	column string
	up     bool
}

// columns of the table that it can be sorted by, with what sorts them.
func columns() map[string]func(a, b *row) int {
	known := func(value func(*row) (int64, bool)) func(a, b *row) int {
		return func(a, b *row) int { // what is not known stands below what is
			x, okX := value(a)
			y, okY := value(b)
			switch {
			case okX && okY:
				return cmp.Compare(x, y)
			case okX:
				return 1
			case okY:
				return -1
			default:
				return 0
			}
		}
	}
	return map[string]func(a, b *row) int{
		"name":     func(a, b *row) int { return strings.Compare(strings.ToLower(b.Name), strings.ToLower(a.Name)) },
		"cost":     func(a, b *row) int { return cmp.Compare(a.Cost, b.Cost) },
		"change":   func(a, b *row) int { return cmp.Compare(a.Cost-a.Before.Cost, b.Cost-b.Before.Cost) },
		"calls":    func(a, b *row) int { return cmp.Compare(a.Calls, b.Calls) },
		"tokens":   func(a, b *row) int { return cmp.Compare(a.tokens(), b.tokens()) },
		"call":     known(func(r *row) (int64, bool) { v, ok := r.perCall(); return int64(v), ok }),
		"thousand": known(func(r *row) (int64, bool) { v, ok := r.perThousand(); return int64(v), ok }),
		"cached": known(func(r *row) (int64, bool) {
			if r.Units.InputTotal() == 0 {
				return 0, false
			}
			return r.cached() * 10_000 / max(r.Units.InputTotal(), 1), true
		}),
	}
}

func readOrder(a filter.Address) order {
	o := order{column: strings.TrimPrefix(a.Get("sort"), "-"), up: strings.HasPrefix(a.Get("sort"), "-")}
	if columns()[o.column] == nil {
		return order{column: "cost"}
	}
	return o
}

// sort puts rows in order; equal rows keep theirs, which is by cost.
func (o order) sort(rows []row) {
	by := columns()[o.column]
	slices.SortStableFunc(rows, func(a, b row) int {
		if o.up {
			return by(&a, &b)
		}
		return by(&b, &a)
	})
}

// head is the head of a column: a link that sorts by it, and by the second click the other way round.
func (o order) head(a filter.Address, column, text string, room ui.Room) ui.ColumnView {
	c := ui.ColumnView{Text: text, Number: column != "name", Room: room}
	next := column
	if o.column == column {
		// Names are sorted from A by the first click, figures from the largest.
		descends := o.up == (column == "name")
		c.Sorted = ui.Ascending
		if descends {
			c.Sorted = ui.Descending
		}
		if !o.up {
			next = "-" + column
		}
	}
	c.Href = a.With("sort", next).String()
	if next == "cost" {
		c.Href = a.Without("sort").String()
	}
	return c
}
