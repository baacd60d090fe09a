package budgets

import (
	"encoding/base64"
	"encoding/json"

	"tollgate/internal/budget"
)

// A place in a list travels in the address; one that cannot be read is the beginning.

func readPlace(text string) *budget.Place { return readAt[budget.Place](text) }

func readCall(text string) *budget.CallPlace { return readAt[budget.CallPlace](text) }

func readAt[T any](text string) *T {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) == 0 {
		return nil
	}
	at := new(T)
	if json.Unmarshal(raw, at) != nil {
		return nil
	}
	return at
}

func writePlace(p budget.Place) string { return writeAt(p) }

func writeCall(p budget.CallPlace) string { return writeAt(p) }

func writeAt(p any) string {
	raw, err := json.Marshal(p)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}
