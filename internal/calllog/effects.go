package calllog

import (
	"fmt"
	"strings"

	"tollgate/internal/money"
)

// Sentence tells what a budget or a limit did to the call, without its name: "refused the call: it lacked $0.25 of its day."
func (k *Check) Sentence() string {
	text := map[Did]string{
		DidRefuse: "refused the call", WouldRefuse: "only watches: it would have refused the call", DidClamp: "lowered the cap on the output",
		DidMove: "sent the call elsewhere", DidWait: "let the call wait until there was room",
	}[k.Did]
	if text == "" {
		text = "did: " + string(k.Did)
	}
	if k.Subject != "" {
		text += " (for " + k.Subject + ")"
	}
	if k.Short > 0 {
		text += ": " + k.lacked()
	}
	return text + "."
}

// lacked is what there was too little of.
func (k *Check) lacked() string {
	if !k.OfBudget() {
		return fmt.Sprintf("%d %s too many", k.Short, strings.ReplaceAll(k.Period, "_", " "))
	}
	out := "$" + money.NanoUSD(k.Short).USD() + " was lacking"
	if k.Period != "" && k.Period != "total" {
		out += " in its " + strings.ReplaceAll(k.Period, "_", " ")
	}
	return out
}

// OfBudget reports a check by a budget; the others are by limits.
func (k *Check) OfBudget() bool { return strings.HasPrefix(k.By, "bud_") }

// Sentence tells what the call weighs on a budget: cost is what it cost by its invoice.
func (c *Charge) Sentence(cost money.NanoUSD) string {
	if c.Amount > cost {
		return "$" + c.Amount.USD() + " is charged: the most that it can have cost, because what it used is not known for certain."
	}
	return "$" + c.Amount.USD() + " is charged."
}
