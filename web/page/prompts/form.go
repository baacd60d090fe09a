package prompts

import (
	"strconv"
	"strings"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
	"tollgate/web/page"
)

// The bounds of a form: those of a version.
const (
	messagesMax   = 200
	variablesMax  = 100
	casesMax      = 50
	assertionsMax = 50 // of one case
)

// form is a prompt as it is typed. The zero ID is one to be made. Numbers and documents stay as they were typed, so that nothing is lost
// when the form is shown again with what is wrong in it.
type form struct {
	ID      id.Prompt
	Title   string // the prompt's name, while a version of it is written
	Version int    // the newest version when it was read
	Kind    prompt.Kind

	Name, Description, Tags string // of a new prompt

	Text      string
	Messages  []formMessage
	Variables []formVariable
	Escape    string

	Alias                        string
	Temperature, TopP, MaxTokens string
	More                         string // the other parameters, an object
	Order                        string // names of the parameters as they were read, separated by commas
	Tools, Schema, Config        string
	Refs                         string // what the text's references mean, as it was read
	Cases                        []formCase

	Message  string
	Labels   []string // checked
	NewLabel string

	Notes    []string // what of a logged call has no place in a prompt
	Trouble  page.Trouble
	Verdict  *verdict // what Check found; nil: it was not asked
	Conflict *conflict
	Offered  offered
}

// formMessage is one message, or the place of messages that the call sends.
type formMessage struct {
	Role, Text string
	Place      bool
	Name       string // of a place
}

func (m formMessage) empty() bool { return !m.Place && strings.TrimSpace(m.Text) == "" }

// formVariable declares a variable. Sample is what the preview puts in for it; it is not saved.
type formVariable struct {
	Name, Kind string
	Required   bool
	Default    string
	Values     string // of an enum, separated by commas
	Max        string
	About      string
	Sample     string
}

func (v formVariable) empty() bool { return v.Name == "" && v.Default == "" && v.About == "" }

// formCase is a test of the version.
type formCase struct {
	Name      string
	Variables string // a JSON object
	Assert    []formAssertion
}

func (c formCase) empty() bool {
	return c.Name == "" && strings.TrimSpace(c.Variables) == "" && len(c.Assert) == 0
}

type formAssertion struct{ Kind, Value string }

func (f form) editing() bool { return f.ID != "" }

func (f form) action() string {
	if f.editing() {
		return href(f.ID) + "/edit"
	}
	return Path
}

func (f form) back() string {
	if f.editing() {
		return href(f.ID)
	}
	return Path
}

// read is the form as it was posted. Browsers send lines that end in CR LF.
func read(v *page.Visit) form {
	version, err := strconv.Atoi(v.Form("version"))
	if err != nil {
		version = 0
	}
	typed := func(name string) string { return strings.TrimSpace(v.Form(name)) }
	f := form{
		ID: id.Prompt(v.Form("prompt")), Title: v.Form("title"), Version: version, Kind: prompt.Kind(v.Form("kind")),
		Name: typed("name"), Description: typed("description"), Tags: typed("tags"),
		Text: lines(v.Form("text")), Escape: v.Form("escape"), Alias: typed("alias"),
		Temperature: typed("temperature"), TopP: typed("top_p"), MaxTokens: typed("max_tokens"), More: typed("parameters"), Order: v.Form("order"),
		Tools: typed("tools"), Schema: typed("schema"), Config: typed("config"), Refs: v.Form("refs"),
		Message: typed("message"), Labels: v.HTTP.PostForm["label"], NewLabel: typed("new_label"),
	}
	for i := range messagesMax {
		n := strconv.Itoa(i)
		switch {
		case posted(v, "place-"+n):
			f.Messages = append(f.Messages, formMessage{Place: true, Name: typed("place-" + n)})
		case posted(v, "role-"+n):
			f.Messages = append(f.Messages, formMessage{Role: v.Form("role-" + n), Text: lines(v.Form("text-" + n))})
		}
	}
	for i := range variablesMax {
		n := strconv.Itoa(i)
		if !posted(v, "v-name-"+n) {
			continue
		}
		f.Variables = append(f.Variables, formVariable{
			Name: typed("v-name-" + n), Kind: v.Form("v-kind-" + n), Required: v.Form("v-required-"+n) != "", Default: lines(v.Form("v-default-" + n)),
			Values: typed("v-values-" + n), Max: typed("v-max-" + n), About: typed("v-about-" + n), Sample: lines(v.Form("v-sample-" + n)),
		})
	}
	f.Cases = readCases(v)
	return f
}

