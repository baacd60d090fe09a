package keys

import (
	"strings"

	"tollgate/internal/key"
	"tollgate/web/ui"
)

// reachWords says who uses a key, and would be turned away without it.
func reachWords(c ui.Clock, r key.Reach) []string {
	if r.DayCalls == 0 {
		return []string{"No call used it in the last 24 hours."}
	}
	first := ui.Plural(r.DayCalls, "call", "calls") + " used it in the last 24 hours, " + ui.CountText(r.HourCalls) + " of them in the last hour."
	out := []string{first}
	if n := len(r.Workflows); n > 0 {
		out = append(out, ui.Plural(int64(n), "workflow", "workflows")+": "+some(r.Workflows)+".")
	}
	if r.EndUsers > 0 {
		out = append(out, ui.Plural(r.EndUsers, "end user", "end users")+".")
	}
	if len(r.Clients) > 0 {
		out = append(out, "From "+some(r.Clients)+". The latest "+ui.AgoText(c, r.LastAt)+".")
	}
	return out
}

// some names the first few of a list.
func some(list []string) string {
	const shown = 5
	if len(list) <= shown {
		return strings.Join(list, "; ")
	}
	return strings.Join(list[:shown], "; ") + " and " + ui.CountText(int64(len(list)-shown)) + " more"
}
