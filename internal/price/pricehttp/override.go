package pricehttp

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/price"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Override is an organization's own price as the API shows it.
type Override struct {
	Price
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by" doc:"The user or token that made it"`
}

func toOverride(o price.Override) Override {
	return Override{Price: toPrice(o.Record), CreatedAt: o.CreatedAt, CreatedBy: o.CreatedBy}
}

// ListOverrides lists the organization's own prices by provider, model and start, past and planned ones too.
func ListOverrides(s *price.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List your own prices", Description: "By provider, model and start; past and planned ones too."},
		func(ctx context.Context, in tenant.Scope, req struct{ rest.PageQuery }) (rest.Page[Override], error) {
			var after string
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[Override]{}, err
			}
			all, err := s.Overrides(ctx, in)
			if err != nil {
				return rest.Page[Override]{}, err
			}
			return cut(all, after, req.Limit), nil
		})
}

// cut takes the page after an id; an id that is gone starts anew.
func cut(all []price.Override, after string, limit int) rest.Page[Override] {
	start := 0
	for i, o := range all {
		if after != "" && string(o.ID) == after {
			start = i + 1
		}
	}
	items, next := []Override{}, ""
	for _, o := range all[start:] {
		if len(items) == limit {
			next = rest.EncodeCursor(items[limit-1].ID)
			break
		}
		items = append(items, toOverride(o))
	}
	return rest.PageOf(items, next)
}

type overrideRequest struct {
	Body struct {
		Provider string    `json:"provider" maxLength:"64"`
		Model    string    `json:"model" maxLength:"256" doc:"* stands for every model of the provider that is not listed"`
		Rates    Rates     `json:"rates" doc:"US dollars for a million units, by class; 0 is free, a class left out is unpriced"`
		Tiers    []Tier    `json:"tiers,omitempty" maxItems:"8"`
		From     time.Time `json:"from,omitzero" required:"false" doc:"Left out: now. Never in the past"`
		To       time.Time `json:"to,omitzero" required:"false" doc:"Left out: open"`
	}
}

// CreateOverride gives the organization its own price for a model.
func CreateOverride(s *price.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Set your own price for a model", Status: http.StatusCreated, Errors: overrideFaults(),
		Description: "Calls already made keep the price they had. An open price of the same model ends where this one starts.",
	},
		func(ctx context.Context, in tenant.Scope, req overrideRequest) (Override, error) {
			b := req.Body
			rates, err := fromRates(b.Rates, "rates")
			if err != nil {
				return Override{}, err
			}
			n := price.NewOverride{Provider: b.Provider, Model: b.Model, Rates: rates, From: b.From, To: b.To}
			for i, t := range b.Tiers {
				rates, err := fromRates(t.Rates, "tiers."+strconv.Itoa(i)+".rates")
				if err != nil {
					return Override{}, err
				}
				n.Tiers = append(n.Tiers, price.Tier{AboveInput: t.AboveInput, Rates: rates})
			}
			o, err := s.Override(ctx, in, n)
			if err != nil {
				return Override{}, err
			}
			return toOverride(o), nil
		})
}

type overrideIDRequest struct {
	ID string `path:"id" maxLength:"64"`
}

// ReadOverride is one of the organization's own prices.
func ReadOverride(s *price.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read one of your own prices", Errors: []*fault.Error{price.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req overrideIDRequest) (Override, error) {
			all, err := s.Overrides(ctx, in)
			if err != nil {
				return Override{}, err
			}
			for _, o := range all {
				if string(o.ID) == req.ID {
					return toOverride(o), nil
				}
			}
			return Override{}, price.ErrNotFound
		})
}

// EndOverride ends one of the organization's own prices now.
func EndOverride(s *price.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary:     "End one of your own prices",
		Description: "The catalogue's price holds from now on. A price that has not begun is withdrawn.", Errors: []*fault.Error{price.ErrNotFound, price.ErrEnded},
	},
		func(ctx context.Context, in tenant.Scope, req overrideIDRequest) (rest.None, error) {
			return rest.None{}, s.RemoveOverride(ctx, in, id.PriceRecord(req.ID))
		})
}
