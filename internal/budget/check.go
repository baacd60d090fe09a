package budget

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tollgate/internal/dimension"
	"tollgate/internal/fault"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// The bounds of a budget.
const (
	budgetsMax   = 500 // of an organization: a call is held against all of them
	nameRunesMax = 80
	amountMax    = money.NanoUSD(100_000_000_000_000_000) // a hundred million dollars; so that sums of limits and raises do not wrap
	waitMax      = time.Minute
	alertsMax    = 10
	alertMax     = 1000 // per cent
	floorMax     = 1_000_000
	floorDefault = 256
)

var (
	modes    = []Mode{Watch, Warn, Block}
	actions  = []Action{Refuse, Move, Clamp}
	offlines = []Offline{Deny, Standby}
)

func invalid(field, format string, args ...any) error {
	return ErrInvalid.Say(format, args...).At(field)
}

// normal puts what people wrote into its one form: trimmed, sorted, defaults written out, and what does not apply left out.
func (b Budget) normal() Budget {
	b.Name = strings.TrimSpace(b.Name)
	b.Selector = b.Selector.Normal()
	b.Limits = slices.Clone(b.Limits)
	slices.SortStableFunc(b.Limits, func(x, y Limit) int { return slices.Index(Periods, x.Period) - slices.Index(Periods, y.Period) })
	if b.Mode == "" {
		b.Mode = Watch
	}
	if b.Action == "" || b.Mode != Block {
		b.Action = Refuse
	}
	if b.Action != Move {
		b.MoveTo = ""
	}
	switch {
	case b.Action != Clamp:
		b.Floor = 0
	case b.Floor == 0:
		b.Floor = floorDefault
	}
	if b.Offline == "" || b.Mode != Block {
		b.Offline = Deny
	}
	if b.Offline != Standby {
		b.Standby = 0
	}
	if b.Wait < 0 {
		b.Wait = -1
	}
	return b
}

// check refuses what is no budget of this organization. b is normal.
func (s *Service) check(ctx context.Context, in tenant.Scope, b Budget) error {
	return firstError(
		func() error { return b.checkName() },
		func() error { return b.Selector.Check("selector") },
		func() error { return b.checkEach() },
		func() error { return b.checkLimits() },
		func() error { return b.checkMode() },
		func() error { return b.checkAlerts() },
		func() error { return s.checkVendors(b) },
		func() error { return s.checkThere(ctx, in, b) },
	)
}

