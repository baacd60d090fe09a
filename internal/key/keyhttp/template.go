package keyhttp

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// KeyBudget is a budget of one key.
type KeyBudget struct {
	AmountUSD string `json:"amount_usd" maxLength:"32" doc:"Dollars: \"50\", \"0.25\""`
	Period    string `json:"period" enum:"hour,day,week,month,fiscal_month,total"`
}

func (a *KeyBudget) allowance() (*key.Allowance, error) {
	if a == nil {
		return nil, nil //nolint:nilnil // no budget
	}
	amount, err := money.ParseUSD(a.AmountUSD)
	if err != nil || amount <= 0 {
		return nil, key.ErrInvalid.Say("An amount is a decimal number of dollars as text, like \"50\" or \"0.25\", above nothing.").At("budget.amount_usd")
	}
	return &key.Allowance{Amount: amount, Period: a.Period}, nil
}

// KeyLimits is how fast one key may call.
type KeyLimits struct {
	RPM         int64 `json:"rpm,omitempty" minimum:"0" doc:"Requests a minute; 0: no limit"`
	TPM         int64 `json:"tpm,omitempty" minimum:"0" doc:"Tokens a minute, input and output; 0: no limit"`
	Concurrency int64 `json:"concurrency,omitempty" minimum:"0" doc:"Calls under way; 0: no limit"`
}

func (p *KeyLimits) pace() key.Pace {
	if p == nil {
		return key.Pace{}
	}
	return key.Pace(*p)
}

// KeyPolicy is what a template says of keys. What is left out says nothing.
type KeyPolicy struct {
	Environment string            `json:"environment,omitempty" maxLength:"64"`
	Aliases     []string          `json:"aliases,omitempty"`
	Models      []string          `json:"models,omitempty"`
	Endpoints   []string          `json:"endpoints,omitempty"`
	Networks    []string          `json:"networks,omitempty"`
	Lifetime    int64             `json:"lifetime_seconds,omitempty" minimum:"0"`
	Workflow    string            `json:"workflow,omitempty"`
	Task        string            `json:"task,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Privacy     string            `json:"privacy,omitempty" enum:"none,metadata,full"`
	Drop        bool              `json:"drop_unsupported,omitempty"`
	Status      int               `json:"budget_status,omitempty" enum:"402,429"`
	Budget      *KeyBudget        `json:"budget,omitempty"`
	Limits      *KeyLimits        `json:"limits,omitempty"`
}

func (p KeyPolicy) policy() (key.Policy, error) {
	nets, err := key.ParseNetworks(p.Networks)
	if err != nil {
		return key.Policy{}, err
	}
	budget, err := p.Budget.allowance()
	if err != nil {
		return key.Policy{}, err
	}
	return key.Policy{
		Environment: p.Environment, Aliases: p.Aliases, Models: p.Models, Endpoints: endpoints(p.Endpoints), Networks: nets,
		Lifetime: time.Duration(min(p.Lifetime, math.MaxInt64/int64(time.Second))) * time.Second, Workflow: p.Workflow, Task: p.Task, Tags: p.Tags,
		Privacy: key.Privacy(p.Privacy), DropUnsupported: p.Drop, BudgetStatus: p.Status, Budget: budget, Limits: p.Limits.pace(),
	}, nil
}

func toPolicy(p key.Policy) KeyPolicy {
	out := KeyPolicy{
		Environment: p.Environment, Aliases: p.Aliases, Models: p.Models, Lifetime: int64(p.Lifetime / time.Second), Workflow: p.Workflow, Task: p.Task,
		Tags: p.Tags, Privacy: string(p.Privacy), Drop: p.DropUnsupported, Status: p.BudgetStatus,
	}
	if len(p.Endpoints) > 0 {
		out.Endpoints = texts(p.Endpoints)
	}
	if len(p.Networks) > 0 {
		out.Networks = networks(key.Key{Networks: p.Networks})
	}
	if p.Budget != nil {
		out.Budget = &KeyBudget{AmountUSD: p.Budget.Amount.USD(), Period: p.Budget.Period}
	}
	if p.Limits != (key.Pace{}) {
		limits := KeyLimits(p.Limits)
		out.Limits = &limits
	}
	return out
}

// KeyTemplate is what keys are made from.
type KeyTemplate struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	TeamID    string    `json:"team_id,omitempty" doc:"Absent: for every team"`
	Standard  bool      `json:"standard" doc:"Taken where no template is named"`
	Bounding  bool      `json:"bounding" doc:"Also the most that a key may be given by who is no owner or admin"`
	Policy    KeyPolicy `json:"policy"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	UpdatedAt time.Time `json:"updated_at"`

	revision int
}

// Tag implements rest.Tagged.
func (t KeyTemplate) Tag() string { return strconv.Itoa(t.revision) }

