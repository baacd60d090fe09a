package gemini

import "tollgate/internal/chat"

type outThinking struct {
	Budget   *int64 `json:"thinkingBudget,omitempty"`
	Level    string `json:"thinkingLevel,omitempty"`
	Thoughts bool   `json:"includeThoughts,omitempty"`
}

// thinking is what was asked for in the form that the model takes; nil where nothing is said. Models that do not think are not told
// to: it is an offer. Models that cannot help thinking are asked for the least. A client of this dialect chose its form for the model.
func thinking(o *chat.ReasoningOptions, g generation, own bool) *outThinking {
	if o == nil || !g.thinks {
		return nil
	}
	if g.levels && (!own || o.Budget == 0) {
		return &outThinking{Level: level(o, g), Thoughts: !o.Off()}
	}
	budget := int64(-1) // the model decides
	switch {
	case o.Off():
		budget = 0
		if g.pro {
			budget = 128
		}
	case o.Budget > 0 || o.Effort != "":
		lowest, highest := int64(1), int64(24576)
		switch {
		case g.pro:
			lowest, highest = 128, 32768
		case g.lite:
			lowest = 512
		}
		budget = min(max(o.Tokens(), lowest), highest)
	}
	return &outThinking{Budget: &budget, Thoughts: !o.Off()}
}

// level is the word of Gemini 3; "" where the model decides. Its pro models know neither minimal nor, before 3.1, medium.
func level(o *chat.ReasoningOptions, g generation) string {
	least := "minimal"
	if g.pro {
		least = "low"
	}
	if o.Off() {
		return least
	}
	switch w := o.Word(); w {
	case "minimal":
		return least
	case "low":
		return "low"
	case "medium":
		if g.pro && g.major == 3 && g.minor == 0 {
			return "high"
		}
		return "medium"
	case "":
		return ""
	}
	return "high"
}
