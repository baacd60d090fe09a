package ui

import (
	"strings"
	"testing"

	"tollgate/internal/money"
)

func TestABurnDownShowsEveryAmountInItsPlace(t *testing.T) {
	t.Parallel()
	const usd = money.NanoUSD(1_000_000_000)
	b := BurnView{
		Limit: 100 * usd, Left: []BurnPoint{{At: 0, Left: 100 * usd}, {At: 0.5, Left: 50 * usd}},
		Cone: []ConePoint{{At: 0.5, Low: 50 * usd, Mid: 50 * usd, High: 50 * usd}, {At: 1, Low: -500 * usd, Mid: -50 * usd, High: 0}},
	}
	s := b.scale()
	if s.y(100*usd) != 0 || s.y(-100*usd) != 100 || s.y(-500*usd) != 100 || s.y(0) != 50 {
		t.Errorf("the axis is %+v: the limit at %v, zero at %v, as much below as above at %v", s, s.y(100*usd), s.y(0), s.y(-100*usd))
	}
	if at, ok := b.crossing(); !ok || at != 0.75 {
		t.Errorf("empty at %v, %v", at, ok)
	}
	if got := s.line(b.Left); got != "0,0 50,25" {
		t.Errorf("the line is %q", got)
	}
	if got := s.axisText(s.steps()); got != "−$100" {
		t.Errorf("the lowest label is %q", got)
	}
	calm := BurnView{Limit: 10 * usd, Left: []BurnPoint{{At: 0, Left: 10 * usd}}}
	if s := calm.scale(); s.below != 0 {
		t.Errorf("there are %d lines below zero, with nothing below it", s.below)
	}
	if _, ok := calm.crossing(); ok {
		t.Error("what has no forecast runs empty")
	}
}

func TestAnEmptyBurnDownIsDrawn(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := Burn(BurnView{}).Render(t.Context(), &b); err != nil || strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
		t.Errorf("%v: %s", err, b.String())
	}
}
