// Package page is how pages of the dashboard are declared and answered.
//
// A page is a Func: it asks services, and answers with a Reply. Method, path and permission stand on one line in web/routes.go. Pages
// render to a buffer first, so that an error page is still possible; state changes only by POST, and a POST answers with a redirect or
// with the form and what is wrong in it.
package page

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/a-h/templ"

	"tollgate/internal/account"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
)

// Visit is one request for a page.
type Visit struct {
	HTTP    *http.Request
	ID      string        // request id, shown on error pages
	Login   account.Login // who is signed in; the zero Login on public pages
	Visitor account.Visitor
	Now     time.Time

	params func(name string) string
	form   url.Values
}

// Scope is the organization that the page is about. The zero Scope on public pages.
func (v *Visit) Scope() tenant.Scope { return v.Login.Scope }

// Param is a path parameter.
func (v *Visit) Param(name string) string { return v.params(name) }

// Query is one value of the query string.
func (v *Visit) Query(name string) string { return v.HTTP.URL.Query().Get(name) }

// Form is one value of a posted form.
func (v *Visit) Form(name string) string { return v.form.Get(name) }

// Can reports whether the visitor's role holds a permission, to leave out what would be refused.
func (v *Visit) Can(p tenant.Permission) bool { return v.Login.Scope.Role().Can(p) }

// Partial reports whether htmx asks for a part of the page.
func (v *Visit) Partial() bool {
	return v.HTTP.Header.Get("HX-Request") == "true" && v.HTTP.Header.Get("HX-Boosted") != "true"
}

// NewVisit is for the server in package web, and for tests of pages.
func NewVisit(r *http.Request, login account.Login, from account.Visitor, now time.Time, requestID string, params func(string) string) *Visit {
	return &Visit{HTTP: r, ID: requestID, Login: login, Visitor: from, Now: now, params: params, form: r.PostForm}
}

// Func answers one page. Errors become error pages by their fault.
type Func func(ctx context.Context, v *Visit) (Reply, error)

// Route is one page.
type Route struct {
	Method, Path string
	Permission   tenant.Permission // empty only for Public
	Public       bool              // answers without a login
	Do           Func
}

// GET declares a page that is read.
func GET(path string, p tenant.Permission, do Func) Route {
	return Route{Method: http.MethodGet, Path: path, Permission: p, Do: do}
}

// POST declares what a form does.
func POST(path string, p tenant.Permission, do Func) Route {
	return Route{Method: http.MethodPost, Path: path, Permission: p, Do: do}
}

// PublicGET declares a page for people who are not signed in.
func PublicGET(path string, do Func) Route {
	return Route{Method: http.MethodGet, Path: path, Public: true, Do: do}
}

// PublicPOST declares a form for people who are not signed in.
func PublicPOST(path string, do Func) Route {
	return Route{Method: http.MethodPost, Path: path, Public: true, Do: do}
}

// Reply is what a Func answers. Make one with Show, Door, Part, See or Stream.
type Reply struct {
	Status int             // 0: 200, or 303 for See
	Frame  layout.Frame    // Framed: title, current entry, filters of the bar; the server fills in the rest
	Title  string          // AtDoor: of the window
	Aside  templ.Component // AtDoor: beside the form; nil for none
	Body   templ.Component
	Kind   Kind
	To     string                    // See
	Before func(http.ResponseWriter) // sets headers and cookies
	Events func(ctx context.Context, send func(event, data string) error) error
}

// Kind says which fields of a Reply are set.
type Kind uint8

// The kinds.
const (
	Framed Kind = iota // Body inside the dashboard's frame
	AtDoor             // Body inside the frame of sign-up and log-in
	Bare               // Body alone, for htmx
	Go                 // redirect
	Live               // server-sent events
)

// Show is a page inside the dashboard's frame. Fill of f what is the page's own: Title, Active, and the filters of the bar if it has
// any; assets, organization and person come from the server.
func Show(f layout.Frame, body templ.Component) Reply {
	return Reply{Kind: Framed, Frame: f, Body: body}
}

// Door is a page for people who are not signed in.
func Door(title string, body, aside templ.Component) Reply {
	return Reply{Kind: AtDoor, Title: title, Body: body, Aside: aside}
}

// Part is a fragment for htmx.
func Part(body templ.Component) Reply { return Reply{Kind: Bare, Body: body} }

// See sends the browser on after a POST.
func See(to string) Reply { return Reply{Kind: Go, To: to} }

// Stream is server-sent events until events returns or the browser leaves.
func Stream(events func(ctx context.Context, send func(event, data string) error) error) Reply {
	return Reply{Kind: Live, Events: events}
}

// As returns the reply with another status, for a form with errors in it.
func (r Reply) As(status int) Reply {
	r.Status = status
	return r
}

// With returns the reply with headers or cookies set by f.
func (r Reply) With(f func(http.ResponseWriter)) Reply {
	r.Before = f
	return r
}

// Next is the path that a log-in may lead to: one of our own, never another site.
func Next(path string) string {
	// Browsers read a backslash as a slash and leave tabs and line ends out: "/\t/other.site" is another site.
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, `\`) || strings.ContainsFunc(path, unicode.IsControl) {
		return "/"
	}
	return path
}