func toTemplate(t key.Template) KeyTemplate {
	return KeyTemplate{
		ID: string(t.ID), Name: t.Name, TeamID: string(t.Team), Standard: t.Standard, Bounding: t.Bounding, Policy: toPolicy(t.Policy),
		CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy, UpdatedAt: t.UpdatedAt, revision: t.Revision,
	}
}

// KeyTemplates is every template that was asked for.
type KeyTemplates struct {
	Items []KeyTemplate `json:"items"`
}

type templatesRequest struct {
	Team string `query:"team" doc:"Those that keys of the team can be made from"`
}

// ListTemplates lists templates by name; there are few.
func ListTemplates(s *key.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List key templates"},
		func(ctx context.Context, in tenant.Scope, req templatesRequest) (KeyTemplates, error) {
			list, err := s.Templates(ctx, in, id.Team(req.Team))
			out := KeyTemplates{Items: make([]KeyTemplate, len(list))}
			for i, t := range list {
				out.Items[i] = toTemplate(t)
			}
			return out, err
		})
}

type templateBody struct {
	Name     string    `json:"name" maxLength:"800"`
	TeamID   string    `json:"team_id,omitempty" maxLength:"64"`
	Standard bool      `json:"standard,omitempty"`
	Bounding bool      `json:"bounding,omitempty"`
	Policy   KeyPolicy `json:"policy"`
}

func (b templateBody) template() (key.Template, error) {
	p, err := b.Policy.policy()
	return key.Template{Name: b.Name, Team: id.Team(b.TeamID), Standard: b.Standard, Bounding: b.Bounding, Policy: p}, err
}

type createTemplateRequest struct {
	Body templateBody
}

var templateErrors = []*fault.Error{key.ErrInvalid, key.ErrTemplateTaken, key.ErrStandardTaken, key.ErrNoTeam, key.ErrTemplates}

// CreateTemplate makes a template.
func CreateTemplate(s *key.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Create a key template", Status: http.StatusCreated, Errors: templateErrors},
		func(ctx context.Context, in tenant.Scope, req createTemplateRequest) (KeyTemplate, error) {
			t, err := req.Body.template()
			if err != nil {
				return KeyTemplate{}, err
			}
			t, err = s.CreateTemplate(ctx, in, t)
			return toTemplate(t), err
		})
}

// ReadTemplate is one template.
func ReadTemplate(s *key.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a key template", Errors: []*fault.Error{key.ErrNoTemplate}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (KeyTemplate, error) {
			t, err := s.Template(ctx, in, id.Template(req.ID))
			return toTemplate(t), err
		})
}

type updateTemplateRequest struct {
	rest.Match
	ID   string `path:"id"`
	Body struct {
		Name     *string    `json:"name,omitempty" maxLength:"800"`
		TeamID   *string    `json:"team_id,omitempty" maxLength:"64" doc:"\"\": for every team"`
		Standard *bool      `json:"standard,omitempty"`
		Bounding *bool      `json:"bounding,omitempty"`
		Policy   *KeyPolicy `json:"policy,omitempty" doc:"Takes the whole policy's place"`
	}
}

// UpdateTemplate changes what is given of a template.
func UpdateTemplate(s *key.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Change a key template", Description: "Fields left out stay. Keys that were made from it stay as they are.",
		Errors: append([]*fault.Error{key.ErrNoTemplate}, templateErrors...),
	},
		func(ctx context.Context, in tenant.Scope, req updateTemplateRequest) (KeyTemplate, error) {
			was, err := s.Template(ctx, in, id.Template(req.ID))
			if err != nil {
				return KeyTemplate{}, err
			}
			if err := req.Check(toTemplate(was).Tag()); err != nil {
				return KeyTemplate{}, err
			}
			b, next := req.Body, was
			next.Name = *cmp.Or(b.Name, &was.Name)
			next.Standard, next.Bounding = *cmp.Or(b.Standard, &was.Standard), *cmp.Or(b.Bounding, &was.Bounding)
			if b.TeamID != nil {
				next.Team = id.Team(*b.TeamID)
			}
			if b.Policy != nil {
				if next.Policy, err = b.Policy.policy(); err != nil {
					return KeyTemplate{}, err
				}
			}
			t, err := s.UpdateTemplate(ctx, in, was.ID, next, func(now key.Template) error {
				if now.Revision != was.Revision { // changed between the two looks
					return rest.ErrStale
				}
				return nil
			})
			return toTemplate(t), err
		})
}

// DeleteTemplate takes a template away.
func DeleteTemplate(s *key.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Delete a key template", Description: "Keys that were made from it stay as they are.",
		Errors: []*fault.Error{key.ErrNoTemplate, key.ErrTemplates},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (rest.None, error) {
			return rest.None{}, s.DeleteTemplate(ctx, in, id.Template(req.ID))
		})
}
