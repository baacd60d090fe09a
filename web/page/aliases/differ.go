package aliases

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/web/ui"
)

// lines is a route as text, a setting a line, for people to compare.
func (n names) lines(r alias.Route) []string {
	var out []string
	for _, t := range r.Targets {
		line := "target " + target(t)
		if t.Credential != "" {
			line += ", by " + n.credential(t.Credential)
		}
		out = append(out, line)
	}
	deadline := r.Timeout
	if deadline == 0 {
		deadline = alias.DefaultTimeout
	}
	out = append(out, "deadline "+patience(deadline))
	if r.FirstByte > 0 {
		out = append(out, "first token within "+patience(r.FirstByte))
	}
	out = append(out, "attempts "+strconv.Itoa(attempts(r)))
	if r.DropUnsupported {
		out = append(out, dropping)
	}
	if r.OnDisconnect == alias.Abort {
		return append(out, "client gone: cancel")
	}
	return append(out, "client gone: read to the end")
}

// dropping is the line of a route that drops what a target cannot express.
const dropping = "unsupported: drop with a warning"

// patience is a span that somebody chose: 10 min, 20 s, 2.5 s.
func patience(d time.Duration) string {
	if d%time.Minute == 0 {
		return ui.SpanText(d)
	}
	return seconds(d) + " s"
}

// attempts is the budget of attempts as it counts.
func attempts(r alias.Route) int {
	if r.Attempts > 0 {
		return r.Attempts
	}
	return len(r.Targets) + 1
}

// change is one line of a difference. Old and New are line numbers, 0 where it does not stand.
type change struct {
	Old, New int
	Text     string
}

func (c change) class() string {
	switch {
	case c.Old == 0:
		return "add"
	case c.New == 0:
		return "del"
	default:
		return ""
	}
}

func (c change) sign() string {
	switch {
	case c.Old == 0:
		return "+"
	case c.New == 0:
		return "−"
	default:
		return ""
	}
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// differ compares two texts line by line: the longest common lines stay, the others go or come. Read without the additions it is
// was; without the removals it is is.
func differ(was, is []string) []change {
	// common[i][j] is how many lines was[i:] and is[j:] have in common.
	common := make([][]int, len(was)+1)
	for i := range common {
		common[i] = make([]int, len(is)+1)
	}
	for i := len(was) - 1; i >= 0; i-- {
		for j := len(is) - 1; j >= 0; j-- {
			if was[i] == is[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []change
	i, j := 0, 0
	for i < len(was) || j < len(is) {
		switch {
		case i < len(was) && j < len(is) && was[i] == is[j]:
			out = append(out, change{i + 1, j + 1, was[i]})
			i, j = i+1, j+1
		case j == len(is) || (i < len(was) && common[i+1][j] >= common[i][j+1]):
			out = append(out, change{Old: i + 1, Text: was[i]})
			i++
		default:
			out = append(out, change{New: j + 1, Text: is[j]})
			j++
		}
	}
	return out
}

// summary says in a line what a version changed, for one whose author said nothing.
func (n names) summary(was, is alias.Route) string {
	var parts []string
	before, after := n.lines(was), n.lines(is)
	for _, line := range after {
		if strings.HasPrefix(line, "attempts ") && is.Attempts == was.Attempts {
			continue // it follows from the number of targets
		}
		if !slices.Contains(before, line) {
			parts = append(parts, "+\u00a0"+strings.TrimPrefix(line, "target "))
		}
	}
	for _, line := range before {
		if (strings.HasPrefix(line, "target ") || line == dropping) && !slices.Contains(after, line) {
			parts = append(parts, "−\u00a0"+strings.TrimPrefix(line, "target "))
		}
	}
	if len(parts) == 0 {
		return "Another order"
	}
	return strings.Join(parts, ", ")
}

// what a version is, in a line.
func (n names) what(v alias.Version, before *alias.Version) string {
	switch {
	case v.Message != "":
		return v.Message
	case before == nil && v.Number == 1:
		return "Created"
	case before == nil:
		return fmt.Sprintf("Version %d", v.Number)
	default:
		return n.summary(before.Route, v.Route)
	}
}