func readCases(v *page.Visit) []formCase {
	var out []formCase
	for i := range casesMax {
		n := strconv.Itoa(i)
		if !posted(v, "c-name-"+n) {
			continue
		}
		c := formCase{Name: strings.TrimSpace(v.Form("c-name-" + n)), Variables: lines(v.Form("c-variables-" + n))}
		for j := range assertionsMax {
			m := n + "-" + strconv.Itoa(j)
			if posted(v, "a-kind-"+m) {
				c.Assert = append(c.Assert, formAssertion{Kind: v.Form("a-kind-" + m), Value: lines(v.Form("a-value-" + m))})
			}
		}
		out = append(out, c)
	}
	return out
}

func posted(v *page.Visit, name string) bool {
	_, ok := v.HTTP.PostForm[name]
	return ok
}

func lines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// press carries out a button of the rows: m.add, m.place, m.up-2, v.add, v.drop-1, c.add, c0.add, c0.drop-1, kind.chat; and declare.NAME,
// which declares a variable that the text holds, or declare for all of them. It reports whether it was one.
func (f *form) press(button string) bool {
	list, word, _ := strings.Cut(button, ".")
	switch list {
	case "m":
		if word == "place" {
			return press(&f.Messages, "add", messagesMax, formMessage{Place: true, Name: "history"})
		}
		return press(&f.Messages, word, messagesMax, formMessage{Role: nextRole(f.Messages)})
	case "v":
		return press(&f.Variables, word, variablesMax, formVariable{Kind: string(template.String), Required: true})
	case "c":
		return press(&f.Cases, word, casesMax, formCase{Assert: []formAssertion{{Kind: prompt.Contains}}})
	case "case":
		f.keepSamples()
		return true
	case "kind":
		f.turn(prompt.Kind(word))
		return true
	case "declare":
		f.declare(word)
		return true
	}
	i, err := strconv.Atoi(strings.TrimPrefix(list, "c"))
	if !strings.HasPrefix(list, "c") || err != nil || i < 0 || i >= len(f.Cases) {
		return false
	}
	return press(&f.Cases[i].Assert, word, assertionsMax, formAssertion{Kind: prompt.Contains})
}

// nextRole is the role that a further message most likely has.
func nextRole(had []formMessage) string {
	for i := len(had) - 1; i >= 0; i-- {
		switch had[i].Role {
		case "user":
			return "assistant"
		case "system", "developer", "assistant":
			return "user"
		}
	}
	if len(had) > 0 {
		return "user"
	}
	return "system"
}

// turn makes a text prompt of messages, or the other way round; only a new prompt can be turned.
func (f *form) turn(to prompt.Kind) {
	if f.editing() || to == f.Kind {
		return
	}
	if to == prompt.Chat {
		if f.Messages = append(f.Messages, formMessage{Role: "system", Text: f.Text}); f.Text == "" {
			f.Messages = append(f.Messages, formMessage{Role: "user"})
		}
		f.Kind, f.Text = prompt.Chat, ""
		return
	}
	var texts []string
	for _, m := range f.Messages {
		if !m.Place && m.Text != "" {
			texts = append(texts, m.Text)
		}
	}
	f.Kind, f.Text, f.Messages = prompt.Text, strings.Join(texts, "\n\n"), nil
}

// press carries out one button of a list.
func press[T any](rows *[]T, button string, most int, fresh T) bool {
	word, n, _ := strings.Cut(button, "-")
	i, err := strconv.Atoi(n)
	list := *rows
	inside := err == nil && i >= 0 && i < len(list)
	switch {
	case word == "add":
		if len(list) < most {
			*rows = append(list, fresh)
		}
	case word == "up" && inside && i > 0:
		list[i-1], list[i] = list[i], list[i-1]
	case word == "down" && inside && i < len(list)-1:
		list[i+1], list[i] = list[i], list[i+1]
	case word == "drop" && inside:
		*rows = append(list[:i:i], list[i+1:]...)
	default:
		return false
	}
	return true
}
