// Package layout holds the frames around every page: the door (sign-up, log-in), the shell (nav and bar) and the page
// of an error. A frame asks nothing: it is filled with plain values by whoever knows the request.
package layout

import (
	"strconv"

	"tollgate/web/ui"
)

// CSP is the policy every page works under. Nothing inline, nothing from elsewhere, so it needs no nonce.
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"

// Assets names the URL of a static file; *static.Set does.
type Assets interface{ URL(name string) string }

// Frame is what the shell shows around a page.
type Frame struct {
	Assets Assets
	Title  string // of the document; the page writes its own h1
	Active Nav    // the entry of the nav that is current

	Org   string      // name of the organization
	Orgs  []Org       // the organizations the person can go to; at most one hides the switch
	Teams []ui.Choice // "All teams" and each team, as links to this page for it; empty hides it

	Environments []ui.Choice // the environment filter, as links to this page; empty hides it
	Ranges       []ui.Choice // the date ranges, as links to this page; empty hides it
	Custom       *DateForm   // dates of one's own, below the ranges; nil hides it
	Earlier      string      // this page for the period before; empty hides the link
	Later        string      // this page for the period after; empty: it has not begun

	Bell   Bell
	Person Person
	Setup  string         // beside Get started: "2 of 5"; empty when all is done
	Counts map[Nav]string // beside other entries of the nav: "2" running experiments
	Toasts []ui.Toast
	Stream bool // the page listens to server-sent events

	Scripts []string // of the page alone: names below static/files/js
}

// Org is an organization that the person can go to.
type Org struct {
	ID, Name string
	Current  bool
}

// Bell leads to what happened. An empty Href draws none.
type Bell struct {
	Href   string
	Unread int // notices that nobody of the organization has marked as read
}

// text is how many there are, in two digits at most.
func (b Bell) text() string {
	const most = 99
	if b.Unread > most {
		return "99+"
	}
	return strconv.Itoa(b.Unread)
}

// label is what is read aloud.
func (b Bell) label() string {
	if b.Unread == 0 {
		return "Notices"
	}
	return "Notices, " + b.text() + " unread"
}

// Person is who is logged in.
type Person struct {
	Name, Email, Role string
	LogOut            string // where the log-out form posts to
}

// DateForm asks for a first and a last day. It sends from and to with the rest of the page's state.
type DateForm struct {
	Action   string
	From, To string // 2006-01-02
	Keep     []ui.Param
}

// Nav names an entry of the left nav.
type Nav string

// The pages of the nav.
const (
	Overview    Nav = "overview"
	Costs       Nav = "costs"
	Requests    Nav = "requests"
	Keys        Nav = "keys"
	Aliases     Nav = "aliases"
	Routing     Nav = "routing"
	Experiments Nav = "experiments"
	Prompts     Nav = "prompts"
	Budgets     Nav = "budgets"
	Limits      Nav = "limits"
	Providers   Nav = "providers"
	Models      Nav = "models"
	Alerts      Nav = "alerts"
	Settings    Nav = "settings"
	GetStarted  Nav = "get-started"
)

// page is one line of the nav. Keys is the shortcut that leads there: g, then the letter.
type page struct {
	nav  Nav
	text string
	href string
	icon string
	keys string
}

type group struct {
	title string
	pages []page
}

// groups is the nav. Only pages that exist stand here.
func groups() []group {
	return []group{
		{"Measure", []page{
			{Overview, "Overview", "/overview", "overview", "g o"},
			{Costs, "Costs", "/costs", "costs", "g c"},
			{Requests, "Requests", "/requests", "requests", "g r"},
		}},
		{"Control", []page{
			{Keys, "Keys", "/keys", "key", "g k"},
			{Aliases, "Aliases", "/aliases", "alias", "g a"},
			{Routing, "Routing file", "/routing", "file", "g f"},
			{Experiments, "Experiments", "/experiments", "experiment", "g e"},
			{Prompts, "Prompts", "/prompts", "prompt", "g p"},
			{Budgets, "Budgets", "/budgets", "budget", "g b"},
			{Limits, "Limits", "/limits", "limit", "g l"},
		}},
		{"Supply", []page{
			{Providers, "Providers", "/providers", "provider", "g v"},
			{Models, "Models", "/models", "model", "g m"},
		}},
		{"Operate", []page{
			{Alerts, "Alerts", "/alerts", "alert", "g n"},
			{Settings, "Settings", "/settings", "settings", "g s"},
		}},
	}
}

func foot() page { return page{GetStarted, "Get started", "/get-started", "start", "g t"} }

// Failure is what the page of an error says: what happened, what to do, who can help.
type Failure struct {
	Status    int
	Code      string // the stable code of the API
	Title     string // a sentence; empty takes the one for the status
	Message   string
	RequestID string
	Next      ui.Link   // the one thing to do
	Other     []ui.Link // what else helps
	Moment    string    // in full, with its zone
}

func (f Failure) title() string {
	if f.Title != "" {
		return f.Title
	}
	switch {
	case f.Status == 401:
		return "Log in to see this page"
	case f.Status == 403:
		return "You can’t do this with your role"
	case f.Status == 404:
		return "Nothing is here"
	case f.Status == 429:
		return "Too many requests at once"
	case f.Status < 500:
		return "This can’t be done as asked"
	case f.Status == 503:
		return "Tollgate can’t answer right now"
	default:
		return "Something failed on our side"
	}
}
