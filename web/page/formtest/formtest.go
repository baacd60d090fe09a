// Package formtest reads what a browser without scripts would post of a rendered form. It is for tests.
package formtest

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var (
	control   = regexp.MustCompile(`(?s)<input\b[^>]*>|<select\b[^>]*>.*?</select>|<textarea\b[^>]*>.*?</textarea>`)
	attribute = regexp.MustCompile(`([a-z-]+)(?:="([^"]*)")?`)
	option    = regexp.MustCompile(`<option\b([^>]*)>`)
)

// Values are the fields of a page's forms: typed values, checked boxes and chosen options.
func Values(t testing.TB, page []byte) url.Values {
	t.Helper()
	out := url.Values{}
	for _, c := range control.FindAllString(string(page), -1) {
		head, rest, _ := strings.Cut(c, ">")
		a := attributes(head)
		name := a["name"]
		if name == "" {
			continue
		}
		switch {
		case strings.HasPrefix(c, "<select"):
			out.Add(name, chosen(rest))
		case strings.HasPrefix(c, "<textarea"):
			// Browsers leave out one line end right behind the tag.
			out.Add(name, strings.TrimPrefix(html.UnescapeString(strings.TrimSuffix(rest, "</textarea>")), "\n"))
		case a["type"] == "radio" || a["type"] == "checkbox":
			if _, checked := a["checked"]; checked {
				out.Add(name, a["value"])
			}
		default:
			out.Add(name, a["value"])
		}
	}
	if len(out) == 0 {
		t.Fatal("the page has no form")
	}
	return out
}

func attributes(tag string) map[string]string {
	out := map[string]string{}
	_, list, _ := strings.Cut(tag, " ")
	for _, m := range attribute.FindAllStringSubmatch(list, -1) {
		out[m[1]] = html.UnescapeString(m[2])
	}
	return out
}

// chosen is the value of the selected option, or of the first.
func chosen(options string) string {
	first, found := "", false
	for _, m := range option.FindAllStringSubmatch(options, -1) {
		a := attributes("option " + m[1])
		if !found {
			first, found = a["value"], true
		}
		if _, selected := a["selected"]; selected {
			return a["value"]
		}
	}
	return first
}
