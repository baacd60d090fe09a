package price

import "tollgate/internal/chat"

// twin gives the tokens in which the things of a class can be counted as well: a picture is an image and some tokens.
func twin(c chat.Class) (chat.Class, bool) {
	switch c {
	case chat.Images:
		return chat.OutputImage, true
	case chat.AudioMS:
		return chat.InputAudio, true
	case chat.Characters, chat.SearchUnits, chat.Pages:
		return chat.Input, true
	default: // counted in one measure
		return 0, false
	}
}

// billable is what of a call's units is billed by these rates.
//
// Providers count one thing in two measures (an image and its tokens, a page and its tokens) and bill one of them; which, the
// list says by what it has a rate for:
//
//   - where the tokens are counted and have a rate, they are billed, and the thing is not;
//   - where the thing has a rate and its tokens have none, the thing is billed, and its tokens are not;
//   - a list that has no rate for any tokens bills none, once it bills a thing that was counted.
//
// And a list with a fee for each call charges it, though nobody counts calls: every call is one.
func (r Rates) billable(u chat.Units) chat.Units {
	bill, byThing := u, false
	for c := range u {
		t, ok := twin(chat.Class(c))
		if !ok || u[c] <= 0 {
			continue
		}
		switch {
		case u[t] > 0 && r[t].Listed:
			bill[c] = 0
		case r[c].Listed:
			byThing = true
			if t == chat.OutputImage || t == chat.InputAudio { // Input holds other text too
				bill[t] = 0
			}
		}
	}
	if byThing && !r.anyTokens() {
		for c := range bill {
			if chat.Class(c).Token() {
				bill[c] = 0
			}
		}
	}
	if fee := r[chat.Requests]; bill[chat.Requests] == 0 && fee.Price > 0 {
		bill[chat.Requests] = 1
	}
	return bill
}

func (r Rates) anyTokens() bool {
	for c := range r {
		if chat.Class(c).Token() && r[c].Listed {
			return true
		}
	}
	return false
}
