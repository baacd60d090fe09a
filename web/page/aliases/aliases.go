// Package aliases holds the pages of aliases: list, form, detail with its route drawn, version history with differences, delete.
package aliases

import (
	"context"
	"net/url"
	"slices"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// Service manages aliases; *alias.Service does.
type Service interface {
	Create(ctx context.Context, in tenant.Scope, name string, r alias.Route, message string) (alias.Alias, error)
	Alias(ctx context.Context, in tenant.Scope, which id.Alias) (alias.Alias, error)
	List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, bool, error)
	Update(ctx context.Context, in tenant.Scope, which id.Alias, r alias.Route, message string, check func(alias.Alias) error) (alias.Alias, error)
	Restore(ctx context.Context, in tenant.Scope, which id.Alias, number int, message string, check func(alias.Alias) error) (alias.Alias, error)
	Versions(ctx context.Context, in tenant.Scope, which id.Alias, before, limit int) ([]alias.Version, bool, error)
	Delete(ctx context.Context, in tenant.Scope, which id.Alias) error
}

// Credentials lists what targets can name.
type Credentials interface {
	List(ctx context.Context, in tenant.Scope) ([]credential.Credential, error)
}

// Usage tells what aliases carried, and how long it took.
type Usage interface {
	Costs(ctx context.Context, in tenant.Scope, q usage.Query) (usage.Costs, error)
	Latency(ctx context.Context, in tenant.Scope, q usage.Query) (usage.Latency, error)
}

// Routing tells which tasks lead to an alias, and what is wrong with a part of the file; *alias.Service does.
type Routing interface {
	Routing(ctx context.Context, in tenant.Scope) (alias.FileVersion, error)
	FileProblems(ctx context.Context, in tenant.Scope, f alias.File) ([]alias.Problem, error)
}

// Experiments tells what is tried on aliases; *experiment.Service does.
type Experiments interface {
	List(ctx context.Context, in tenant.Scope, f experiment.Filter, before id.Experiment, limit int) ([]experiment.Experiment, bool, error)
}

// Aliases answers its pages. All fields are required.
type Aliases struct {
	Aliases     Service
	Routing     Routing
	Experiments Experiments
	Credentials Credentials
	Usage       Usage
	People      people.MemberLister
	Prices      Prices
	Vendors     []provider.Vendor
	Gateway     string // for snippets
}

// Prices knows which models there are; *price.Service does.
type Prices interface {
	Book(ctx context.Context) (*price.Book, error)
}

func path(which id.Alias) string { return "/aliases/" + url.PathEscape(string(which)) }

func requests(name string) string { return "/requests?alias=" + url.QueryEscape(name) }

func costs(name string) string { return "/costs?alias=" + url.QueryEscape(name) }

// each is what one of n calls cost; nothing when there are none.
func each(cost money.NanoUSD, n int64) money.NanoUSD {
	if n <= 0 {
		return 0
	}
	return cost / money.NanoUSD(n)
}

// names are what vendors and credentials are called.
type names struct {
	vendors     []provider.Vendor
	credentials []credential.Credential
}

func (n names) vendor(which string) string {
	for _, v := range n.vendors {
		if v.ID == which {
			return v.Name
		}
	}
	return which
}

func (n names) credential(which id.Credential) string {
	for _, c := range n.credentials {
		if c.ID == which {
			return c.Name
		}
	}
	return string(which)
}

// connected reports whether the organization can call a vendor.
func (n names) connected(v provider.Vendor) bool {
	if v.Auth == "none" {
		return true
	}
	for _, c := range n.credentials {
		if c.Provider == v.ID {
			return true
		}
	}
	return false
}

// names reads what the caller's role may see of it.
func (p Aliases) names(ctx context.Context, v *page.Visit) (names, error) {
	out := names{vendors: p.Vendors}
	if !v.Can(tenant.ReadCredentials) {
		return out, nil
	}
	var err error
	out.credentials, err = p.Credentials.List(ctx, v.Scope())
	return out, err
}

// running are the experiments that run on aliases, by the alias's name.
func (p Aliases) running(ctx context.Context, v *page.Visit, f experiment.Filter) (map[string]experiment.Experiment, error) {
	out := map[string]experiment.Experiment{}
	if !v.Can(tenant.ReadExperiments) {
		return out, nil
	}
	f.Status = []experiment.Status{experiment.Active}
	list, _, err := p.Experiments.List(ctx, v.Scope(), f, "", runningMost)
	for _, e := range list {
		out[e.Plan.AliasName] = e
	}
	return out, err
}

// runningMost bounds the experiments that are looked up for badges: an alias has one at most.
const runningMost = 200

// tasks are the tasks that lead to each alias, in order.
func tasks(f alias.File) map[string][]string {
	out := map[string][]string{}
	for task, to := range f.Tasks {
		out[to] = append(out[to], task)
	}
	for _, list := range out {
		slices.Sort(list)
	}
	return out
}

// suggested bounds the suggestions, which travel with the form.
const suggested = 500

// suggestions are models of the providers that the organization can call, by provider. Another model may be typed all the same.
func (n names) suggestions(book *price.Book, now time.Time) []suggestion {
	var out []suggestion
	for _, v := range n.vendors {
		if !n.connected(v) {
			continue
		}
		for _, r := range book.Models(v.ID, now) {
			if r.Model != price.AnyModel && len(out) < suggested {
				out = append(out, suggestion{Model: r.Model, Vendor: v.Name})
			}
		}
	}
	return out
}

// suggestion is a model that a target could have.
type suggestion struct{ Model, Vendor string }

// target is a target as people write it.
func target(t alias.Target) string { return t.Provider + "/" + t.Model }

// done is the notice after a change, by the word that the redirect carries.
func done(v *page.Visit) []ui.Toast {
	switch v.Query("done") {
	case "created":
		return []ui.Toast{{Text: "Alias created. Keys can call it within a second."}}
	case "saved":
		return []ui.Toast{{Text: "Saved as a new version. In force everywhere within a second."}}
	case "same":
		return []ui.Toast{{Text: "Nothing changed, so there is no new version."}}
	case "deleted":
		return []ui.Toast{{Text: "Alias deleted. Calls of it are answered with 404."}}
	default:
		return nil
	}
}
