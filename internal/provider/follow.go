package provider

import (
	"errors"

	"tollgate/internal/chat"
)

// Follow makes a Tap of a Reader, for targets that carry no client's dialect: it forwards nothing, because nobody could read it, and
// sees what the reader reads.
func Follow(r Reader) Tap { return &follower{reader: r} }

type follower struct {
	reader Reader
	seen   Seen
	over   bool
}

func (f *follower) Feed(chunk []byte) []byte {
	if !f.over {
		f.note(f.reader.Feed(chunk, f.event))
	}
	return nil
}

func (f *follower) Close() []byte {
	if !f.over {
		f.note(f.reader.Close(f.event))
		f.over = true
	}
	return nil
}

func (f *follower) Seen() Seen { return f.seen }

// note keeps an error of reading as the provider's failure; a stream that broke off is told by not having ended.
func (f *follower) note(err error) {
	if err == nil || errors.Is(err, ErrTruncated) {
		return
	}
	f.over = true
	f.seen.Refusal = &Refusal{Class: ClassServer, Message: err.Error()}
}

func (f *follower) event(e chat.Event) {
	switch e.Kind {
	case chat.Start:
		f.seen.ID, f.seen.Model = e.ID, e.Model
	case chat.BlockStart:
		if e.Part.Kind == chat.ToolCall || e.Part.Data != "" {
			f.said(len(e.Part.Name) + len(e.Part.Data))
		}
	case chat.TextDelta, chat.ArgsDelta:
		f.said(len(e.Text))
	case chat.Finish:
		f.seen.Finish = e.Reason
	case chat.UsageEvent:
		f.seen.Usage, f.seen.Cost = e.Usage, e.Reported
	case chat.End:
		f.seen.Ended = true
	case chat.Failure:
		f.over = true
		if e.Usage.Source != chat.Unknown {
			f.seen.Usage = e.Usage
		}
		if !errors.As(e.Err, &f.seen.Refusal) {
			f.seen.Refusal = &Refusal{Class: ClassServer, Message: "The provider's answer failed."}
		}
	case chat.SignDelta, chat.ExtraDelta, chat.BlockStop, chat.Ping:
	}
}

func (f *follower) said(n int) {
	f.seen.Started = true
	f.seen.OutputBytes += int64(n)
}
