package exchange

import (
	"slices"
	"strings"

	"tollgate/internal/prompt"
)

// mentioned are the prompts that content names in braces, as they stand there, once each.
func mentioned(c prompt.Content) []string {
	var out []string
	add := func(text string) {
		for {
			i := strings.Index(text, "{{")
			if i < 0 {
				return
			}
			text = text[i+2:]
			end := strings.Index(text, "}}")
			if end < 0 {
				return
			}
			inner := strings.TrimSpace(strings.Trim(text[:end], "~"))
			if ref, ok := strings.CutPrefix(inner, ">"); ok {
				if ref = strings.TrimSpace(ref); ref != "" && !slices.Contains(out, ref) {
					out = append(out, ref)
				}
			}
		}
	}
	add(c.Text)
	for _, m := range c.Messages {
		add(m.Text)
	}
	return out
}

// ordered puts prompts behind those that they name. In a ring they stay as they are: saving refuses one of them.
func ordered(in []Found) []Found {
	at := make(map[string]int, len(in))
	for i, f := range in {
		at[f.Name] = i
	}
	out := make([]Found, 0, len(in))
	seen := make([]bool, len(in))
	var visit func(i int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, v := range in[i].Versions {
			for _, ref := range mentioned(v.Content) {
				if said, ok := v.Names[ref]; ok {
					ref = said
				}
				if name, _, _, ok := prompt.ParseRef(ref); ok {
					if j, ok := at[name]; ok {
						visit(j)
					}
				}
			}
		}
		out = append(out, in[i])
	}
	for i := range in {
		visit(i)
	}
	return out
}
