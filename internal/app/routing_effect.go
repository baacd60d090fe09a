package app

import (
	"context"
	"fmt"
	"text/tabwriter"

	"tollgate/internal/money"
)

// rehearse tells what a text would have meant for yesterday's calls.
func (t *routingTool) rehearse(ctx context.Context, text string) error {
	r, err := t.client.rehearse(ctx, text)
	if err != nil {
		return err
	}
	if r.Calls == 0 {
		_, err := fmt.Fprintf(t.out, "\nNo calls were made on %s: there is nothing to compare.\n", r.Day.Format("2 January"))
		return err
	}
	about := ""
	if r.Looked < r.Calls {
		about = fmt.Sprintf(" (estimated from %d of them)", r.Looked)
	}
	fmt.Fprintf(t.out, "\nOf the %s of %s%s, %d would have moved and %d been refused; %d that were refused would have been sent.\n",
		counted(r.Calls, "call"), r.Day.Format("2 January"), about, r.Moved, r.Refused, r.Freed)
	if len(r.Aliases) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ALIAS\tCALLS\tMOVED\tREFUSED\tCOST BEFORE\tAFTER")
	for _, a := range r.Aliases {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\n", a.Alias, a.Calls, a.Moved, a.Refused, dollars(a.Before), dollars(a.After))
	}
	fmt.Fprintf(w, "all\t%d\t%d\t%d\t%s\t%s\n", r.Calls, r.Moved, r.Refused, dollars(r.Before), dollars(r.After))
	if err := w.Flush(); err != nil {
		return err
	}
	for _, a := range r.Aliases {
		if a.Why != "" {
			fmt.Fprintf(t.out, "%s: %s\n", a.Alias, a.Why)
		}
	}
	return nil
}

func dollars(nano int64) string { return "$" + money.NanoUSD(nano).USD() }
