package page

import (
	"errors"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/httperr"
)

// Trouble is what is wrong with a posted form: a sentence, and the field it belongs to if it belongs to one.
type Trouble struct{ Field, Message string }

// Wrong reports whether err is something that the person can mend in the form, and what. Its status is the one to answer the form
// with. Everything else is an error page.
func Wrong(err error) (t Trouble, status int, mendable bool) {
	if err == nil {
		return Trouble{}, 0, false
	}
	var f *fault.Error
	if !errors.As(err, &f) {
		return Trouble{}, 0, false
	}
	switch f.Kind {
	case fault.Invalid, fault.Conflict, fault.Stale, fault.RateLimited, fault.Unauthenticated, fault.Upstream, fault.Unavailable, fault.Timeout:
		status, f = httperr.Of(err)
		return Trouble{Field: f.Field, Message: f.Message}, status, true
	default:
		return Trouble{}, 0, false
	}
}

// At is the message, if it belongs to the field or to a part of it (networks.2 belongs to networks).
func (t Trouble) At(field string) string {
	if t.Field == field || strings.HasPrefix(t.Field, field+".") {
		return t.Message
	}
	return ""
}

// Above is the message, if it belongs to none of the fields that the form shows.
func (t Trouble) Above(shown ...string) string {
	for _, field := range shown {
		if t.At(field) != "" {
			return ""
		}
	}
	return t.Message
}

// Words reads a field of many values: separated by commas or white space.
func Words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
}

// Pairs reads a field of key=value pairs, separated by commas or line ends. What has no equals sign is a key with an empty value.
func Pairs(text string) map[string]string {
	out := map[string]string{}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		key, value, _ := strings.Cut(part, "=")
		if key = strings.TrimSpace(key); key != "" {
			out[key] = strings.TrimSpace(value)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
