package price

import (
	"cmp"
	"slices"
	"strings"
)

// similarMax is how many names are offered, nameMax the longest name that is compared: both bound the work that an
// unknown name can cause.
const (
	similarMax = 3
	nameMax    = 96
)

// Similar gives up to three listed names close to one that is not, closest first, for an error that helps. A name with a
// known provider before a slash is answered with "provider/model" names of that provider; any other with plain model names.
func (b *Book) Similar(model string) []string {
	want := fold(model)
	if want == "" || len(want) > nameMax {
		return nil
	}
	provider, rest, slash := strings.Cut(want, "/")
	all := b.names()
	scoped := slash && hasProvider(all, provider)

	type near struct {
		name string
		off  int
	}
	best := map[string]int{}
	var row [nameMax + 1]int
	for n := range all {
		if _, sized := sizedImage(n.model); sized || n.model == AnyModel || len(n.model) > nameMax {
			continue
		}
		shown, against := n.model, want
		if scoped {
			if n.provider != provider {
				continue
			}
			shown, against = n.provider+"/"+n.model, rest
		}
		limit := max(1, len(against)/3)
		if off := distance(against, n.model, limit, row[:]); off <= limit {
			best[shown] = off
		}
	}
	list := make([]near, 0, len(best))
	for s, off := range best {
		list = append(list, near{s, off})
	}
	slices.SortFunc(list, func(x, y near) int { return cmp.Or(cmp.Compare(x.off, y.off), cmp.Compare(x.name, y.name)) })
	var out []string
	for _, n := range list[:min(similarMax, len(list))] {
		out = append(out, n.name)
	}
	return out
}

func hasProvider(all map[name]struct{}, provider string) bool {
	for n := range all {
		if n.provider == provider {
			return true
		}
	}
	return false
}

// distance is the number of bytes to insert, delete or replace, or anything above limit once it must be above it.
func distance(a, b string, limit int, row []int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	row = row[:len(b)+1]
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal, least := row[0], i
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
			least = min(least, row[j])
		}
		if least > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
