package layout

import (
	"cmp"
	"strconv"
	"strings"
	"unicode/utf8"

	"tollgate/web/ui"
)

func statusCode(f Failure) string { return strconv.Itoa(f.Status) + " · " + f.Code }

// initial is the letter that stands for a person.
func initial(p Person) string {
	r, _ := utf8.DecodeRuneInString(cmp.Or(p.Name, p.Email, "?"))
	return strings.ToUpper(string(r))
}

func currentOrg(all []Org) string {
	for _, o := range all {
		if o.Current {
			return o.Name
		}
	}
	return "Choose"
}

func chordKeys(keys string) []string { return strings.Split(keys, " ") }

// otherKeys are the shortcuts that lead to no page: what they do, and the keys.
func otherKeys() []ui.Link {
	return []ui.Link{
		{Text: "Create key", Href: "c k"},
		{Text: "New alias", Href: "c a"},
		{Text: "New prompt", Href: "c p"},
		{Text: "New experiment", Href: "c e"},
		{Text: "Palette (Cmd on a Mac)", Href: "Ctrl K"},
		{Text: "First filter or search field", Href: "/"},
		{Text: "Next, previous row", Href: "j k"},
		{Text: "Open the row", Href: "Enter"},
		{Text: "Copy link", Href: "l"},
		{Text: "Earlier, later period", Href: "[ ]"},
		{Text: "Theme", Href: "t"},
		{Text: "Close", Href: "Esc"},
		{Text: "This list", Href: "?"},
	}
}
