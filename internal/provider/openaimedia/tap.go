package openaimedia

import (
	"tollgate/internal/provider"
	"tollgate/internal/provider/sse"
	"tollgate/internal/provider/wire"
)

// tap watches events that have a type and no end marker: the answer ends with the event that ends says. It withholds from an error on.
type tap struct {
	split sse.Splitter
	ends  func(kind string) bool
	read  func(data []byte, s *provider.Seen) // takes what the last event tells
	seen  provider.Seen
}

func usageSeen(data []byte, s *provider.Seen) {
	if u, ok := usageOf(member(data, "usage"), s); ok {
		s.Usage = u
	}
}

// Feed gives whole events.
func (t *tap) Feed(chunk []byte) []byte {
	whole, err := t.split.Feed(chunk)
	if err != nil {
		t.seen.Refusal = &provider.Refusal{Class: provider.ClassServer, Message: sse.ErrTooLong.Message}
		return nil
	}
	return t.watch(whole)
}

// Close gives an event that lacks its blank line.
func (t *tap) Close() []byte { return t.watch(t.split.Rest()) }

// Seen is what has gone by.
func (t *tap) Seen() provider.Seen { return t.seen }

// watch reads events and gives those to pass on.
func (t *tap) watch(events []byte) []byte {
	if t.seen.Refusal != nil {
		return nil
	}
	at := 0
	for rest := events; len(rest) > 0; {
		var e sse.Event
		e, rest = sse.Next(rest)
		if t.event(e.Data); t.seen.Refusal != nil {
			return events[:at]
		}
		at += len(e.Raw)
	}
	return events
}

func (t *tap) event(data []byte) {
	w := wire.Walk(data)
	kind := ""
	var failure []byte
	for w.Next() {
		switch string(w.Key) {
		case "type":
			kind, _ = wire.String(w.Value())
		case "error":
			failure = w.Value()
		}
	}
	switch {
	case wire.Present(failure) || kind == "error":
		if failure == nil {
			failure = data
		}
		t.seen.Refusal = refusalOf(failure)
	case kind != "":
		t.seen.Started = true
		t.seen.OutputBytes += int64(len(data))
		if t.ends(kind) {
			t.read(data, &t.seen)
			t.seen.Ended = true
		}
	}
}
