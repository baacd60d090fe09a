package models

import (
	"math"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/web/ui"
)

// classWord is how a class is called, and what its prices are for.
type classWord struct {
	Text string
	Per  string
}

// classWords has a word for every class; a test holds it to that.
func classWords() [chat.Classes]classWord {
	const tokens, thousand = "1M tokens", "1,000"
	return [chat.Classes]classWord{
		chat.Input:        {"Input", tokens},
		chat.CacheRead:    {"Cache read", tokens},
		chat.CacheWrite5m: {"Cache write", tokens},
		chat.CacheWrite1h: {"Cache write, 1 hour", tokens},
		chat.Output:       {"Output", tokens},
		chat.Reasoning:    {"Reasoning", tokens},
		chat.InputAudio:   {"Input, audio", tokens},
		chat.OutputAudio:  {"Output, audio", tokens},
		chat.WebSearch:    {"Web searches", thousand},
		chat.InputImage:   {"Input, images", tokens},
		chat.OutputImage:  {"Output, images", tokens},
		chat.Images:       {"Images", thousand},
		chat.AudioMS:      {"Audio", "1,000 seconds"},
		chat.Characters:   {"Characters", "1M characters"},
		chat.SearchUnits:  {"Search units", thousand},
		chat.Pages:        {"Pages", thousand},
		chat.Requests:     {"Requests", thousand},
		chat.FileSearch:   {"File searches", thousand},
		chat.CodeSession:  {"Code sessions", thousand},
	}
}

// perMillion reports whether prices of the class are written for a million units (a second has a thousand of audio's); all others are
// for a thousand.
func perMillion(c chat.Class) bool { return classWords()[c].Per != "1,000" }

// amount writes a rate in dollars for what classWords says; "" for an unpriced class.
func amount(c chat.Class, r price.Rate) string {
	switch {
	case !r.Listed:
		return ""
	case perMillion(c):
		return ui.PriceText(r.Price)
	case r.Price%1000 == 0:
		return ui.PriceText(r.Price / 1000)
	default: // finer than a thousand shows
		return ui.PriceText(r.Price) + " for 1M"
	}
}

// typed reads what amount writes, without the sign of the dollar.
func typed(c chat.Class, text string) (money.Price, error) {
	p, err := money.ParsePerMillion(text)
	if err != nil || perMillion(c) {
		return p, err
	}
	if p > math.MaxInt64/1000 {
		return 0, money.ErrFormat
	}
	return p * 1000, nil
}
