package compile

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/price"
)

// printer writes report lines and keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) parsed(file string, x Parsed, verbose bool) {
	p.line("%s: %d rows, %d taken, %d ignored", file, x.Rows, len(x.Taken), len(x.Ignored))
	p.remarks("ignored", x.Ignored, verbose)
	p.remarks("noted", x.Notes, verbose)
}

// remarks counts by reason, the most frequent first, and lists the rows when asked.
func (p *printer) remarks(what string, list []Remark, verbose bool) {
	count := map[Reason]int{}
	for _, r := range list {
		count[r.Reason]++
	}
	reasons := make([]Reason, 0, len(count))
	for r := range count {
		reasons = append(reasons, r)
	}
	slices.SortFunc(reasons, func(a, b Reason) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	for _, reason := range reasons {
		p.line("  %s %s: %d", what, reason, count[reason])
		if !verbose {
			continue
		}
		for _, r := range list {
			if r.Reason == reason {
				p.line("    %s", strings.TrimSpace(printable(r.Row)+"  "+printable(r.Detail)))
			}
		}
	}
}

// printable keeps a file's text from acting on a terminal.
func printable(s string) string {
	if s == "" {
		return ""
	}
	q := strconv.Quote(s)
	if q == `"`+s+`"` {
		return s
	}
	return q
}

func (p *printer) differences(list []Difference, verbose bool) {
	p.line("the files disagree on %d models", len(list))
	if !verbose {
		return
	}
	for _, d := range list {
		p.line("    %s/%s  %s: %s  %s: %s", printable(d.Taken.Provider), printable(d.Taken.Model),
			d.Taken.Source, rates(d.Taken.Rates), d.Other.Source, rates(d.Other.Rates))
	}
}

func (p *printer) imported(got price.Imported, o Options) {
	p.line("%d new, %d changed, %d unchanged", len(got.Added), len(got.Changed), got.Unchanged)
	for _, c := range got.Changed {
		p.line("    %s/%s  %s → %s", printable(c.New.Provider), printable(c.New.Model), list(c.Old), list(c.New))
	}
	if o.Verbose {
		for _, r := range got.Added {
			p.line("    %s/%s  %s", printable(r.Provider), printable(r.Model), list(r))
		}
	}
	if o.Mode == price.DryRun {
		p.line("dry run: nothing was changed")
	}
}

// list is a record's rates in dollars a million units, with its tiers.
func list(r price.Record) string {
	s := rates(r.Rates)
	for _, t := range r.Tiers {
		s += fmt.Sprintf("; above %d: %s", t.AboveInput, rates(t.Rates))
	}
	return s
}

func rates(r price.Rates) string {
	var items []string
	for c, x := range r {
		if x.Listed {
			items = append(items, chat.Class(c).String()+" "+x.Price.PerMillion())
		}
	}
	return strings.Join(items, ", ")
}
