package keys

import (
	"time"

	"tollgate/internal/key"
	"tollgate/web/ui"
)

func cutNote(do action) string {
	if do == rotating {
		return "Calls under way with the old secret end when it does. Otherwise they go on to their end"
	}
	return "Calls under way end within two seconds. Otherwise they go on to their end"
}

// secretRow is one secret of a key.
type secretRow struct {
	ID, Mask, Note string
	State          ui.State
	Word           string
	LastUsed       time.Time
	End            bool // it can be ended by itself
}

// secretRows are a key's secrets, newest first, and whether a rotation can still be taken back.
func secretRows(c ui.Clock, k key.Key, now time.Time) (out []secretRow, cancel bool) {
	turning := k.Rotating(now) && k.RevokedAt.IsZero()
	for i, s := range k.Secrets {
		r := secretRow{ID: string(s.ID), Mask: s.Prefix + "…" + s.Last4, State: ui.Fine, Word: "Live", LastUsed: s.LastUsedAt, End: turning && s.Live(now)}
		switch {
		case !k.RevokedAt.IsZero():
			r.State, r.Word = ui.Idle, "Ended"
		case !s.RevokedAt.IsZero():
			r.State, r.Word, r.Note = ui.Idle, "Ended", ", ended "+ui.AgoText(c, s.RevokedAt)
		case !s.Live(now):
			r.State, r.Word, r.Note = ui.Idle, "Ended", ", ended "+ui.AgoText(c, s.NotAfter)
		case !s.NotAfter.IsZero():
			r.State, r.Word, r.Note = ui.Soon, "Ends", ", ends "+ui.AgoText(c, s.NotAfter)
		}
		if s.Scheme == key.SHA256 {
			r.Note += ", imported and not used here yet"
		} else if s.Imported {
			r.Note += ", imported"
		}
		if turning && i == 0 {
			cancel = s.LastUsedAt.IsZero()
		}
		out = append(out, r)
	}
	return out, cancel
}

// foundText says what was done about a secret that was found.
func foundText(f key.Found) string {
	switch {
	case f.Revoked:
		return "was its key, and is revoked. Its calls under way are ended."
	case f.Ended:
		return "had this as one of its secrets. It has ended; the other one goes on."
	case !f.Key.RevokedAt.IsZero():
		return "was its key, and was revoked before."
	default:
		return "is its key. Nothing was ended: people are told, and decide."
	}
}
