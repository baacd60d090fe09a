package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tollgate/internal/tenant"
	"tollgate/web/page"
)

// filled is a route's path with :id replaced, and whatever else it has by 1.
func filled(path, with string) string {
	path = strings.ReplaceAll(path, ":id", with)
	return regexp.MustCompile(`:[a-z]+`).ReplaceAllString(path, "1")
}

// visit asks for a route as its link or form would. A stream is left as soon as it has begun.
func (b *browser) visit(r page.Route, with string) answer {
	ctx, leave := context.WithTimeout(b.h.t.Context(), 5*time.Second)
	if strings.HasSuffix(r.Path, "/events") || strings.HasSuffix(r.Path, "/tail") {
		leave()
		ctx, leave = context.WithTimeout(b.h.t.Context(), 20*time.Second)
		ctx = context.WithValue(ctx, leaving{}, leave)
	}
	defer leave()
	form := forms()[r.Path]
	if form == nil {
		form = url.Values{}
	}
	return b.do(ctx, r.Method, filled(r.Path, with)+asked()[r.Path], form)
}

func fixtureFor(path string) (fixture, bool) {
	for _, f := range fixtures() {
		if strings.HasPrefix(path, f.under) {
			return f, true
		}
	}
	return fixture{}, false
}

func TestEveryPageHidesOtherOrganizations(t *testing.T) {
	t.Parallel()
	h := build(t)
	a, b := h.organization("a"), h.organization("b")
	seen := 0
	for _, r := range Routes(h.deps) {
		if !strings.Contains(r.Path, ":id") {
			continue
		}
		seen++
		f, ok := fixtureFor(r.Path)
		if !ok {
			t.Errorf("%s %s: no fixture makes its :id", r.Method, r.Path)
			continue
		}
		theirs := f.make(a[tenant.Owner])
		before := h.fingerprint()
		got := b[tenant.Owner].visit(r, theirs)
		none := b[tenant.Owner].visit(r, strings.Repeat("x", 12))
		if got.status != http.StatusNotFound || none.status != http.StatusNotFound {
			t.Errorf("%s %s: another organization's id answers %d, one that is nobody's %d, want 404 twice", r.Method, r.Path, got.status, none.status)
		}
		if strings.Contains(got.body, theirs) && r.Method == http.MethodGet {
			t.Errorf("%s %s: the answer repeats the id", r.Method, r.Path)
		}
		if after := h.fingerprint(); after != before {
			t.Errorf("%s %s: another organization's things were changed", r.Method, r.Path)
		}
	}
	if seen < 15 {
		t.Errorf("only %d pages with an id were visited", seen)
	}
}

func TestEveryPageAsksForALogInAndItsPermission(t *testing.T) {
	t.Parallel()
	h := build(t)
	roles := h.organization("a")
	stranger := &browser{h: h}
	for _, r := range Routes(h.deps) {
		if r.Public {
			continue
		}
		got := stranger.visit(r, "x")
		if got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "/login") {
			t.Errorf("%s %s: a stranger is answered %d, want the way to the log-in", r.Method, r.Path, got.status)
		}
		for role, b := range roles {
			if !role.Can(r.Permission) {
				if got := b.visit(r, "x"); got.status != http.StatusForbidden {
					t.Errorf("%s %s: a %s is answered %d, want 403", r.Method, r.Path, role, got.status)
				}
			} else if r.Method == http.MethodGet {
				if got := b.visit(r, "x"); got.status == http.StatusForbidden || got.status >= 500 {
					t.Errorf("%s %s: a %s is answered %d", r.Method, r.Path, role, got.status)
				}
			}
		}
	}
}

var (
	inline     = regexp.MustCompile(`(?i)\son[a-z]+="|\sstyle="|<style|<script(?:>|\s+>)|javascript:`)
	outside    = regexp.MustCompile(`(?i)(?:src|action)="(?:https?:)?//`)
	broken     = regexp.MustCompile(`%!|TODO|undefined`)
	unfinished = regexp.MustCompile(`%!|(?:^|[^$])\{\{|TODO|undefined`) // "${{ secrets.X }}" is what a client's file wants
)

// spoken reports whether a page shows the language of prompts, whose braces mean something.
func spoken(path string) bool {
	return strings.HasPrefix(path, "/prompts") || strings.HasPrefix(path, "/playground")
}

func TestEveryPageKeepsToTheContentPolicy(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	pages := 0
	for _, r := range Routes(h.deps) {
		if r.Method != http.MethodGet || strings.HasSuffix(r.Path, "/events") || strings.HasSuffix(r.Path, "/tail") {
			continue
		}
		with := ""
		if strings.Contains(r.Path, ":id") {
			f, ok := fixtureFor(r.Path)
			if !ok {
				continue // said by TestEveryPageHidesOtherOrganizations
			}
			with = f.make(owner)
		}
		who := owner
		if r.Public {
			who = &browser{h: h}
		}
		got := who.visit(r, with)
		if got.status == http.StatusSeeOther || strings.HasSuffix(r.Path, "/filter") { // these lead on
			continue
		}
		pages++
		if got.status != http.StatusOK {
			t.Errorf("%s: %d", r.Path, got.status)
		}
		if !strings.Contains(got.header.Get("Content-Security-Policy"), "script-src 'self'") || got.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no content policy or no request id", r.Path)
		}
		if !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
			continue
		}
		for name, pattern := range map[string]*regexp.Regexp{"inline": inline, "from outside": outside, "unfinished": unfinished} {
			if name == "unfinished" && spoken(r.Path) {
				pattern = broken
			}
			if m := pattern.FindString(got.body); m != "" {
				t.Errorf("%s: %s: %q", r.Path, name, m)
			}
		}
	}
	if pages < 12 {
		t.Errorf("only %d pages were looked at", pages)
	}
}

func TestAFormOfAnotherSiteChangesNothing(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	before := h.fingerprint()
	for _, r := range Routes(h.deps) {
		if r.Method != http.MethodPost {
			continue
		}
		with := "x"
		got := owner.post(filled(r.Path, with), forms()[r.Path], "Sec-Fetch-Site", "cross-site")
		if got.status != http.StatusForbidden {
			t.Errorf("POST %s from another site: %d, want 403", r.Path, got.status)
		}
	}
	if h.fingerprint() != before {
		t.Error("a form of another site changed something")
	}
}

func TestChangesAreMadeByPOSTOnly(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	for _, r := range Routes(h.deps) {
		f, ok := fixtureFor(r.Path)
		if r.Method != http.MethodGet || !ok {
			continue
		}
		which := f.make(owner)
		before := h.fingerprint()
		owner.visit(r, which)
		if h.fingerprint() != before {
			t.Errorf("GET %s changed something", r.Path)
		}
	}
}

func TestAPageWithoutAKnownPermissionDoesNotStart(t *testing.T) {
	t.Parallel()
	s := &Server{}
	if err := s.mount(page.GET("/x", "no.such", nil)); err == nil {
		t.Error("a page with an unknown permission was mounted")
	}
	if err := s.mount(page.GET("/x", "", nil)); err == nil {
		t.Error("a page without a permission was mounted")
	}
}

func TestUnknownPathsAreNotFound(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	owner.get("/nothing/here").want(t, http.StatusNotFound).holds(t, "page.not_found", "req_")
	(&browser{h: h}).get("/nothing/here").want(t, http.StatusNotFound).holds(t, `href="/login"`)
}
