// Package pricehttp is the JSON face of prices: the catalogue as an organization sees it, and its own overrides.
//
// A rate is a decimal string of US dollars for a million units, exact. A class that is not listed is unpriced, which is not zero.
package pricehttp

import (
	"context"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Rates are dollars for a million units by class of unit.
type Rates map[string]string

func toRates(r price.Rates) Rates {
	out := Rates{}
	for c, x := range r {
		if x.Listed {
			out[chat.Class(c).String()] = x.Price.PerMillion()
		}
	}
	return out
}

// fromRates refuses classes that there are not and amounts that are no exact decimal.
func fromRates(r Rates, at string) (price.Rates, error) {
	var out price.Rates
	for name, text := range r {
		c, ok := chat.ParseClass(name)
		if !ok {
			return out, price.ErrInvalid.Say("There is no class of units with this name. The classes are %s.", classes()).At(at)
		}
		p, err := money.ParsePerMillion(text)
		if err != nil {
			return out, price.ErrInvalid.Say("A rate is dollars for a million units, a decimal with at most six places.").At(at + "." + name)
		}
		out = out.Set(c, p)
	}
	return out, nil
}

func classes() string {
	s := ""
	for c := range chat.Classes {
		if s != "" {
			s += ", "
		}
		s += c.String()
	}
	return s
}

// Tier is the price list of calls with many input tokens.
type Tier struct {
	AboveInput int64 `json:"above_input" minimum:"1" doc:"It holds for calls with more input tokens than this"`
	Rates      Rates `json:"rates" doc:"US dollars for a million units, by class, complete"`
}

func toTiers(list []price.Tier) []Tier {
	var out []Tier
	for _, t := range list {
		out = append(out, Tier{AboveInput: t.AboveInput, Rates: toRates(t.Rates)})
	}
	return out
}

// Price is one price list as the API shows it.
type Price struct {
	ID       string     `json:"id"`
	Provider string     `json:"provider"`
	Model    string     `json:"model" doc:"* stands for every model of the provider that is not listed"`
	Rates    Rates      `json:"rates" doc:"US dollars for a million units, by class. A class that is not here is unpriced, not free"`
	Tiers    []Tier     `json:"tiers,omitempty" doc:"Price lists of long contexts"`
	From     *time.Time `json:"from,omitempty" doc:"First instant; absent: always"`
	To       *time.Time `json:"to,omitempty" doc:"First instant at which it no longer holds; absent: open"`
	Source   string     `json:"source" doc:"Where the figures come from; override is your own"`
}

func toPrice(r price.Record) Price {
	return Price{
		ID: string(r.ID), Provider: r.Provider, Model: r.Model, Rates: toRates(r.Rates), Tiers: toTiers(r.Tiers),
		From: optional(r.From), To: optional(r.To), Source: r.Source,
	}
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Model is one entry of the model catalogue as the API shows it.
type Model struct {
	ID            string   `json:"id" doc:"What a call sends as model" example:"openai/gpt-4o"`
	Provider      string   `json:"provider"`
	Model         string   `json:"model"`
	ContextWindow int64    `json:"context_window,omitempty" doc:"Tokens; absent: not known"`
	MaxOutput     int64    `json:"max_output,omitempty" doc:"Tokens; absent: not known"`
	Input         []string `json:"input,omitempty" doc:"Kinds of content it reads"`
	Output        []string `json:"output,omitempty" doc:"Kinds of content it writes"`
	Rates         Rates    `json:"rates" doc:"In force now: US dollars for a million units, by class"`
	PriceID       string   `json:"price_id"`
}

func toModel(r price.Record) Model {
	return Model{
		ID: r.Provider + "/" + r.Model, Provider: r.Provider, Model: r.Model, ContextWindow: r.ContextWindow, MaxOutput: r.MaxOutput,
		Input: kinds(r.Input), Output: kinds(r.Output), Rates: toRates(r.Rates), PriceID: string(r.ID),
	}
}

func kinds(m price.Modality) []string {
	var out []string
	for _, k := range []price.Modality{price.Text, price.Image, price.Audio, price.Video, price.PDF} {
		if m&k != 0 {
			out = append(out, k.String())
		}
	}
	return out
}

type catalogueRequest struct {
	rest.PageQuery
	Provider string `query:"provider" maxLength:"64" doc:"Only this provider's"`
	Search   string `query:"q" maxLength:"256" doc:"Only models whose name contains this"`
}

// Models lists the model catalogue with the prices in force now.
func Models(s *price.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List models"}, func(ctx context.Context, in tenant.Scope, req catalogueRequest) (rest.Page[Model], error) {
		return catalogue(ctx, s, in, req, toModel)
	})
}

// Prices lists the price lists in force now; your overrides stand in place of what they override.
func Prices(s *price.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List prices in force"}, func(ctx context.Context, in tenant.Scope, req catalogueRequest) (rest.Page[Price], error) {
		return catalogue(ctx, s, in, req, toPrice)
	})
}

func catalogue[T any](ctx context.Context, s *price.Service, in tenant.Scope, req catalogueRequest, to func(price.Record) T) (rest.Page[T], error) {
	var after string
	if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
		return rest.Page[T]{}, err
	}
	got, err := s.Catalogue(ctx, in, price.Query{Provider: req.Provider, Search: req.Search, After: after, Limit: req.Limit})
	if err != nil {
		return rest.Page[T]{}, err
	}
	var items []T
	for _, r := range got.Records {
		items = append(items, to(r))
	}
	next := ""
	if got.Next != "" {
		next = rest.EncodeCursor(got.Next)
	}
	return rest.PageOf(items, next), nil
}

// overrideFaults are what a caller may meet when it sets a price.
func overrideFaults() []*fault.Error {
	return []*fault.Error{price.ErrInvalid, price.ErrBackdated, price.ErrPlanned}
}
