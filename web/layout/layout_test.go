package layout_test

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"tollgate/internal/golden"
	"tollgate/web/layout"
	"tollgate/web/layout/internal/preview"
	"tollgate/web/static"
	"tollgate/web/ui"
)

// names stand for content URLs, so that a change of a style sheet changes no golden page.
type names struct{}

func (names) URL(name string) string { return "/static/" + name }

func frame(a layout.Assets) layout.Frame {
	return layout.Frame{
		Assets: a, Title: "Components", Active: layout.Costs, Org: "Fernhill",
		Teams:        []ui.Choice{{Text: "All teams", Href: "?", Current: true}, {Text: "Support", Href: "?team=support"}},
		Environments: []ui.Choice{{Text: "All environments", Href: "?", Current: true}, {Text: "production", Href: "?env=production"}},
		Ranges:       []ui.Choice{{Text: "Last 24 hours", Href: "?range=24h"}, {Text: "This month: 1–20 Nov", Href: "?range=month", Current: true}},
		Custom:       &layout.DateForm{Action: "/costs", From: "2026-11-01", To: "2026-11-20", Keep: []ui.Param{{Name: "team", Value: "support"}}},
		Person:       layout.Person{Name: "Ada Byron", Email: "ada@fernhill.example", Role: "owner", LogOut: "/log-out"},
		Setup:        "2 of 5",
		Earlier:      "?from=2026-10-01&to=2026-10-31",
		Later:        "?from=2026-12-01&to=2026-12-31",
		Orgs:         []layout.Org{{ID: "org_1", Name: "Fernhill", Current: true}, {ID: "org_2", Name: "Moor & sons"}},
		Toasts:       []ui.Toast{{Text: "Key growth-ads disabled.", UndoAction: "/keys/key_2/enable"}},
	}
}

func failure() layout.Failure {
	return layout.Failure{
		Status: http.StatusForbidden, Code: "budgets.change_denied", Message: "Changing the limit of Support needs the role admin.",
		RequestID: "req_01kaxr2c9h5t", Next: ui.Link{Text: "Back to budgets", Href: "/budgets"}, Moment: "Fri 20 Nov 2026, 14:02:31.000, Europe/Berlin",
	}
}

func pages(a layout.Assets) map[string]templ.Component {
	return map[string]templ.Component{
		"components.html": preview.Shell(frame(a)),
		"error.html":      layout.Error(frame(a), failure()),
		"error-door.html": layout.ErrorDoor(a, failure()),
		"door.html":       preview.SignUp(a),
	}
}

func render(t *testing.T, c templ.Component) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPages(t *testing.T) {
	t.Parallel()
	for name, page := range pages(names{}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden.Equal(t, name, spread(render(t, page)))
		})
	}
}

// spread puts every block element on a line of its own, so that a difference is one line.
func spread(page []byte) []byte {
	return append(regexp.MustCompile(`>(<(?:/?(?:div|section|ul|ol|li|table|tr|form|nav|main|header|head|body|link|script|svg|symbol|details|dialog|fieldset|dl)[ >]|(?:td|th|p|h1|h2|h3|dt|dd|label|a|button|span|rect|input|pre)[ >]))`).ReplaceAll(page, []byte(">\n$1")), '\n')
}

func TestPagesObeyTheirPolicy(t *testing.T) {
	t.Parallel()
	forbidden := map[string]*regexp.Regexp{
		"a style attribute":     regexp.MustCompile(`<[^>]*\sstyle=`),
		"a style element":       regexp.MustCompile(`<style`),
		"an inline handler":     regexp.MustCompile(`<[^>]*\son[a-z]+=`),
		"an inline script":      regexp.MustCompile(`<script[^>]*>[^<]`),
		"something from abroad": regexp.MustCompile(`(?:src|href)="(?:https?:)?//`),
		"a javascript address":  regexp.MustCompile(`javascript:`),
	}
	for name, page := range pages(names{}) {
		html := render(t, page)
		for what, re := range forbidden {
			if m := re.Find(html); m != nil {
				t.Errorf("%s has %s: %s", name, what, m)
			}
		}
	}
}

func TestEveryAssetIsThere(t *testing.T) {
	t.Parallel()
	set, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	f := frame(set)
	f.Stream = true
	html := render(t, layout.Page(f))
	if m := regexp.MustCompile(`(?:src|href)=""`).Find(html); m != nil {
		t.Errorf("the frame names a file that is not there: %s", m)
	}
	if n := bytes.Count(html, []byte(`"/static/`)); n < 9 {
		t.Errorf("the frame loads %d files, want 9: styles, font, icon, scripts", n)
	}
}

// A page is well formed when every id is there once, every reference leads to one, and every field has a label.
func TestPagesAreWellFormed(t *testing.T) {
	t.Parallel()
	for name, page := range pages(names{}) {
		ids, refs := map[string]int{}, map[string]string{}
		dec := xml.NewDecoder(bytes.NewReader(render(t, page)))
		dec.Strict, dec.AutoClose, dec.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
		depth := 0
		for {
			tok, err := dec.Token()
			if tok == nil {
				if depth != 0 {
					t.Errorf("%s: %v, %d elements open", name, err, depth)
				}
				break
			}
			switch e := tok.(type) {
			case xml.EndElement:
				depth--
			case xml.StartElement:
				depth++
				for _, a := range e.Attr {
					switch a.Name.Local {
					case "id":
						ids[a.Value]++
					case "for", "aria-labelledby", "aria-describedby", "commandfor", "popovertarget":
						for ref := range strings.FieldsSeq(a.Value) {
							refs[ref] = e.Name.Local + " " + a.Name.Local
						}
					case "href":
						if icon, ok := strings.CutPrefix(a.Value, "#i-"); ok {
							refs["i-"+icon] = "icon"
						}
					}
				}
			}
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s: id %q is there %d times", name, id, n)
			}
		}
		for ref, by := range refs {
			if ids[ref] == 0 {
				t.Errorf("%s: %s refers to %q, which is not there", name, by, ref)
			}
		}
	}
}

// TestWritePreview writes the pages for a look at them: PREVIEW_DIR=/tmp/p go test -run WritePreview ./web/layout.
func TestWritePreview(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("PREVIEW_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	set, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	for name, page := range pages(set) {
		if err := os.WriteFile(filepath.Join(dir, name), render(t, page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
