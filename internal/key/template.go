package key

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// Template is what keys are made from: what a maker leaves empty is taken from it. A bounding one is also the most that a key may be
// given by who is no owner or admin.
type Template struct {
	ID        id.Template
	Name      string
	Team      id.Team // "": for every team
	Standard  bool    // taken where none is named: the team's own before that for every team
	Bounding  bool
	Policy    Policy
	Revision  int
	CreatedAt time.Time
	CreatedBy string
	UpdatedAt time.Time
}

// Policy is what a template says of keys. Zero fields say nothing.
type Policy struct {
	Environment     string
	Aliases         []string
	Models          []string
	Endpoints       []Endpoint
	Networks        []netip.Prefix
	Lifetime        time.Duration // from the making of the key
	Workflow        string
	Task            string
	Tags            map[string]string
	Privacy         Privacy
	DropUnsupported bool
	BudgetStatus    int
	Budget          *Allowance
	Limits          Pace
}

// Allowance is a budget of one key.
type Allowance struct {
	Amount money.NanoUSD // > 0
	Period string        // "hour", "day", "week", "month", "fiscal_month", "total"
}

// Pace is how fast one key may call; zero: no limit.
type Pace struct {
	RPM         int64 // requests a minute
	TPM         int64 // tokens a minute, input and output
	Concurrency int64 // calls under way
}

// periods are those of an Allowance.
var periods = []string{"hour", "day", "week", "month", "fiscal_month", "total"}

// lifetimeMax bounds what a template may give.
const lifetimeMax = 10 * 366 * 24 * time.Hour

// The failures of templates.
var (
	ErrNoTemplate    = fault.New(fault.NotFound, "key_template.not_found", "There is no such key template.")
	ErrTemplateTaken = fault.New(fault.Conflict, "key_template.name_taken", "Another key template has this name.")
	ErrStandardTaken = fault.New(fault.Conflict, "key_template.standard_taken", "The team has a standard template already. Make that one ordinary first.")
	ErrOtherTeam     = fault.New(fault.Invalid, "key_template.other_team", "This template is for keys of another team.")
	ErrBeyond        = fault.New(fault.Forbidden, "key_template.beyond", "The team's template does not allow this. An owner or admin can make the key, or change the template.")
	ErrTemplates     = fault.New(fault.Forbidden, "key_template.role", "Only owners and admins change key templates.")
)

// TemplateStore is what Service needs of templates; package keypg provides it.
type TemplateStore interface {
	// InsertTemplate adds one. ErrTemplateTaken, ErrStandardTaken, ErrNoTeam.
	InsertTemplate(ctx context.Context, in tenant.Scope, t Template) error
	// Template finds one. ErrNoTemplate.
	Template(ctx context.Context, in tenant.Scope, which id.Template) (Template, error)
	// Templates lists all of the organization's by name; there are few.
	Templates(ctx context.Context, in tenant.Scope) ([]Template, error)
	// ChangeTemplate replaces what fn returns. Errors as InsertTemplate's, and ErrNoTemplate.
	ChangeTemplate(ctx context.Context, in tenant.Scope, which id.Template, fn func(Template) (Template, error)) (Template, error)
	// DeleteTemplate takes one away; keys that were made from it stay as they are. ErrNoTemplate.
	DeleteTemplate(ctx context.Context, in tenant.Scope, which id.Template) error
}

// CreateTemplate makes a template of what t decides.
func (s *Service) CreateTemplate(ctx context.Context, in tenant.Scope, t Template) (Template, error) {
	if !Oversees(in) {
		return Template{}, ErrTemplates
	}
	now := instant(s.now())
	t = t.normal()
	t.ID, t.Revision, t.CreatedAt, t.UpdatedAt, t.CreatedBy = id.Template(id.New("tmpl")), 1, now, now, in.Actor().ID()
	if err := t.check(); err != nil {
		return Template{}, err
	}
	return t, s.store.InsertTemplate(ctx, in, t)
}

// Template finds one. ErrNoTemplate for another organization's too.
func (s *Service) Template(ctx context.Context, in tenant.Scope, which id.Template) (Template, error) {
	return s.store.Template(ctx, in, which)
}

// Templates lists by name those that keys of a team can be made from; "" lists all.
func (s *Service) Templates(ctx context.Context, in tenant.Scope, team id.Team) ([]Template, error) {
	list, err := s.store.Templates(ctx, in)
	if team == "" {
		return list, err
	}
	return slices.DeleteFunc(list, func(t Template) bool { return t.Team != "" && t.Team != team }), err
}

// UpdateTemplate gives a template what t decides. check sees it as it stands and may refuse (If-Match); nil accepts any. Keys that were
// made from it stay as they are; where it is bounding, their next change is held against it.
func (s *Service) UpdateTemplate(ctx context.Context, in tenant.Scope, which id.Template, t Template, check func(Template) error) (Template, error) {
	if !Oversees(in) {
		return Template{}, ErrTemplates
	}
	now := instant(s.now())
	return s.store.ChangeTemplate(ctx, in, which, func(was Template) (Template, error) {
		if check != nil {
			if err := check(was); err != nil {
				return Template{}, err
			}
		}
		t := t.normal()
		t.ID, t.Revision, t.CreatedAt, t.CreatedBy, t.UpdatedAt = was.ID, was.Revision+1, was.CreatedAt, was.CreatedBy, now
		return t, t.check()
	})
}

