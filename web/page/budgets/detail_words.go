package budgets

import (
	"strings"

	"tollgate/web/ui"
)

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func forecastName(v detailView) string {
	if v.Burn == nil || len(v.Burn.Cone) == 0 {
		return ""
	}
	return "forecast, 80%"
}

// raiseSpans are how long a raise can hold.
func raiseSpans() []ui.Option {
	return []ui.Option{
		{Value: "1h", Text: "1 hour"},
		{Value: "4h", Text: "4 hours"},
		{Value: "24h", Text: "24 hours"},
		{Value: "72h", Text: "3 days"},
		{Value: "168h", Text: "7 days"},
	}
}