func firstError(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (b *Budget) checkName() error {
	if n := utf8.RuneCountInString(b.Name); n < 1 || n > nameRunesMax || !utf8.ValidString(b.Name) || strings.ContainsFunc(b.Name, unicode.IsControl) {
		return invalid("name", "A name has 1 to %d characters and no control characters.", nameRunesMax)
	}
	return nil
}

func (b *Budget) checkEach() error {
	if b.Each == "" {
		return nil
	}
	if !b.Each.Known() {
		return invalid("each", "%q is no dimension: write team, key, environment, workflow, end_user, alias, prompt, prompt_version, provider, model or tag:NAME.", fault.Clip(string(b.Each)))
	}
	if _, fixed := b.Selector.Of(b.Each); fixed {
		return invalid("each", "The budget selects one %s already: it cannot be split by it too.", b.Each)
	}
	return nil
}

func (b *Budget) checkLimits() error {
	if len(b.Limits) == 0 {
		return invalid("limits", "A budget has at least one limit.")
	}
	for i, l := range b.Limits {
		at := fmt.Sprintf("limits.%d", i)
		switch {
		case !slices.Contains(Periods, l.Period):
			return invalid(at+".period", "%q is no period: write hour, day, week, month, fiscal_month or total.", fault.Clip(string(l.Period)))
		case i > 0 && b.Limits[i-1].Period == l.Period:
			return invalid(at+".period", "There are two limits for one %s.", l.Period)
		case l.Amount < 0 || l.Amount > amountMax:
			return invalid(at+".amount", "A limit is $0 (nothing may be spent) to $%s.", amountMax.USD())
		}
	}
	return nil
}

func (b *Budget) checkMode() error {
	switch {
	case !slices.Contains(modes, b.Mode):
		return invalid("mode", "A mode is watch, warn or block.")
	case !slices.Contains(actions, b.Action):
		return invalid("action", "An action is refuse, move or clamp.")
	case !slices.Contains(offlines, b.Offline):
		return invalid("offline", "While the authority cannot be asked a budget does deny, or standby.")
	case b.Action == Move && b.MoveTo == "":
		return invalid("move_to", "Name the alias that serves calls for which there is no room.")
	case b.Floor < 0 || b.Floor > floorMax || b.Action == Clamp && b.Floor == 0:
		return invalid("floor", "The least output cap is 1 to %d tokens.", floorMax)
	case b.Wait > waitMax:
		return invalid("wait", "A call waits for room for at most %d seconds.", int(waitMax.Seconds()))
	}
	if from, ok := b.Selector.Of(dimension.Alias); ok && b.Action == Move && from == b.MoveTo {
		return invalid("move_to", "The budget covers %s itself: calls would move in a circle. Name another alias.", from)
	}
	return b.checkStandby()
}

func (b *Budget) checkStandby() error {
	if b.Offline != Standby {
		return nil
	}
	least := slices.MinFunc(b.Limits, func(x, y Limit) int {
		return int(min(max(x.Amount-y.Amount, -1), 1))
	}).Amount
	if b.Standby <= 0 || b.Standby > least/2 {
		return invalid("standby", "What is set aside is more than $0 and at most half of the smallest limit: $%s.", (least / 2).USD())
	}
	return nil
}

func (b *Budget) checkAlerts() error {
	if len(b.AlertAt) > alertsMax {
		return invalid("alert_at", "At most %d marks.", alertsMax)
	}
	for i, mark := range b.AlertAt {
		if mark < 1 || mark > alertMax || i > 0 && mark <= b.AlertAt[i-1] {
			return invalid("alert_at", "Marks are 1 to %d per cent, each higher than the one before.", alertMax)
		}
	}
	return nil
}

// checkVendors refuses a provider or model that no call can have: a hard budget on a misspelt one would never hold anything.
func (s *Service) checkVendors(b Budget) error {
	for i, m := range b.Selector {
		if !m.Dimension.Upstream() {
			continue
		}
		vendor, model, two := strings.Cut(m.Value, "/")
		if m.Dimension == dimension.Model && (!two || model == "") {
			return invalid(fmt.Sprintf("selector.%d", i), "A model is written provider/model: %q has no provider.", fault.Clip(m.Value))
		}
		if _, ok := s.Vendors(vendor); !ok {
			return invalid(fmt.Sprintf("selector.%d", i), "There is no provider %q.", fault.Clip(vendor))
		}
	}
	return nil
}

// checkThere refuses a selector of a team, key or alias that the organization does not have, and an alias to move to that is not there.
func (s *Service) checkThere(ctx context.Context, in tenant.Scope, b Budget) error {
	want := slices.Clone(b.Selector)
	to := dimension.Match{Dimension: dimension.Alias, Value: b.MoveTo}
	if b.Action == Move {
		want = append(want, to)
	}
	names, err := s.Store.Names(ctx, in, want)
	if err != nil {
		return err
	}
	for i, m := range b.Selector {
		if _, ok := names[m]; !ok {
			return invalid(fmt.Sprintf("selector.%d", i), "There is no %s %q.", m.Dimension, fault.Clip(m.Value))
		}
	}
	if _, ok := names[to]; !ok && b.Action == Move {
		return invalid("move_to", "There is no alias %q.", fault.Clip(b.MoveTo))
	}
	return nil
}
