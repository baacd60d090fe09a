package providertest

import (
	"encoding/json"
	"fmt"

	"tollgate/internal/chat"
)

// Fold puts a stream of events together to the answer that it was, and reports the first event out of order.
func Fold(events []chat.Event) (chat.Response, error) {
	f := folder{open: -1}
	for i, e := range events {
		if err := f.add(e); err != nil {
			return f.r, fmt.Errorf("event %d (kind %d): %w", i, e.Kind, err)
		}
	}
	if f.phase != ended {
		return f.r, fmt.Errorf("the stream did not end")
	}
	return f.r, nil
}

type phase int

const (
	unborn phase = iota
	blocks
	finished
	counted
	ended
)

type folder struct {
	r     chat.Response
	phase phase
	open  int
}

func (f *folder) add(e chat.Event) error {
	switch e.Kind {
	case chat.Ping:
		return nil
	case chat.Start:
		f.r.ID, f.r.Model, f.r.Created, f.r.Usage = e.ID, e.Model, e.Created, e.Usage
		return f.move(unborn, blocks)
	case chat.BlockStart:
		if f.open >= 0 || e.Index != len(f.r.Parts) {
			return fmt.Errorf("block %d begins while %d is open, after %d blocks", e.Index, f.open, len(f.r.Parts))
		}
		f.open = e.Index
		f.r.Parts = append(f.r.Parts, e.Part)
		return f.move(blocks, blocks)
	case chat.TextDelta, chat.ArgsDelta, chat.SignDelta, chat.ExtraDelta:
		if f.open != e.Index {
			return fmt.Errorf("a piece of block %d while %d is open", e.Index, f.open)
		}
		f.piece(&f.r.Parts[e.Index], e)
		return nil
	case chat.BlockStop:
		if f.open != e.Index {
			return fmt.Errorf("block %d ends while %d is open", e.Index, f.open)
		}
		f.open = -1
		return nil
	case chat.Finish:
		if f.open >= 0 {
			return fmt.Errorf("block %d is open at the finish", f.open)
		}
		f.r.Finish, f.r.StopSequence = e.Reason, e.StopSequence
		return f.move(blocks, finished)
	case chat.UsageEvent:
		f.r.Usage, f.r.Cost, f.r.Reported = e.Usage, e.Cost, e.Reported
		return f.move(finished, counted)
	case chat.End:
		if f.phase == counted {
			f.phase = finished
		}
		return f.move(finished, ended)
	case chat.Failure:
		return fmt.Errorf("the stream failed: %w", e.Err)
	}
	return fmt.Errorf("an unknown event")
}

func (f *folder) piece(p *chat.Part, e chat.Event) {
	switch e.Kind {
	case chat.TextDelta:
		p.Text += e.Text
	case chat.ArgsDelta:
		p.Args = append(p.Args, e.Text...)
	case chat.SignDelta:
		p.Signature += e.Text
	default:
		if p.Extra == nil {
			p.Extra = map[string]json.RawMessage{}
		}
		for k, v := range e.Extra {
			p.Extra[k] = append(p.Extra[k], v...)
		}
	}
}

func (f *folder) move(from, to phase) error {
	if f.phase != from {
		return fmt.Errorf("phase %d where %d was due", f.phase, from)
	}
	f.phase = to
	return nil
}
