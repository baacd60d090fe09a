package prompt

import (
	"maps"
	"slices"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
)

// mayBelow refuses who has no right to it a change of p by which a version under a protected label would say something else: one that names
// p by a label, or by latest, which is about to stand elsewhere. A label is protected for what it says, so its parts are too.
func (h hand) mayBelow(d Desk, p Prompt) error {
	had, known := d.Prompt(p.ID)
	if !known { // it is being made: nobody names it yet
		return d.Err()
	}
	turned := turned(had, p)
	if len(turned) == 0 {
		return nil
	}
	rules, err := d.Rules()
	if err != nil || len(rules.Protected) == 0 {
		return err
	}
	return h.mayUnder(d, rules, p.ID, turned, 0)
}

// turned are the labels by which a prompt gives another version than before.
func turned(had, now Prompt) []string {
	labels := map[string]bool{Latest: true}
	for _, m := range []map[string]int{had.Labels, now.Labels} {
		for label := range m {
			labels[label] = true
		}
	}
	var out []string
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		was, is := had.Ramps[label], now.Ramps[label]
		if had.At(label) != now.At(label) || was.To != is.To || was.Share != is.Share {
			out = append(out, label)
		}
	}
	return out
}

// mayUnder is mayBelow for the prompts that name one by any of labels, and for those that name these.
func (h hand) mayUnder(d Desk, r Rules, which id.Prompt, labels []string, depth int) error {
	if depth > template.NestMax {
		return nil
	}
	users, err := d.Users(which)
	if err != nil {
		return err
	}
	for _, u := range users {
		c, ok := d.Content(u.Prompt, u.Number)
		user, known := d.Prompt(u.Prompt)
		if !ok || !known || !c.takes(which, labels) {
			continue
		}
		on := user.LabelsOf(u.Number)
		for label, ramp := range user.Ramps {
			if ramp.To == u.Number {
				on = append(on, label)
			}
		}
		for _, label := range on {
			if err := h.mayTurn(r, user, label); err != nil {
				return err
			}
		}
		if err := h.mayUnder(d, r, u.Prompt, on, depth+1); err != nil {
			return err
		}
	}
	return d.Err()
}

func (h hand) mayTurn(r Rules, user Prompt, label string) error {
	switch {
	case !r.Protects(label):
		return nil
	case h.in.Allow(tenant.ReleasePrompts) != nil:
		return ErrProtected.Say("The prompt %q names this one by a label, and its protected label %q would say something else: an owner or admin must do this, or that prompt names a version.",
			fault.Clip(user.Name), label).At("label")
	case r.Approvals && !h.approved:
		return ErrApproval.Say("The prompt %q names this one by a label, and its protected label %q would say something else. Ask for the move, or have that prompt name a version.",
			fault.Clip(user.Name), label).At("label")
	}
	return nil
}

// takes reports whether content names a prompt by one of labels.
func (c *Content) takes(which id.Prompt, labels []string) bool {
	for _, ref := range c.Refs {
		if ref.Prompt == which && ref.Version == 0 && slices.Contains(labels, ref.Label) {
			return true
		}
	}
	return false
}
