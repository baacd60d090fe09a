package budget

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Node is a budget in the tree: it stands below the tightest budget that covers all of its calls.
type Node struct {
	Standing
	Parent id.Budget // "": none covers it
	Depth  int
	// EndsAt is when the fullest limit is used up at the pace of now, where that is before the window ends; zero: on track, or nothing is
	// known. A straight line: Burn tells more.
	EndsAt time.Time
}

// Tree is all budgets of the organization that are not archived, each behind the one that covers it, the fullest first among those
// side by side. A call must fit every budget that covers it; the tree only shows which contains which.
func (s *Service) Tree(ctx context.Context, in tenant.Scope) ([]Node, error) {
	list, err := s.Store.Budgets(ctx, in, Filter{}, "", budgetsMax)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	all, err := s.standings(ctx, in, list)
	if err != nil {
		return nil, err
	}
	homes, err := s.Store.Homes(ctx, in, keysOf(list))
	if err != nil {
		return nil, err
	}
	nodes := make([]Node, len(all))
	for i := range all {
		nodes[i] = Node{Standing: all[i], EndsAt: all[i].Tightest().endsAt(all[i].At)}
	}
	adopt(nodes, homes)
	return inOrder(nodes), nil
}

// keysOf are the keys that budgets select.
func keysOf(list []Budget) []id.Key {
	var out []id.Key
	for i := range list {
		if k, ok := list[i].Selector.Of(dimension.Key); ok {
			out = append(out, id.Key(k))
		}
	}
	return out
}

// adopt finds each node's parent: of the budgets whose selector contains its own the one with the most conditions.
func adopt(nodes []Node, homes map[id.Key]id.Team) {
	reach := make([]dimension.Selector, len(nodes))
	for i := range nodes {
		reach[i] = housed(nodes[i].Budget.Selector, homes)
	}
	for i := range nodes {
		best := -1
		for j := range nodes {
			if covers(nodes, reach, j, i) && (best < 0 || tighter(nodes, reach, j, best)) {
				best = j
			}
		}
		if best >= 0 {
			nodes[i].Parent = nodes[best].Budget.ID
		}
	}
}

// housed adds the team of a selected key: all calls of a key are of its team.
func housed(s dimension.Selector, homes map[id.Key]id.Team) dimension.Selector {
	k, ok := s.Of(dimension.Key)
	if _, has := s.Of(dimension.Team); !ok || has || homes[id.Key(k)] == "" {
		return s
	}
	return append(slices.Clone(s), dimension.Match{Dimension: dimension.Team, Value: string(homes[id.Key(k)])}).Normal()
}

// covers reports that budget j stands above budget i: it selects all of i's calls and more, or the same ones with fewer pots.
func covers(nodes []Node, reach []dimension.Selector, j, i int) bool {
	if i == j || nodes[j].Budget.Each != "" || !reach[i].Within(reach[j]) {
		return false
	}
	return !reach[j].Within(reach[i]) || nodes[i].Budget.Each != ""
}

// tighter reports that a is a closer parent than b: it has more conditions, or as many on wider dimensions (a team's budget is the parent
// rather than an environment's), or is older.
func tighter(nodes []Node, reach []dimension.Selector, a, b int) bool {
	return cmp.Or(-cmp.Compare(len(reach[a]), len(reach[b])), slices.Compare(widths(reach[a]), widths(reach[b])),
		cmp.Compare(nodes[a].Budget.ID, nodes[b].Budget.ID)) < 0
}

// widths are the places of a selector's dimensions, the widest first; tags are the narrowest.
func widths(s dimension.Selector) []int {
	out := make([]int, len(s))
	for i, m := range s {
		if out[i] = slices.Index(dimension.Names, m.Dimension); out[i] < 0 {
			out[i] = len(dimension.Names)
		}
	}
	slices.Sort(out)
	return out
}

// inOrder lays the tree out flat, depth first.
func inOrder(nodes []Node) []Node {
	below := map[id.Budget][]Node{}
	for _, n := range nodes {
		below[n.Parent] = append(below[n.Parent], n)
	}
	out := make([]Node, 0, len(nodes))
	var walk func(parent id.Budget, depth int)
	walk = func(parent id.Budget, depth int) {
		side := below[parent]
		slices.SortStableFunc(side, func(a, b Node) int {
			return cmp.Or(-cmp.Compare(a.Tightest().Percent(), b.Tightest().Percent()), cmp.Compare(a.Budget.Name, b.Budget.Name))
		})
		for _, n := range side {
			n.Depth = depth
			out = append(out, n)
			walk(n.Budget.ID, depth+1)
		}
	}
	walk("", 0)
	return out
}

// endsAt is when the limit is used up in a straight line from the window's start; zero: not in the window.
func (m *Meter) endsAt(now time.Time) time.Time {
	passed, whole := now.Sub(m.Window.From), m.Window.To.Sub(m.Window.From)
	if m.Window.From.IsZero() || m.Spent <= 0 || m.Limit <= 0 || passed < whole/100 {
		return time.Time{}
	}
	if m.Spent >= m.Limit {
		return now
	}
	// In whole seconds: a figure for people.
	seconds := float64(m.Limit) / float64(m.Spent) * passed.Seconds() // statistics, no money
	ends := m.Window.From.Add(time.Duration(min(seconds, whole.Seconds()+1)) * time.Second)
	if !ends.Before(m.Window.To) {
		return time.Time{}
	}
	return ends
}
