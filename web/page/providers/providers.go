// Package providers holds the pages of provider credentials: what is connected, what can be, and the forms to connect, test, replace
// and remove a secret. A secret is written and never shown again.
package providers

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// Service manages credentials; *credential.Service does.
type Service interface {
	List(ctx context.Context, in tenant.Scope) ([]credential.Credential, error)
	Credential(ctx context.Context, in tenant.Scope, which id.Credential) (credential.Credential, error)
	Connect(ctx context.Context, in tenant.Scope, n credential.New) (credential.Credential, error)
	Test(ctx context.Context, in tenant.Scope, n credential.New) (credential.Result, error)
	TestStored(ctx context.Context, in tenant.Scope, which id.Credential) (credential.Result, error)
	Update(ctx context.Context, in tenant.Scope, which id.Credential, ch credential.Change, check func(credential.Credential) error) (credential.Credential, error)
	Delete(ctx context.Context, in tenant.Scope, which id.Credential) error
}

var _ Service = (*credential.Service)(nil)

// Usage tells what providers cost.
type Usage interface {
	Costs(ctx context.Context, in tenant.Scope, q usage.Query) (usage.Costs, error)
}

// Providers answers its pages. All fields are required.
type Providers struct {
	Credentials Service
	Usage       Usage
	Vendors     []provider.Vendor
}

// sandbox is the base URL of the built-in provider.
const sandbox = "sandbox:"

func (p Providers) vendor(which string) (provider.Vendor, bool) {
	for _, v := range p.Vendors {
		if v.ID == which {
			return v, true
		}
	}
	return provider.Vendor{}, false
}

func path(which id.Credential) string { return "/providers/" + url.PathEscape(string(which)) }

type listView struct {
	Groups   []group
	Catalog  []tile
	More     int // vendors that the search finds, or that there are, beside those tiles
	Text     string
	CanWrite bool
	Trouble  string
	Clock    ui.Clock
}

// group is a connected vendor with its credentials and its last 30 days.
type group struct {
	ID, Name    string
	Credentials []credential.Credential
	Month       usage.Row
	Sandbox     bool
	Local       bool
}

// tile is a vendor that can be connected.
type tile struct {
	ID, Name, Detail string
}

// List shows what is connected, and what can be. ?q= searches the latter.
func (p Providers) List(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in := v.Scope()
	have, err := p.Credentials.List(ctx, in)
	if err != nil {
		return page.Reply{}, err
	}
	month, err := p.Usage.Costs(ctx, in, usage.Query{From: v.Now.AddDate(0, 0, -30), To: v.Now, GroupBy: []usage.Dimension{usage.Provider}})
	if err != nil {
		return page.Reply{}, err
	}
	view := listView{Text: strings.TrimSpace(v.Query("q")), CanWrite: v.Can(tenant.WriteCredentials), Clock: ui.Clock{Now: v.Now}}
	for _, vendor := range p.Vendors {
		g := group{ID: vendor.ID, Name: vendor.Name, Sandbox: vendor.BaseURL == sandbox, Local: vendor.Local}
		for _, c := range have {
			if c.Provider == vendor.ID {
				g.Credentials = append(g.Credentials, c)
			}
		}
		for _, r := range month.Rows {
			if r.Values[usage.Provider] == vendor.ID {
				g.Month = r
			}
		}
		if len(g.Credentials) > 0 || g.Sandbox {
			view.Groups = append(view.Groups, g)
		}
	}
	view.Catalog, view.More = p.offered(view.Text)
	return page.Show(layout.Frame{Title: "Providers", Active: layout.Providers, Toasts: done(v)}, list(view)), nil
}

// tilesMost bounds the tiles of the list; the catalogue page has all vendors.
const tilesMost = 24

// offered are the tiles: what a search finds, or without one what most people look for. more is how many there are beside them.
func (p Providers) offered(text string) (tiles []tile, more int) {
	found := catalog.Find(p.Vendors, catalog.Filter{Text: text})
	found = slices.DeleteFunc(found, func(v provider.Vendor) bool { return v.BaseURL == sandbox })
	all := len(found)
	if text == "" {
		found = p.known()
	}
	for _, v := range found[:min(len(found), tilesMost)] {
		tiles = append(tiles, tile{v.ID, v.Name, detail(v)})
	}
	return tiles, all - len(tiles)
}

// known are the vendors that most people look for, in this order.
func (p Providers) known() []provider.Vendor {
	var out []provider.Vendor
	for _, which := range []string{
		"openai", "anthropic", "google-gemini", "azure-openai", "bedrock", "vertex", "mistral", "cohere", "groq", "deepseek", "xai",
		"moonshotai", "alibaba", "openrouter", "together", "fireworks", "huggingface", "ollama", "vllm", "custom", "custom-anthropic",
	} {
		if v, ok := p.vendor(which); ok {
			out = append(out, v)
		}
	}
	return out
}

// detail is the small line of a tile.
func detail(v provider.Vendor) string {
	switch {
	case v.BaseURL == "":
		return "any base URL"
	case v.Local:
		return "on your own machine"
	default:
		return host(v.BaseURL)
	}
}

// host of an address, with dots for what a setting fills in.
func host(base string) string {
	_, rest, _ := strings.Cut(base, "://")
	name, _, _ := strings.Cut(rest, "/")
	for {
		before, after, ok := strings.Cut(name, "{")
		if !ok {
			return name
		}
		_, after, _ = strings.Cut(after, "}")
		name = before + "…" + after
	}
}

// verdict is what the last test found, as a shape and a word.
func verdict(c credential.Credential) (ui.State, string) {
	switch credential.Verdict(c.LastCheck) {
	case credential.OK:
		return ui.Fine, "Works"
	case credential.Limited:
		return ui.Soon, "At its limit"
	case credential.Rejected:
		return ui.Act, "Rejected"
	case credential.Unreachable:
		return ui.Act, "Unreachable"
	case credential.Blocked:
		return ui.Act, "Blocked"
	case credential.Unexpected, credential.Failing:
		return ui.Soon, "Failing"
	case credential.Untestable:
		return ui.Idle, "Not testable"
	default:
		return ui.Idle, "Not tested"
	}
}

func hint(c credential.Credential) string {
	if c.Hint == "" {
		return "no secret"
	}
	return "••••" + c.Hint
}

// result is what a test found, as a callout.
type result struct {
	Tone ui.Tone
	Text string
}

func resultOf(r credential.Result) result {
	out := result{ui.Bad, r.Message}
	switch r.Verdict {
	case credential.OK:
		out.Tone = ui.OK
	case credential.Limited, credential.Unexpected, credential.Failing:
		out.Tone = ui.Warn
	case credential.Untestable:
		out.Tone = ui.Info
	case credential.Rejected, credential.Unreachable, credential.Blocked:
	}
	if r.Took > 0 && r.Status > 0 {
		out.Text += " (" + ui.CountText(int64(r.Status)) + " after " + ui.SpanText(r.Took.Round(time.Millisecond)) + ")"
	}
	return out
}

// done is the notice after a change, by the word that the redirect carries.
func done(v *page.Visit) []ui.Toast {
	switch v.Query("done") {
	case "connected":
		return []ui.Toast{{Text: "Connected. Calls can use it within a second."}}
	case "saved":
		return []ui.Toast{{Text: "Saved. In force everywhere within a second."}}
	case "default":
		return []ui.Toast{{Text: "It is the default now."}}
	case "deleted":
		return []ui.Toast{{Text: "Credential deleted, with its secret."}}
	default:
		return nil
	}
}
