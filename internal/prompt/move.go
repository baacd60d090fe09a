package prompt

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
)

// hand is who changes prompts, when, and by what leave.
type hand struct {
	in       tenant.Scope
	at       time.Time
	approved bool   // another person has approved exactly this move
	why      string // of the moves
}

func (s *Service) hand(in tenant.Scope) hand { return hand{in: in, at: s.now().UTC()} }

// may refuses who has no right to move a label that is protected.
func (h hand) may(r Rules, label string) error {
	if !r.Protects(label) || h.in.Allow(tenant.ReleasePrompts) == nil {
		return nil
	}
	return ErrProtected.Say("The label %q is protected: an owner or admin must move it. Ask for the move, and one of them can approve it.", label).At("label")
}

// lets refuses a move of a label that this hand may not make. Where moves of protected labels want another person's approval, a roll-back, to
// the version on which the label stood before, waits for nobody: that version was live, and the one that is may be doing harm.
func (h hand) lets(d Desk, r Rules, p Prompt, label string, to int) error {
	if err := h.may(r, label); err != nil {
		return err
	}
	if !r.Approvals || !r.Protects(label) || h.approved || to == p.Labels[label] {
		return nil
	}
	last, moved, err := d.LastMove(p.ID, label)
	if err != nil {
		return err
	}
	if moved && to != 0 && to == last.Was {
		return nil
	}
	return ErrApproval.Say("Moves of the protected label %q want another person's approval. Ask for the move, with a reason.", label).At("label")
}

// SetLabel puts a label on a version; 0 takes it off. A gradual move of the label ends with it. ErrProtected, ErrApproval, ErrVersion, ErrArchived.
func (s *Service) SetLabel(ctx context.Context, in tenant.Scope, which id.Prompt, label string, number int, check func(Prompt) error) (Prompt, error) {
	return s.SetLabels(ctx, in, which, []string{label}, number, check)
}

// SetLabels is SetLabel for several labels at once: all of them are moved or none is.
func (s *Service) SetLabels(ctx context.Context, in tenant.Scope, which id.Prompt, labels []string, number int, check func(Prompt) error) (Prompt, error) {
	h := s.hand(in)
	var p Prompt
	err := s.change(ctx, in, which, check, func(d Desk, had Prompt) (err error) {
		p, err = h.set(d, had, labels, number)
		return err
	})
	return p, err
}

// set puts labels on a version, or takes them off, and writes the prompt if that changes anything.
func (h hand) set(d Desk, p Prompt, labels []string, number int) (Prompt, error) {
	if !p.ArchivedAt.IsZero() {
		return p, ErrArchived
	}
	if err := there(d, p.ID, number); err != nil {
		return p, err
	}
	p, moves, err := h.place(d, p, labels, number)
	if err != nil || len(moves) == 0 {
		return p, err
	}
	return h.write(d, p, moves)
}

// there refuses a version that is none. 0 is none to look for.
func there(d Desk, which id.Prompt, number int) error {
	if number == 0 {
		return nil
	}
	if _, ok := d.Content(which, number); !ok {
		return cmp.Or[error](d.Err(), ErrVersion.At("version"))
	}
	return nil
}

// place puts labels on a version, and gives the moves that this takes.
func (h hand) place(d Desk, p Prompt, labels []string, number int) (Prompt, []Move, error) {
	rules, err := d.Rules()
	if err != nil {
		return p, nil, err
	}
	p.Labels, p.Ramps = maps.Clone(p.Labels), maps.Clone(p.Ramps)
	var moves []Move
	for _, label := range slices.Compact(slices.Sorted(slices.Values(labels))) {
		if err := CheckLabel(label); err != nil {
			return p, nil, err
		}
		was := p.Labels[label]
		ramp, moving := p.Ramps[label]
		if was == number && !moving {
			continue
		}
		if err := h.lets(d, rules, p, label, number); err != nil {
			return p, nil, err
		}
		m := Move{Label: label, Was: was, Is: number, At: h.at, By: h.in.Actor().ID(), Why: h.why}
		if was == number {
			m.Why = cmp.Or(h.why, "The gradual move to version "+strconv.Itoa(ramp.To)+" was stopped at "+percent(ramp.Share)+".")
		}
		moves = append(moves, m)
		delete(p.Ramps, label)
		if p.Labels[label] = number; number == 0 {
			delete(p.Labels, label)
		}
	}
	return p, moves, nil
}

// write writes a prompt as it is now, tells of its whole moves, and sees that every prompt which names this one is still whole.
func (h hand) write(d Desk, p Prompt, moves []Move) (Prompt, error) {
	if err := h.mayBelow(d, p); err != nil {
		return p, err
	}
	p = h.touched(p)
	if err := d.Put(p, moves); err != nil {
		return p, err
	}
	for _, m := range moves {
		if m.Share > 0 && m.Share != p.Ramps[m.Label].Shares[0] { // steps in between are for the history only
			continue
		}
		n, err := moved(d, p, m)
		if err != nil {
			return p, err
		}
		if err := d.Tell(n); err != nil {
			return p, err
		}
	}
	return p, whole(d, p.ID, 0)
}

func (h hand) touched(p Prompt) Prompt {
	p.Revision++
	p.UpdatedAt, p.UpdatedBy = h.at, h.in.Actor().ID()
	return p
}

// whole refuses a change that breaks prompts which name this one, or that those are in.
func whole(d Desk, which id.Prompt, depth int) error {
	uses, err := d.Users(which)
	if err != nil || depth > template.NestMax {
		return err
	}
	for _, u := range uses {
		c, ok := d.Content(u.Prompt, u.Number)
		user, known := d.Prompt(u.Prompt)
		if !ok || !known || !user.ArchivedAt.IsZero() {
			continue
		}
		if _, _, mistakes := Link(d, u.Prompt, c); len(mistakes) > 0 {
			return ErrBreaks.Say("The prompt %q (version %d) uses this one and would break: %s", fault.Clip(user.Name), u.Number, mistakes[0].Reason)
		}
		if err := whole(d, u.Prompt, depth+1); err != nil {
			return err
		}
	}
	return d.Err()
}

// percent is a share for people: "2.5 %".
func percent(share int) string {
	return strconv.FormatFloat(float64(share)*100/ShareMax, 'f', -1, 64) + " %"
}
