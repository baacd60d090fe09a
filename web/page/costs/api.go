package costs

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"tollgate/internal/rest"
	"tollgate/internal/usage"
	"tollgate/web/page/filter"
)

// api is the call that answers the same rows.
type api struct {
	Path string // with its query
	Curl string
	CSV  string
	JSON string
}

// newAPI writes the call out with instants, so that it gives the same figures later.
func newAPI(a asked, r *http.Request) api {
	values := url.Values{}
	values.Set("group_by", string(a.by))
	if a.then != "" {
		values.Set("group_by", string(a.by)+","+string(a.then))
	}
	values.Set("from", a.Period.From.UTC().Format(time.RFC3339))
	values.Set("to", a.Period.To.UTC().Format(time.RFC3339))
	for _, d := range usage.Dimensions {
		for _, v := range a.Filter[d] {
			values.Add(string(d), filter.Param(v))
		}
	}
	at := filter.At(rest.Prefix+"/costs", values)
	legible := strings.NewReplacer("%3A", ":", "%2C", ",").Replace(at.String()) // both may stand in a query as they are
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return api{
		Path: legible, CSV: at.With("format", "csv").String(), JSON: at.String(),
		Curl: "curl -H \"Authorization: Bearer $TOLLGATE_TOKEN\" \\\n  '" + scheme + "://" + r.Host + legible + "'",
	}
}
