package pricepg

import (
	"time"

	"tollgate/internal/id"
	"tollgate/internal/price"
)

// row is one line of the prices table.
type row struct {
	ID            string
	Provider      string
	Model         string
	Rates         price.Rates `gorm:"serializer:json"`
	Tiers         []tier      `gorm:"serializer:json"`
	ContextWindow int64
	MaxOutput     int64
	ModalityIn    int16
	ModalityOut   int16
	Source        string
	ValidFrom     time.Time
	ValidTo       *time.Time // NULL means open
}

func (row) TableName() string { return "prices" }

// overrideRow is one line of the price_overrides table.
type overrideRow struct {
	OrgID     string `gorm:"primaryKey"`
	ID        string `gorm:"primaryKey"`
	Provider  string
	Model     string
	Rates     price.Rates `gorm:"serializer:json"`
	Tiers     []tier      `gorm:"serializer:json"`
	ValidFrom time.Time
	ValidTo   *time.Time // the end in force; NULL means open
	Until     *time.Time // the end that was asked for
	CreatedAt time.Time
	CreatedBy string
}

func (overrideRow) TableName() string { return "price_overrides" }

// tier is an element of the tiers column.
type tier struct {
	AboveInput int64       `json:"above_input"`
	Rates      price.Rates `json:"rates"`
}

func toRecord(r row) price.Record {
	return price.Record{
		ID: id.PriceRecord(r.ID), Provider: r.Provider, Model: r.Model, Rates: r.Rates, Tiers: toTiers(r.Tiers),
		From: r.ValidFrom.UTC(), To: toTime(r.ValidTo), Source: r.Source,
		ContextWindow: r.ContextWindow, MaxOutput: r.MaxOutput,
		Input: price.Modality(r.ModalityIn), Output: price.Modality(r.ModalityOut),
	}
}

func toOverride(r overrideRow) price.Override {
	return price.Override{
		Record: price.Record{
			ID: id.PriceRecord(r.ID), Provider: r.Provider, Model: r.Model, Rates: r.Rates, Tiers: toTiers(r.Tiers),
			From: r.ValidFrom.UTC(), To: toTime(r.ValidTo), Source: "override",
		},
		CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy,
	}
}

func fromOverride(org id.Org, o price.Override) overrideRow {
	return overrideRow{
		OrgID: string(org), ID: string(o.ID), Provider: o.Provider, Model: o.Model, Rates: o.Rates, Tiers: fromTiers(o.Tiers),
		ValidFrom: o.From, ValidTo: fromTime(o.To), Until: fromTime(o.To), CreatedAt: o.CreatedAt, CreatedBy: o.CreatedBy,
	}
}

func toTiers(ts []tier) []price.Tier {
	var out []price.Tier
	for _, t := range ts {
		out = append(out, price.Tier(t))
	}
	return out
}

// fromTiers is never nil: the column holds an empty array, not NULL.
func fromTiers(ts []price.Tier) []tier {
	out := make([]tier, len(ts))
	for i, t := range ts {
		out[i] = tier(t)
	}
	return out
}

func toTime(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func fromTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
