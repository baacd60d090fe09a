// Package start is the checklist of a newcomer: provider, key, first request. The last step turns green by itself.
package start

import (
	"bytes"
	"context"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/client"
	"tollgate/web/ui"
)

// Credentials lists the connected providers.
type Credentials interface {
	List(ctx context.Context, in tenant.Scope) ([]credential.Credential, error)
}

// Keys lists keys.
type Keys interface {
	List(ctx context.Context, in tenant.Scope, f key.Filter, after id.Key, limit int) ([]key.Key, bool, error)
}

// Aliases lists aliases.
type Aliases interface {
	List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, bool, error)
}

// Prices tells context windows.
type Prices interface {
	Book(ctx context.Context) (*price.Book, error)
}

// Calls knows the first call, and hears of new ones.
type Calls interface {
	FirstCall(ctx context.Context, in tenant.Scope) (id.Call, time.Time, bool, error)
	Follow(ctx context.Context, in tenant.Scope, f calllog.Filter, after calllog.Tail) iter.Seq2[calllog.Tailed, error]
}

// Start answers its pages. All fields are required.
type Start struct {
	Credentials Credentials
	Keys        Keys
	Aliases     Aliases
	Prices      Prices
	Calls       Calls
	Vendors     func(id string) (provider.Vendor, bool)
	Gateway     string
}

// view is the checklist.
type view struct {
	Providers []string // names of the connected ones
	Key       *key.Key // the newest usable one
	First     first
	Caller    client.Caller
}

// first is the first call, if there is one.
type first struct {
	Done bool
	ID   string
	At   time.Time
	Now  time.Time
}

func (f first) href() string { return "/requests/" + f.ID }

// ago is said in words where the line may stand for long.
func (f first) ago() string { return ui.AgoText(ui.Clock{Now: f.Now}, f.At) }

func (v view) done() int {
	n := 1 // the sandbox is a provider
	if v.Key != nil {
		n++
	}
	if v.First.Done {
		n++
	}
	return n
}

// stepCount is how many steps there are.
const stepCount = 3

// setup is what stands beside the entry of the nav.
func (v view) setup() string {
	if v.done() == stepCount {
		return ""
	}
	return strconv.Itoa(v.done()) + " of " + strconv.Itoa(stepCount)
}

func (v view) providerStep() ui.StepView {
	s := ui.StepView{
		State: ui.StepDone, Title: "Connect a provider", Text: "The sandbox is always on, for tries. Add your own credentials when you like.",
		Action: ui.Link{Text: "Connect", Href: "/providers"},
	}
	if len(v.Providers) > 0 {
		s.Text = strings.Join(v.Providers, ", ") + " connected. The sandbox is always on."
		s.Action.Text = "Add another"
	}
	return s
}

func (v view) keyStep() ui.StepView {
	if v.Key == nil {
		return ui.StepView{
			State: ui.StepNow, Title: "Create a key", Text: "It says which team and workflow pays. Only the name is asked.",
			Action: ui.Link{Text: "Create key", Href: "/keys/new"},
		}
	}
	return ui.StepView{
		State: ui.StepDone, Title: "Create a key", Text: v.Key.Name + ", " + v.Key.Prefix + "…" + v.Key.Last4,
		Action: ui.Link{Text: "Open keys", Href: "/keys"},
	}
}

func (v view) callStep() ui.StepView {
	s := ui.StepView{Title: "Send the first request", Text: "Your base URL and model are filled in. Nothing else in your code changes."}
	switch {
	case v.First.Done:
		s.State = ui.StepDone
	case v.Key != nil:
		s.State = ui.StepNow
	}
	return s
}

func (v view) snippet() ui.SnippetChoice { return v.Caller.Panel("first-request", "First request") }

// Checklist shows how far the organization is.
func (s Start) Checklist(ctx context.Context, v *page.Visit) (page.Reply, error) {
	view, err := s.view(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	f := layout.Frame{Title: "Get started", Active: layout.GetStarted, Setup: view.setup(), Stream: !view.First.Done}
	return page.Show(f, checklist(view)), nil
}

func (s Start) view(ctx context.Context, v *page.Visit) (view, error) {
	var out view
	in := v.Scope()
	if v.Can(tenant.ReadCredentials) {
		have, err := s.Credentials.List(ctx, in)
		if err != nil {
			return view{}, err
		}
		out.Providers = s.names(have)
	}
	keys, _, err := s.Keys.List(ctx, in, key.Filter{State: key.Usable}, "", 1)
	if err != nil {
		return view{}, err
	}
	if len(keys) > 0 {
		out.Key = &keys[0]
	}
	aliases, _, err := s.Aliases.List(ctx, in, "", "", client.AliasesMax)
	if err != nil {
		return view{}, err
	}
	book, err := s.Prices.Book(ctx)
	if err != nil {
		return view{}, err
	}
	out.Caller = client.New(s.Gateway, out.Key, client.Callable(out.Key, aliases, book, v.Now))
	out.First, err = s.first(ctx, in, v.Now)
	return out, err
}

// names are the connected vendors, each once, in the order of the list.
func (s Start) names(have []credential.Credential) []string {
	var out []string
	seen := map[string]bool{}
	for _, c := range have {
		if seen[c.Provider] {
			continue
		}
		seen[c.Provider] = true
		name := c.Provider
		if vendor, ok := s.Vendors(c.Provider); ok {
			name = vendor.Name
		}
		out = append(out, name)
	}
	return out
}

func (s Start) first(ctx context.Context, in tenant.Scope, now time.Time) (first, error) {
	call, at, ok, err := s.Calls.FirstCall(ctx, in)
	if err != nil || !ok {
		return first{}, err
	}
	if now.Before(at) { // it came while the page was open
		now = at
	}
	return first{Done: true, ID: call.String(), At: at, Now: now}, nil
}

// Events sends the steps again as soon as the first call is in the log, and ends.
func (s Start) Events(_ context.Context, v *page.Visit) (page.Reply, error) {
	in := v.Scope()
	return page.Stream(func(ctx context.Context, send func(event, data string) error) error {
		// Follow names its place before the question is asked, so a call between page and stream is not missed.
		for _, err := range s.Calls.Follow(ctx, in, calllog.Filter{}, 0) {
			if err != nil {
				return err
			}
			now, err := s.view(ctx, v)
			if err != nil {
				return err
			}
			if !now.First.Done {
				if err := send("wait", ""); err != nil {
					return err
				}
				continue
			}
			html, err := text(ctx, steps(now))
			if err != nil {
				return err
			}
			return send("received", html)
		}
		return nil
	}), nil
}

func text(ctx context.Context, c templ.Component) (string, error) {
	var b bytes.Buffer
	err := c.Render(ctx, &b)
	return b.String(), err
}
