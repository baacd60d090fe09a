package requests

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"tollgate/internal/calllog"
	"tollgate/web/page/filter"
	"tollgate/web/ui"
)

// stages names the marks of a call; a mark is the end of its stage.
func stages() map[string]string {
	return map[string]string{
		"authenticate": "Authenticate", "read": "Read request", "resolve": "Choose target", "limit": "Check limits",
		"admit": "Make room", "prompt": "Fill in the prompt", "defer": "Can it wait", "cache": "Look in the cache", "settle": "Settle cost", "render": "Write the end", "answered": "Answered",
	}
}

// dispatch is the stage that its attempts stand for.
const dispatch = "dispatch"

// timeline is the life of a call: its stages, in the middle of them its attempts with what each waited and streamed.
func timeline(e *calllog.Entry, n filter.Namer) ui.Fall {
	f := ui.Fall{Total: e.Duration}
	var from time.Duration
	for _, m := range e.Marks {
		if m.Stage == dispatch {
			if len(e.Attempts) == 0 {
				f.Steps = append(f.Steps, ui.FallStep{Name: "Dispatch", Kind: ui.Work, Start: from, Length: m.At - from})
			}
			f.Steps = append(f.Steps, tries(e, n)...)
		} else if m.At > from || m.Stage != "answered" {
			name := cmp.Or(stages()[m.Stage], m.Stage)
			f.Steps = append(f.Steps, ui.FallStep{Name: name, Kind: ui.Work, Start: from, Length: max(m.At-from, 0)})
		}
		from = max(from, m.At)
	}
	if !slices.ContainsFunc(e.Marks, func(m calllog.Mark) bool { return m.Stage == dispatch }) {
		f.Steps = append(f.Steps, tries(e, n)...) // a call whose proxy died has no such mark
	}
	for _, s := range f.Steps {
		f.Total = max(f.Total, s.Start+s.Length)
	}
	return f
}

func tries(e *calllog.Entry, n filter.Namer) []ui.FallStep {
	attempts, waiting, reading := e.Attempts, "waiting", "answer"
	if e.Stream {
		waiting, reading = "first token", "streaming"
	}
	var out []ui.FallStep
	for i, a := range attempts {
		if i > 0 {
			before := attempts[i-1].Start + attempts[i-1].Duration
			if gap := a.Start - before; gap >= time.Millisecond {
				out = append(out, ui.FallStep{Name: "Back-off", Child: true, Kind: ui.Waited, Start: before, Length: gap})
			}
		}
		step := ui.FallStep{Name: "Attempt " + strconv.Itoa(a.Number), Kind: ui.Upstream, Start: a.Start, Length: a.Duration, Note: n.Provider(a.Provider)}
		if a.ErrorClass != "" {
			step.Kind, step.Note = ui.Failed, short(a)
		} else if len(attempts) == 1 {
			step.Note = ""
		}
		out = append(out, step)
		if a.FirstByte > 0 && a.FirstByte < a.Duration {
			out = append(out,
				ui.FallStep{Name: waiting, Child: true, Kind: ui.Waited, Start: a.Start, Length: a.FirstByte},
				ui.FallStep{Name: reading, Child: true, Kind: ui.Streamed, Start: a.Start + a.FirstByte, Length: a.Duration - a.FirstByte},
			)
		}
	}
	return out
}

// short is how an attempt failed where there is little room: the provider's status, and the word for it.
func short(a calllog.Attempt) string {
	if a.Status != 0 {
		return strconv.Itoa(a.Status) + " " + a.ErrorClass
	}
	return a.ErrorClass
}
