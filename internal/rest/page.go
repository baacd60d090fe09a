package rest

import (
	"encoding/base64"
	"encoding/json"
)

// PageQuery is embedded in the request of every list.
type PageQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items at most"`
	Cursor string `query:"cursor" maxLength:"1024" doc:"next_cursor of the page before; leave it out for the first page"`
}

// Page is the answer of every list: items in a fixed order, and where to go on.
type Page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Absent on the last page"`
}

// PageOf makes a page whose items are never null.
func PageOf[T any](items []T, next string) Page[T] {
	if items == nil {
		items = []T{}
	}
	return Page[T]{Items: items, NextCursor: next}
}

// PageFrom makes a page of found things as the API shows them. more: there are further ones, behind the sort key of the last.
func PageFrom[S, T any](found []S, more bool, to func(S) T, sortKey func(S) any) Page[T] {
	items := make([]T, len(found))
	for i, f := range found {
		items[i] = to(f)
	}
	next := ""
	if more && len(found) > 0 {
		next = EncodeCursor(sortKey(found[len(found)-1]))
	}
	return PageOf(items, next)
}

// EncodeCursor makes an opaque cursor from the sort key of the last item on a page (a small struct or a string).
// A cursor is no secret and no proof: what it names is still read behind the tenant wall.
func EncodeCursor(last any) string {
	b, err := json.Marshal(last)
	if err != nil {
		return "" // plain values always encode
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// DecodeCursor reads what EncodeCursor made into last. An empty cursor leaves last as it is.
func DecodeCursor(cursor string, last any) error {
	if cursor == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return ErrCursor.At("cursor")
	}
	if err := json.Unmarshal(b, last); err != nil {
		return ErrCursor.At("cursor")
	}
	return nil
}
