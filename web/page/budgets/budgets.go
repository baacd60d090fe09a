// Package budgets holds the pages of budgets: the tree with its meters, one budget with its burn-down, and the form with its simulator.
package budgets

import (
	"context"

	"tollgate/internal/account"
	"tollgate/internal/alias"
	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/page/scope"
	"tollgate/web/ui"
)

// Path is where the pages are.
const Path = "/budgets"

// Service manages budgets and reports on them; *budget.Service does.
type Service interface {
	Create(ctx context.Context, in tenant.Scope, b budget.Budget) (budget.Budget, error)
	Budget(ctx context.Context, in tenant.Scope, which id.Budget) (budget.Budget, error)
	List(ctx context.Context, in tenant.Scope, f budget.Filter, after string, limit int) ([]budget.Budget, bool, error)
	Update(ctx context.Context, in tenant.Scope, which id.Budget, b budget.Budget, check func(budget.Budget) error) (budget.Budget, error)
	Archive(ctx context.Context, in tenant.Scope, which id.Budget, check func(budget.Budget) error) (budget.Budget, error)
	Restore(ctx context.Context, in tenant.Scope, which id.Budget, check func(budget.Budget) error) (budget.Budget, error)

	Tree(ctx context.Context, in tenant.Scope) ([]budget.Node, error)
	Standing(ctx context.Context, in tenant.Scope, which id.Budget) (budget.Standing, error)
	Subjects(ctx context.Context, in tenant.Scope, which id.Budget, period budget.Period, search string, after *budget.Place, limit int) ([]budget.Meter, map[dimension.Match]string, bool, error)
	Burn(ctx context.Context, in tenant.Scope, which id.Budget, q budget.BurnQuery) (budget.Burn, error)
	Blocked(ctx context.Context, in tenant.Scope, which id.Budget, subject string, before *budget.CallPlace, limit int) (budget.Blockings, error)
	Simulate(ctx context.Context, in tenant.Scope, b budget.Budget) (budget.Simulation, error)
	Suggestions(ctx context.Context, in tenant.Scope) ([]budget.Suggestion, error)

	Raise(ctx context.Context, in tenant.Scope, which id.Budget, n budget.NewRaise) (budget.Raise, error)
	EndRaise(ctx context.Context, in tenant.Scope, which id.Budget, raise id.Raise) (budget.Raise, error)
	Raises(ctx context.Context, in tenant.Scope, which id.Budget) ([]budget.Raise, error)

	Calendar(ctx context.Context, in tenant.Scope) (budget.Calendar, error)
	Checked(ctx context.Context, in tenant.Scope) (budget.Checked, error)
}

var _ Service = (*budget.Service)(nil)

// Accounts names teams and authors; *account.Service does.
type Accounts interface {
	people.TeamLister
	people.MemberLister
}

var _ Accounts = (*account.Service)(nil)

// Aliases and Keys are offered by the form.
type Aliases interface {
	List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, bool, error)
}

// Keys lists keys; *key.Service does.
type Keys interface {
	List(ctx context.Context, in tenant.Scope, f key.Filter, after id.Key, limit int) ([]key.Key, bool, error)
}

// Vendors finds a provider; catalog.Vendor does.
type Vendors func(id string) (provider.Vendor, bool)

// Budgets answers its pages. All fields are required.
type Budgets struct {
	Budgets  Service
	Accounts Accounts
	Aliases  Aliases
	Keys     Keys
	Vendors  Vendors
	Offered  []provider.Vendor // by the form, to choose from
}

// choices are what the form offers.
func (p Budgets) choices(ctx context.Context, v *page.Visit) (scope.Choices, error) {
	return scope.Offer(ctx, v, scope.Sources{Teams: p.Accounts, Aliases: p.Aliases, Keys: p.Keys, Vendors: p.Offered})
}

// check is the ledger's last check in words; "" before there was one.
func (p Budgets) check(ctx context.Context, in tenant.Scope, c ui.Clock) (text string, balance bool, err error) {
	last, err := p.Budgets.Checked(ctx, in)
	if err != nil || last.At.IsZero() {
		return "", false, err
	}
	if last.Differences == 0 {
		return "Books balance: checked " + ui.AgoText(c, last.At), true, nil
	}
	return "Books do not balance: " + ui.Plural(int64(last.Differences), "difference", "differences") + ", checked " + ui.AgoText(c, last.At), false, nil
}

// done is the notice after a change, by the word that the redirect carries.
func done(v *page.Visit) []ui.Toast {
	switch v.Query("done") {
	case "added":
		return []ui.Toast{{Text: "Budget added. It counts from now on."}}
	case "saved":
		return []ui.Toast{{Text: "Budget saved. In force everywhere within a second."}}
	case "archived":
		return []ui.Toast{{Text: "Budget archived. Nothing is held to it any more.", UndoAction: path(which(v)) + "/restore"}}
	case "restored":
		return []ui.Toast{{Text: "Budget restored. It counts again."}}
	case "raised":
		return []ui.Toast{{Text: "Raised. Calls find the new room within a second."}}
	case "ended":
		return []ui.Toast{{Text: "The raise has ended."}}
	default:
		return nil
	}
}
