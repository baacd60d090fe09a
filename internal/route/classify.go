package route

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"tollgate/internal/calllog"
	"tollgate/internal/provider/traits"
)

// The classifier tells from a prompt which of the organization's tasks it is. It is a linear model over counted features: the same
// prompt gives the same task on every proxy, and the record lists what was counted and how it weighed. Where two tasks are close,
// or nothing speaks for any, it says that it is not sure.

// The bounds of being sure: what the best task must score, and by how much it must lead.
const (
	scoreMin = 1.5
	leadMin  = 0.8
)

// nameBonus is what a word of a task's own name in the prompt adds, so that "code-review" and "code-generation" can be told apart.
const nameBonus = 0.9

// verdict is what the classifier says.
type verdict struct {
	task     string // the best; "" when there is none
	sure     bool
	features []calllog.Feature // those that counted, and how they weighed for the best
}

// classify picks among tasks, which are names of the routing file.
func classify(p *traits.Traits, tasks []string) verdict {
	values := measure(p)
	var scores [works]float64
	for f := range features {
		if values[f] != 0 {
			for w, weight := range weights[f] {
				scores[w] += values[f] * weight
			}
		}
	}
	best, second := scored{score: math.Inf(-1), work: none}, math.Inf(-1)
	for _, task := range tasks {
		s := scored{task: task, work: workOf(task)}
		if s.work != none {
			s.score = scores[s.work]
		}
		s.score += nameBonus * named(p, task)
		if s.score > best.score {
			best, second = s, best.score
		} else {
			second = max(second, s.score)
		}
	}
	if best.task == "" {
		return verdict{}
	}
	top := slices.Max(scores[:]) // work that no task is for may be what this is
	v := verdict{task: best.task, features: weighed(&values, best.work)}
	v.sure = best.score >= scoreMin && best.score-second >= leadMin && best.score >= top
	return v
}

type scored struct {
	task  string
	work  work
	score float64
}

// weighed lists the features that counted, those that spoke for the work first.
func weighed(values *[features]float64, w work) []calllog.Feature {
	var out []calllog.Feature
	for f := range features {
		if values[f] == 0 {
			continue
		}
		counted := calllog.Feature{Name: f.String(), Value: math.Round(values[f]*100) / 100}
		if w != none {
			counted.Weight = weights[f][w]
		}
		out = append(out, counted)
	}
	slices.SortStableFunc(out, func(a, b calllog.Feature) int { return cmp.Compare(b.Value*b.Weight, a.Value*a.Weight) })
	return out
}

// workOf is the sort of work that a task's name stands for; none for a name that says nothing.
func workOf(task string) work {
	for word := range words(task) {
		for w := range works { // in their order, so that "code-classification" is the first of both
			for _, stem := range stems[w] {
				if strings.HasPrefix(word, stem) {
					return w
				}
			}
		}
	}
	return none
}

// words are the parts of a task's name.
func words(task string) func(yield func(string) bool) {
	return strings.FieldsFuncSeq(strings.ToLower(task), func(r rune) bool { return r == '-' || r == '_' || r == '.' || r == ' ' })
}

// named counts the words of a task's name that the prompt has too, by their beginnings. Words that name the sort of work count
// already.
func named(p *traits.Traits, task string) (n float64) {
	for word := range words(task) {
		if len(word) < 4 || workOf(word) != none {
			continue
		}
		if beginsWord(p.Text, word[:max(4, len(word)*3/4)]) || beginsWord(p.System, word[:max(4, len(word)*3/4)]) {
			n++
		}
	}
	return min(n, 2)
}

// beginsWord reports whether some word of the text begins with stem, in whatever case.
func beginsWord(text, stem string) bool {
	for i := 0; i+len(stem) <= len(text); i++ {
		if (i == 0 || !wordy(text[i-1])) && strings.EqualFold(text[i:i+len(stem)], stem) {
			return true
		}
	}
	return false
}