// DeleteTemplate takes a template away; keys that were made from it stay as they are.
func (s *Service) DeleteTemplate(ctx context.Context, in tenant.Scope, which id.Template) error {
	if !Oversees(in) {
		return ErrTemplates
	}
	return s.store.DeleteTemplate(ctx, in, which)
}

// Standard is the template that keys of a team are made from where none is named; false: there is none.
func (s *Service) Standard(ctx context.Context, in tenant.Scope, team id.Team) (Template, bool, error) {
	list, err := s.store.Templates(ctx, in)
	if err != nil {
		return Template{}, false, err
	}
	t, ok := standard(list, team)
	return t, ok, nil
}

func standard(list []Template, team id.Team) (Template, bool) {
	for _, of := range []id.Team{team, ""} {
		if i := slices.IndexFunc(list, func(t Template) bool { return t.Standard && t.Team == of }); i >= 0 {
			return list[i], true
		}
	}
	return Template{}, false
}

// bounds are the templates that bound keys of a team: its own, and those for every team.
func bounds(list []Template, team id.Team) []Template {
	var out []Template
	for _, t := range list {
		if t.Bounding && (t.Team == "" || t.Team == team) {
			out = append(out, t)
		}
	}
	return out
}

func (t Template) normal() Template {
	t.Name = strings.TrimSpace(t.Name)
	p := &t.Policy
	p.Aliases, p.Models, p.Endpoints, p.Networks = set(p.Aliases), set(p.Models), set(p.Endpoints), networks(p.Networks)
	p.Workflow, p.Task, p.Tags = strings.TrimSpace(p.Workflow), strings.TrimSpace(p.Task), maps.Clone(p.Tags)
	return t
}

// check refuses a template that no key could be made from. The error is ErrInvalid at the field.
func (t *Template) check() error {
	p := &t.Policy
	probe := Key{ // what a key's rules say of the same fields
		Name: t.Name, Team: cmp.Or(t.Team, "any"), Kind: ServiceKey, Environment: cmp.Or(p.Environment, Production), Aliases: p.Aliases, Models: p.Models,
		Endpoints: p.Endpoints, Networks: p.Networks, Workflow: p.Workflow, Task: p.Task, Tags: p.Tags, Privacy: cmp.Or(p.Privacy, PrivacyMetadata),
		BudgetStatus: cmp.Or(p.BudgetStatus, http402),
	}
	if err := probe.check(time.Time{}); err != nil {
		return err
	}
	switch {
	case p.Lifetime < 0 || p.Lifetime > lifetimeMax:
		return ErrInvalid.Say("A lifetime is at most ten years.").At("lifetime_seconds")
	case p.Budget != nil && p.Budget.Amount <= 0:
		return ErrInvalid.Say("A budget is more than nothing.").At("budget.amount")
	case p.Budget != nil && !slices.Contains(periods, p.Budget.Period):
		return ErrInvalid.Say("A period is one of %s.", strings.Join(periods, ", ")).At("budget.period")
	case p.Limits.RPM < 0 || p.Limits.TPM < 0 || p.Limits.Concurrency < 0:
		return ErrInvalid.Say("A limit is more than nothing.").At("limits")
	}
	return nil
}

// Fill takes from the policy what n leaves empty.
func (p *Policy) Fill(n *New, now time.Time) {
	n.Environment = cmp.Or(n.Environment, p.Environment)
	if len(n.Aliases) == 0 && len(n.Models) == 0 { // together they are the scope
		n.Aliases, n.Models = slices.Clone(p.Aliases), slices.Clone(p.Models)
	}
	if len(n.Endpoints) == 0 {
		n.Endpoints = slices.Clone(p.Endpoints)
	}
	if len(n.Networks) == 0 {
		n.Networks = slices.Clone(p.Networks)
	}
	if n.ExpiresAt.IsZero() && p.Lifetime > 0 {
		n.ExpiresAt = now.Add(p.Lifetime)
	}
	n.Workflow, n.Task, n.Privacy = cmp.Or(n.Workflow, p.Workflow), cmp.Or(n.Task, p.Task), cmp.Or(n.Privacy, p.Privacy)
	n.BudgetStatus = cmp.Or(n.BudgetStatus, p.BudgetStatus)
	n.DropUnsupported = n.DropUnsupported || p.DropUnsupported
	if len(p.Tags) > 0 {
		tags := maps.Clone(p.Tags)
		maps.Copy(tags, n.Tags)
		n.Tags = tags
	}
	if n.Budget == nil && p.Budget != nil {
		own := *p.Budget
		n.Budget = &own
	}
	n.Limits.RPM, n.Limits.TPM, n.Limits.Concurrency = cmp.Or(n.Limits.RPM, p.Limits.RPM), cmp.Or(n.Limits.TPM, p.Limits.TPM),
		cmp.Or(n.Limits.Concurrency, p.Limits.Concurrency)
}
