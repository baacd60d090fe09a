package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
)

// budgetTool is one run of a budget command.
type budgetTool struct {
	cfg    Config
	ledger *budgetpg.Ledger
	db     *postgres.DB
	out    io.Writer
	org    string
	days   int           // of calls that evidence is looked for in
	silent time.Duration // how long an orphan has not been heard of
	note   string
	yes    bool
}

// budgetCommand keeps the books of budgets, at the database itself.
func budgetCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "budget", Short: "The books of budgets: check them, correct them"}
	verify := budgetDoing{"verify", "Compute every amount of the ledger again; ends with 1 if one differs", cobra.NoArgs, (*budgetTool).verify}
	reconcile := budgetDoing{
		"reconcile FILE", "Correct what calls were charged by what providers say that they cost (CSV or JSON: call_id or upstream_id, cost_usd)",
		cobra.ExactArgs(1), (*budgetTool).reconcile,
	}
	release := budgetDoing{
		"release", "List what silent proxies hold; with --yes take it back, if none of them runs and all they spooled is in the log",
		cobra.NoArgs, (*budgetTool).release,
	}
	cmd.AddCommand(verify.command(), reconcile.command(func(c *cobra.Command, t *budgetTool) {
		c.Flags().StringVar(&t.org, "org", "", "id of the organization; needed where there are several")
		c.Flags().IntVar(&t.days, "days", 35, "how far back calls are looked for by upstream_id")
	}), release.command(func(c *cobra.Command, t *budgetTool) {
		c.Flags().DurationVar(&t.silent, "silent", time.Hour, "how long a proxy has not been heard of")
		c.Flags().StringVar(&t.note, "note", "released by an operator", "what the ledger says of it")
		c.Flags().BoolVar(&t.yes, "yes", false, "take it back")
	}))
	return cmd
}

// budgetDoing is a command before its flags.
type budgetDoing struct {
	use, short string
	args       cobra.PositionalArgs
	run        func(*budgetTool, context.Context, []string) error
}

func (d budgetDoing) command(more ...func(*cobra.Command, *budgetTool)) *cobra.Command {
	cfg, readErr := ReadConfig()
	t := &budgetTool{cfg: cfg}
	cmd := &cobra.Command{
		Use: d.use, Short: d.short, Args: d.args, SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checked(&t.cfg, readErr); err != nil {
				return err
			}
			log := newLogger(t.cfg, cmd.ErrOrStderr())
			return withDatabase(cmd.Context(), t.cfg, log, func(db *postgres.DB) error {
				t.db, t.ledger, t.out = db, budgetpg.NewLedger(db, log), cmd.OutOrStdout()
				return d.run(t, cmd.Context(), args)
			})
		},
	}
	flags(cmd, &t.cfg)
	for _, fn := range more {
		fn(cmd, t)
	}
	return cmd
}

func (t *budgetTool) verify(ctx context.Context, _ []string) error {
	a, err := t.ledger.VerifyAll(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%d pots, charges of %d calls\n", a.Pots, a.Calls)
	if a.Astray > 0 {
		fmt.Fprintf(t.out, "$%s was spent from windows that the authority has not heard of yet\n", a.Astray.USD())
	}
	if a.Count == 0 {
		fmt.Fprintln(t.out, "the books are right")
		return nil
	}
	for _, d := range a.Differences {
		fmt.Fprintf(t.out, "%s %s %s: %s\n", d.Org, d.Budget, d.Rule, d.Text())
	}
	fmt.Fprintf(t.out, "%d differences\n", a.Count)
	return &exit{code: exitDiffers}
}

func (t *budgetTool) reconcile(ctx context.Context, args []string) error {
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	evidence, err := budget.ReadEvidence(f)
	if err != nil {
		return err
	}
	org, err := t.organization(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	r, err := t.ledger.ReconcileOrg(ctx, org, evidence, now.AddDate(0, 0, -t.days), now.Add(time.Hour))
	fmt.Fprintf(t.out, "%d calls found, %d charges corrected, by $%s in all\n", r.Calls, r.Adjusted, r.Net.USD())
	for _, p := range r.Problems {
		fmt.Fprintf(t.out, "line %d: %s\n", p.Line, p.Text)
	}
	if err == nil && len(r.Problems) > 0 {
		return &exit{code: exitDiffers}
	}
	return err
}

// organization is the one that was named, or the only one.
func (t *budgetTool) organization(ctx context.Context) (id.Org, error) {
	if t.org != "" {
		return id.Org(t.org), nil
	}
	orgs, err := t.ledger.Organizations(ctx)
	if err != nil {
		return "", err
	}
	if len(orgs) == 1 {
		return orgs[0], nil
	}
	names := make([]string, len(orgs))
	for i, o := range orgs {
		names[i] = string(o)
	}
	return "", errors.New("name the organization with --org (" + strings.Join(names, ", ") + ")")
}

func (t *budgetTool) release(ctx context.Context, _ []string) error {
	since := time.Now().Add(-t.silent)
	held, err := t.ledger.AllOrphans(ctx, since)
	if err != nil {
		return err
	}
	for _, h := range held {
		fmt.Fprintf(t.out, "%s %s %s: proxy %s, last heard of %s, holds $%s\n",
			h.Org, h.Budget, h.Period, h.Proxy, h.SeenAt.Format(time.RFC3339), h.Amount.USD())
	}
	if len(held) == 0 {
		fmt.Fprintln(t.out, "silent proxies hold nothing")
		return nil
	}
	if !t.yes {
		fmt.Fprintln(t.out, "nothing was changed: with --yes it is taken back. What those proxies still have in their spools, or have spent, is then counted beyond the limits.")
		return nil
	}
	n, err := budgetpg.NewAuthority(t.db).ReleaseOrphans(ctx, since, t.note)
	if err == nil {
		fmt.Fprintf(t.out, "taken back from %d proxies\n", n)
	}
	return err
}
