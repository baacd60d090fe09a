package anthropic

import "strings"

// emptySchema is what a tool without arguments takes.
const emptySchema = `{"type":"object","properties":{}}`

// maxTokensDefault is the output cap for clients that give none: this API demands one. It is what the smallest models allow, so that no
// model refuses it. Room for thinking comes on top.
const maxTokensDefault = 4096

// budgetMin is the smallest thinking budget that the API takes.
const budgetMin = 1024

// generation says which forms of the API a model takes. What is no Claude (vendors that speak this dialect) takes the old ones.
type generation struct {
	thinks   bool // thinking at all
	adaptive bool // thinking of type adaptive with an effort; false: enabled with a budget
	formats  bool // output_config.format and strict tools
}

// generationOf reads a model's name: claude-3-…, claude-<family>-4[-minor][-date], or newer.
func generationOf(model string) generation {
	name := strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	name = strings.NewReplacer(".", "-", "@", "-").Replace(name) // claude-sonnet-4@20250514 on Vertex
	if i := strings.Index(name, "claude"); i > 0 {
		name = name[i:]
	}
	rest, ok := strings.CutPrefix(name, "claude-")
	if !ok {
		return generation{thinks: true}
	}
	if strings.HasPrefix(rest, "3-7") {
		return generation{thinks: true}
	}
	if rest == "" || rest[0] <= '9' || strings.HasPrefix(rest, "instant") { // claude-3-5-haiku, claude-2
		return generation{}
	}
	_, version, _ := strings.Cut(rest, "-")
	major, tail, _ := strings.Cut(version, "-")
	minor, _, _ := strings.Cut(tail, "-")
	if major != "4" {
		return generation{thinks: true, adaptive: true, formats: true} // 5 and later, and names without a number
	}
	switch {
	case minor == "" || minor == "0" || minor == "1" || len(minor) > 2: // claude-sonnet-4-20250514
		return generation{thinks: true}
	case minor == "5":
		return generation{thinks: true, formats: true}
	}
	return generation{thinks: true, adaptive: true, formats: true}
}

// Adaptive reports whether a model takes an effort, and thinks as much as that says; others take a budget in tokens, if they think.
func Adaptive(model string) bool { return generationOf(model).adaptive }
