package limit

import (
	"slices"
	"time"

	"tollgate/internal/fault"
)

const (
	nameRunesMax = 100
	amountMax    = 1_000_000_000_000_000 // what a shared server counts exactly
	limitsMax    = 200
)

// check refuses what is no limit. The error is ErrInvalid, or dimension.ErrInvalid, at the field.
func (l *Limit) check() error {
	switch {
	case l.Name == "" || !fault.OneLine(l.Name, nameRunesMax):
		return invalid("name", "A name has 1 to %d characters on one line.", nameRunesMax)
	case !slices.Contains(Metrics, l.Metric):
		return invalid("metric", "A limit counts requests, tokens, input_tokens, output_tokens or concurrency.")
	case l.Amount < 1 || l.Amount > amountMax:
		return invalid("amount", "An amount is a whole number from 1 to 1,000,000,000,000,000.")
	case l.Metric == Concurrency && l.Per != 0:
		return invalid("per", "A limit on calls at once has no period. Leave per out.")
	case l.Metric != Concurrency && PeriodName(l.Per) == "":
		return invalid("per", "A period is a second, a minute, an hour or a day.")
	}
	if l.Each != "" {
		if !l.Each.Known() {
			return invalid("each", "Write team, key, environment, workflow, end_user, alias, prompt, prompt_version, provider, model or tag:NAME, or leave it out.")
		}
		if _, fixed := l.Selector.Of(l.Each); fixed {
			return invalid("each", "The selection has one value of %s already: leave each out, or the condition.", l.Each)
		}
	}
	return l.Selector.Check("selector")
}

func invalid(field, format string, args ...any) error {
	return ErrInvalid.Say(format, args...).At(field)
}

func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
