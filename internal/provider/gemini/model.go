package gemini

import (
	"strconv"
	"strings"
)

// generation says which forms of the API a model takes.
type generation struct {
	major, minor int  // 2, 5; 0: the name has no number
	pro, lite    bool // size
	thinks       bool // thinkingConfig at all
	levels       bool // thinkingLevel; false: thinkingBudget
	schemas      bool // JSON Schema as it is; false: Google's own subset
	images       bool // functionResponse may hold images
	system       bool // systemInstruction; false: instructions stand in the first turn
}

// generationOf reads a model's name: gemini-<major>[.<minor>]-<size>…, gemini-<size>-latest, gemma-…. Of what is not known (tuned
// models, endpoints) only what all models can is assumed, and JSON Schema, which the API reads for them.
func generationOf(model string) generation {
	name := strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	g := generation{
		pro: strings.Contains(name, "-pro"), lite: strings.Contains(name, "-lite"),
		schemas: true, system: !strings.HasPrefix(name, "gemma-3") && !strings.HasPrefix(name, "gemma-2"),
	}
	rest, ok := strings.CutPrefix(name, "gemini-")
	if !ok {
		return g
	}
	number, _, _ := strings.Cut(rest, "-")
	major, minor, _ := strings.Cut(number, ".")
	g.major, _ = strconv.Atoi(major)
	g.minor, _ = strconv.Atoi(minor)
	switch {
	case g.major > 100: // a date
		g.major, g.minor = 0, 0
	case g.major == 0 && strings.HasSuffix(name, "-latest"):
		g.major = 3
	case g.major == 0 && (name == "gemini-pro" || strings.HasPrefix(name, "gemini-pro-vision")):
		g.major = 1
	}
	speaks := strings.Contains(name, "-tts") || strings.Contains(name, "native-audio")
	draws := strings.Contains(name, "-image")
	g.levels = g.major >= 3
	g.thinks = (g.levels || (g.major == 2 && g.minor >= 5 && !draws)) && !speaks
	g.images = g.levels
	g.schemas = g.major != 1 && (g.major != 2 || g.minor >= 5)
	return g
}
