package playground

import (
	"strings"

	"tollgate/internal/playground"
)

func lines(list []string) string { return strings.Join(list, "\n") }

// served is who answered.
func served(a *playground.Answer) string {
	switch {
	case a.Model == "":
		return "no provider was asked"
	case a.Prompt != "":
		return a.Provider + "/" + a.Model + " · prompt " + a.Prompt
	}
	return a.Provider + "/" + a.Model
}

// placeholder is what an empty model means.
func placeholder(c columnView) string {
	if c.chosen.Content.Alias != "" {
		return c.chosen.Content.Alias
	}
	return "alias or provider/model"
}
