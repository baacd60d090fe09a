package provider

import (
	"cmp"
	"slices"

	"tollgate/internal/provider/wire"
)

// Change is what becomes of one top-level member of a body.
type Change struct {
	Name string
	// Value is raw JSON that takes the place of the member's value, or of the member where it is not there yet. Empty: the member is
	// taken out.
	Value string
}

// MemberEdits gives the edits that make changes to the top-level members of body, an object that Probe has passed. Whatever is taken
// out, first, last, neighbours or all, the commas that stay are right and no other byte changes. A member that stands there twice
// is changed once, and the other taken out. What is new stands first, in the order of changes.
func MemberEdits(body []byte, changes ...Change) []wire.Edit {
	var (
		edits []wire.Edit
		kept  bool // a member before this one stays
		cut   = -1 // where the first of the members began that are taken out at the start; -1: none
		end   int  // behind the last of them
		found = make([]bool, len(changes))
	)
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		i := slices.IndexFunc(changes, func(c Change) bool { return c.Name == string(w.Key) })
		if i < 0 || (changes[i].Value != "" && !found[i]) {
			if cut >= 0 {
				edits = append(edits, wire.Edit{From: cut, To: w.KeyFrom})
				cut = -1
			}
			kept = true
			if i >= 0 {
				found[i] = true
				edits = append(edits, wire.Edit{From: w.From, To: w.To, With: changes[i].Value})
			}
			continue
		}
		switch {
		case kept:
			edits = append(edits, wire.Edit{From: w.Comma, To: w.To})
		case cut < 0:
			cut = w.KeyFrom
		}
		end = w.To
	}
	if cut >= 0 {
		edits = append(edits, wire.Edit{From: cut, To: end})
	}
	if first := added(changes, found, kept); first != "" {
		at := open(body)
		edits = slices.Insert(edits, 0, wire.Edit{From: at, To: at, With: first})
	}
	slices.SortStableFunc(edits, func(a, b wire.Edit) int { return cmp.Or(a.From-b.From, a.To-b.To) })
	return edits
}

// added writes the members that were not there. more: others stand behind them.
func added(changes []Change, found []bool, more bool) string {
	var out []byte
	for i, c := range changes {
		if found[i] || c.Value == "" {
			continue
		}
		if len(out) > 0 {
			out = append(out, ',')
		}
		out = wire.AppendString(out, c.Name)
		out = append(out, ':')
		out = append(out, c.Value...)
	}
	if len(out) > 0 && more {
		out = append(out, ',')
	}
	return string(out)
}
