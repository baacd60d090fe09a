package rest

import (
	"reflect"
	"strings"
)

// Tagged is implemented by an answer that has versions. Tag changes whenever the thing changes in a way that a later PATCH must
// know of: a version number, or the time of the last change. The kit sends it as the ETag.
type Tagged interface{ Tag() string }

// Match is embedded in every PATCH request. The kit refuses the request when the header is missing; the endpoint checks it
// against the thing as it is now.
type Match struct {
	IfMatch string `header:"If-Match" doc:"The ETag that you read; * changes it whatever it is now"`
}

// Check returns ErrStale unless the client read the version that now stands. tag is what Tagged gave for it.
func (m Match) Check(tag string) error {
	if m.Any() {
		return nil
	}
	for part := range strings.SplitSeq(m.IfMatch, ",") {
		if strings.TrimPrefix(strings.TrimSpace(part), "W/") == quoted(tag) {
			return nil
		}
	}
	return ErrStale
}

// Any reports that the client wants its change whatever stands now.
func (m Match) Any() bool { return strings.TrimSpace(m.IfMatch) == "*" }

func (Match) matches() {}

func embedsMatch[In any]() bool {
	_, ok := reflect.Zero(reflect.TypeFor[In]()).Interface().(interface{ matches() })
	return ok
}

func etag(v any) string {
	if t, ok := v.(Tagged); ok {
		return quoted(t.Tag())
	}
	return ""
}

func quoted(tag string) string { return `"` + tag + `"` }
