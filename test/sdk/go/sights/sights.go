// Package sights is what the programs of all Go clients share: the plan on standard input, and one JSON line a step on standard output. A step
// is a function of a model and of the text to say; it returns what the application saw. An error that it returns is seen, too.
package sights

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Plan is what the test wants.
type Plan struct {
	Client string              `json:"client"`
	Base   string              `json:"base"`
	Key    string              `json:"key"`
	System string              `json:"system"`
	Models map[string][]string `json:"models"`
	Asks   map[string]string   `json:"asks"`
	Texts  []string            `json:"texts"`
	Image  []byte              `json:"image"`
}

// Read takes the plan from standard input.
func Read() Plan {
	var p Plan
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		fmt.Fprintln(os.Stderr, "no plan:", err)
		os.Exit(1)
	}
	return p
}

// Sight is what the application saw.
type Sight map[string]any

// Step is one step.
type Step func(model, text string) (Sight, error)

// Steps runs the steps of a surface for each model that the plan has for it.
func (p Plan) Steps(face string, steps map[string]Step) {
	for _, model := range p.Models[face] {
		for _, name := range slices.Sorted(maps.Keys(steps)) {
			ref := strings.Join([]string{p.Client, face, model, name}, ".")
			saw, err := steps[name](model, p.Asks[strings.TrimSuffix(name, "-stream")]+" ref="+ref)
			if err != nil {
				saw = Sight{"raised": err.Error()}
			}
			_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"face": face, "model": model, "step": name, "ref": ref, "saw": saw})
		}
	}
}

// Refused is the error that an application finds with errors.As.
func Refused(class string, status int, answer *http.Response, message string) Sight {
	call := ""
	if answer != nil {
		call = answer.Header.Get("x-tollgate-call-id")
	}
	return Sight{"error": map[string]any{"class": class, "status": status, "call": call, "message": message}}
}

// Broken is an error without a type of the SDK: its text is all that the application has.
func Broken(err error) Sight {
	call := regexp.MustCompile(`call_\w+`).FindString(err.Error())
	return Sight{"error": map[string]any{"class": "error", "status": 0, "call": call, "message": err.Error()}}
}

// Place is what the tool takes.
type Place struct {
	SKU   string `json:"sku"`
	Depot string `json:"depot"`
}

// Stock counts what is in stock.
func Stock(args string) (string, Place, error) {
	var at Place
	err := json.Unmarshal([]byte(args), &at)
	return fmt.Sprintf("%d of %s in %s", len(at.Depot), at.SKU, at.Depot), at, err
}

// Schema is the tool's.
func Schema() map[string]any {
	text := map[string]any{"type": "string"}
	return map[string]any{
		"type": "object", "properties": map[string]any{"sku": text, "depot": text}, "required": []string{"sku", "depot"}, "additionalProperties": false,
	}
}

// Ticket is the schema of the structured answer.
func Ticket() map[string]any {
	return map[string]any{
		"type": "object",
		"properties": map[string]any{
			"sku": map[string]any{"type": "string"}, "count": map[string]any{"type": "integer"}, "urgent": map[string]any{"type": "boolean"},
		},
		"required": []string{"sku", "count", "urgent"}, "additionalProperties": false,
	}
}
