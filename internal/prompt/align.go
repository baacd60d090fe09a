package prompt

import "slices"

// The kinds of what a comparison finds.
const (
	DiffSame    = "same"
	DiffAdded   = "added"
	DiffRemoved = "removed"
	DiffChanged = "changed"
)

// edit is one step from a to b: a[i] and b[j] are the same, or a[i] goes, or b[j] comes.
type edit struct {
	kind string
	i, j int
}

// editsMax bounds what align looks for: lists that differ in more are taken to have nothing in common but their ends.
const editsMax = 1000

// align finds a shortest way from a to b: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986, the greedy algorithm. What is
// removed stands before what is added in its place.
func align[T comparable](a, b []T) []edit {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	out := make([]edit, 0, max(len(a), len(b)))
	for i := range head {
		out = append(out, edit{DiffSame, i, i})
	}
	for _, e := range shortest(a[head:len(a)-tail], b[head:len(b)-tail]) {
		out = append(out, edit{e.kind, e.i + head, e.j + head})
	}
	for i := range tail {
		out = append(out, edit{DiffSame, len(a) - tail + i, len(b) - tail + i})
	}
	return sorted(out)
}

// shortest is the search itself. reach[d][k+d] is how far into a the best way with d edits comes on the diagonal k, where i-j == k.
func shortest[T comparable](a, b []T) []edit {
	if len(a) == 0 || len(b) == 0 {
		return replaced(len(a), len(b))
	}
	var reach [][]int32
	for d := 0; d <= editsMax; d++ {
		now := make([]int32, 2*d+1)
		for k := -d; k <= d; k += 2 {
			i := 0
			switch {
			case d == 0:
			case down(reach[d-1], d, k):
				i = int(reach[d-1][k+1+d-1])
			default:
				i = int(reach[d-1][k-1+d-1]) + 1
			}
			j := i - k
			for i < len(a) && j < len(b) && i >= 0 && j >= 0 && a[i] == b[j] {
				i, j = i+1, j+1
			}
			now[k+d] = int32(i)
			if i >= len(a) && j >= len(b) {
				return walk(append(reach, now), d, k, len(a), len(b))
			}
		}
		reach = append(reach, now)
	}
	return replaced(len(a), len(b))
}

// down reports whether the best way with d edits to the diagonal k comes from the one above it: by adding.
func down(before []int32, d, k int) bool {
	return k == -d || k != d && before[k-1+d-1] < before[k+1+d-1]
}

// walk goes the way back from its end.
func walk(reach [][]int32, d, k, i, j int) []edit {
	var out []edit
	for ; d > 0; d-- {
		from := k - 1
		if down(reach[d-1], d, k) {
			from = k + 1
		}
		wasI := int(reach[d-1][from+d-1])
		wasJ := wasI - from
		startI, startJ := wasI+1, wasJ // where the step leads
		if from == k+1 {
			startI, startJ = wasI, wasJ+1
		}
		for i > startI && j > startJ {
			i, j = i-1, j-1
			out = append(out, edit{DiffSame, i, j})
		}
		if from == k+1 {
			out = append(out, edit{DiffAdded, wasI, wasJ})
		} else {
			out = append(out, edit{DiffRemoved, wasI, wasJ})
		}
		i, j, k = wasI, wasJ, from
	}
	for i > 0 && j > 0 {
		i, j = i-1, j-1
		out = append(out, edit{DiffSame, i, j})
	}
	slices.Reverse(out)
	return out
}

func replaced(a, b int) []edit {
	out := make([]edit, 0, a+b)
	for i := range a {
		out = append(out, edit{DiffRemoved, i, 0})
	}
	for j := range b {
		out = append(out, edit{DiffAdded, a, j})
	}
	return out
}

// sorted puts what is removed before what is added, between two things that stay.
func sorted(edits []edit) []edit {
	for from := 0; from < len(edits); {
		if edits[from].kind == DiffSame {
			from++
			continue
		}
		to := from
		for to < len(edits) && edits[to].kind != DiffSame {
			to++
		}
		slices.SortStableFunc(edits[from:to], func(a, b edit) int {
			switch a.kind {
			case b.kind:
				return 0
			case DiffRemoved:
				return -1
			}
			return 1
		})
		from = to
	}
	return edits
}
