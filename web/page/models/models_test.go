package models

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/credential"
	"tollgate/internal/golden"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/pagetest"
)

// prices is a store of one organization.
type prices struct {
	list []price.Record
	own  []price.Override
	set  []price.NewOverride
	end  []id.PriceRecord
	fail error
}

func (p *prices) Book(context.Context) (*price.Book, error) { return price.NewBook(p.list), nil }

func (p *prices) Overrides(context.Context, tenant.Scope) ([]price.Override, error) {
	return p.own, nil
}

func (p *prices) Override(_ context.Context, _ tenant.Scope, n price.NewOverride) (price.Override, error) {
	p.set = append(p.set, n)
	return price.Override{}, p.fail
}

func (p *prices) RemoveOverride(_ context.Context, _ tenant.Scope, which id.PriceRecord) error {
	p.end = append(p.end, which)
	return p.fail
}

type credentials []credential.Credential

func (c credentials) List(context.Context, tenant.Scope) ([]credential.Credential, error) {
	return c, nil
}

func usd(perMillion string) money.Price {
	p, err := money.ParsePerMillion(perMillion)
	if err != nil {
		panic(err)
	}
	return p
}

func sample() (Models, *prices) {
	long := price.Rates{}.Set(chat.Input, usd("6")).Set(chat.Output, usd("22.5"))
	p := &prices{
		list: []price.Record{
			{
				ID: "price_claude", Provider: "anthropic", Model: "claude-sonnet", ContextWindow: 1_000_000, MaxOutput: 64_000, Input: price.Text | price.Image | price.PDF, Output: price.Text, Source: "litellm",
				Rates: price.Rates{}.Set(chat.Input, usd("3")).Set(chat.CacheRead, usd("0.3")).Set(chat.CacheWrite5m, usd("3.75")).Set(chat.Output, usd("15")).Set(chat.WebSearch, usd("10000")),
				Tiers: []price.Tier{{AboveInput: 200_000, Rates: long}}, From: pagetest.Now().AddDate(0, -2, 0),
			},
			{ID: "price_4o", Provider: "openai", Model: "gpt-4o", ContextWindow: 128_000, Rates: price.Rates{}.Set(chat.Input, usd("2.5")).Set(chat.Output, usd("10")), Source: "litellm"},
			{ID: "price_img", Provider: "openai", Model: "gpt-image", Output: price.Image, Rates: price.Rates{}.Set(chat.Images, usd("40000")), Source: "litellm"},
			{ID: "price_any", Provider: "sandbox", Model: price.AnyModel, Rates: price.Rates{}.Set(chat.Input, 0).Set(chat.Output, 0), Source: "tollgate"},
		},
		own: []price.Override{
			{Record: price.Record{ID: "price_old", Provider: "openai", Model: "gpt-4o", Rates: price.Rates{}.Set(chat.Input, usd("2.4")), Source: override, From: pagetest.Now().AddDate(0, -3, 0), To: pagetest.Now().AddDate(0, -1, 0)}},
			{Record: price.Record{ID: "price_own", Provider: "openai", Model: "gpt-4o", Rates: price.Rates{}.Set(chat.Input, usd("2.25")).Set(chat.Output, usd("9")), Source: override, From: pagetest.Now().AddDate(0, -1, 0)}},
		},
	}
	m := Models{Prices: p, Credentials: credentials{{Provider: "openai"}}, Vendors: []provider.Vendor{
		{ID: "anthropic", Name: "Anthropic"}, {ID: "openai", Name: "OpenAI"}, {ID: "sandbox", Name: "Sandbox", BaseURL: "sandbox:"},
	}}
	return m, p
}

func html(t *testing.T, do page.Func, address string, role tenant.Role) string {
	t.Helper()
	reply, err := do(t.Context(), pagetest.Visit(address, role, nil))
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return string(pagetest.HTML(t, reply))
}

func TestPages(t *testing.T) {
	t.Parallel()
	m, _ := sample()
	golden.Equal(t, "list.html", []byte(html(t, m.List, Path, tenant.Admin)))
	golden.Equal(t, "none.html", []byte(html(t, m.List, Path+"?q=zzz", tenant.Admin)))
	golden.Equal(t, "detail.html", []byte(html(t, m.Detail, Path+"/detail?provider=anthropic&model=claude-sonnet", tenant.Viewer)))
	golden.Equal(t, "detail_own.html", []byte(html(t, m.Detail, Path+"/detail?provider=openai&model=gpt-4o", tenant.Admin)))
}

func TestTheListHoldsWhatItsFiltersSay(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, query, want string }{
		{"nothing", "", "anthropic/claude-sonnet openai/gpt-4o openai/gpt-image sandbox/*"},
		{"words of provider and model", "?q=OPEN+4o", "openai/gpt-4o"},
		{"a provider", "?provider=anthropic", "anthropic/claude-sonnet"},
		{"what can be called now", "?show=connected", "openai/gpt-4o openai/gpt-image sandbox/*"},
		{"own prices", "?show=own", "openai/gpt-4o"},
		{"what comes after", "?after=openai%2Fgpt-4o", "openai/gpt-image sandbox/*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, p := sample()
			got, text := []string{}, html(t, m.List, Path+tt.query, tenant.Viewer)
			for _, r := range p.list {
				if strings.Contains(text, ">"+name(r)+"</a>") {
					got = append(got, name(r))
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("shows %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPagesHoldEveryModelOnce(t *testing.T) {
	t.Parallel()
	m, p := sample()
	p.list, p.own = nil, nil
	for i := range 2*pageSize + 3 {
		p.list = append(p.list, price.Record{Provider: fmt.Sprintf("p%d", i%3), Model: fmt.Sprintf("Model/%d:x", i), Rates: price.Rates{}.Set(chat.Input, 1)})
	}
	seen := map[string]int{}
	for address := Path; address != ""; {
		text := html(t, m.List, address, tenant.Viewer)
		for _, r := range p.list {
			seen[name(r)] += strings.Count(text, ">"+name(r)+"</a>")
		}
		_, next, ok := strings.Cut(text, `href="`+Path+`?after=`)
		address = ""
		if ok {
			after, _, _ := strings.Cut(next, `"`)
			address = Path + "?after=" + after
		}
	}
	for _, r := range p.list {
		if seen[name(r)] != 1 {
			t.Errorf("%s is shown %d times", name(r), seen[name(r)])
		}
	}
}

func TestAModelThatIsNotListedIsNotFound(t *testing.T) {
	t.Parallel()
	m, _ := sample()
	if _, err := m.Detail(t.Context(), pagetest.Visit(Path+"/detail?provider=openai&model=nothing-like-it", tenant.Owner, nil)); err == nil {
		t.Error("it is shown")
	}
}

func post(t *testing.T, do page.Func, form url.Values, params map[string]string) (page.Reply, error) {
	t.Helper()
	v := pagetest.Visit(Path, tenant.Admin, params)
	v.HTTP.PostForm = form
	return do(t.Context(), page.NewVisit(v.HTTP, v.Login, v.Visitor, v.Now, v.ID, v.Param))
}

func TestAnOwnPriceIsSetAsTyped(t *testing.T) {
	t.Parallel()
	m, p := sample()
	reply, err := post(t, m.Override, url.Values{"provider": {"openai"}, "model": {"gpt-4o"}, "rates.input": {"$2.00"}, "rates.output": {"8"}, "rates.cache_read": {""}, "from": {"2026-12-01"}}, nil)
	if err != nil || reply.Kind != page.Go || len(p.set) != 1 {
		t.Fatalf("%+v, %v, %v", reply, err, p.set)
	}
	want := price.NewOverride{Provider: "openai", Model: "gpt-4o", Rates: price.Rates{}.Set(chat.Input, usd("2")).Set(chat.Output, usd("8")), From: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	if p.set[0].Rates != want.Rates || !p.set[0].From.Equal(want.From) || p.set[0].Model != want.Model || p.set[0].Provider != want.Provider {
		t.Errorf("set %+v, want %+v", p.set[0], want)
	}
}

func TestAMistakeInThePriceStandsAtItsField(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, field, value string
		fail               error
	}{
		{"no number", "rates.input", "two", nil},
		{"more digits than can be kept", "rates.output", "0.0000001", nil},
		{"no day", "from", "tomorrow", nil},
		{"what the rules refuse", "rates.input", "2", price.ErrInvalid.Say("No.").At("rates.input")},
		{"the past", "from", "2020-01-01", price.ErrBackdated.At("from")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, p := sample()
			p.fail = tt.fail
			form := url.Values{"provider": {"openai"}, "model": {"gpt-4o"}, "rates.input": {"3"}}
			form.Set(tt.field, tt.value)
			reply, err := post(t, m.Override, form, nil)
			if err != nil || reply.Status != http.StatusBadRequest {
				t.Fatalf("%d, %v", reply.Status, err)
			}
			text := string(pagetest.HTML(t, reply))
			if !strings.Contains(text, `id="f-`+tt.field+`-error"`) || !strings.Contains(text, `value="`+tt.value+`"`) {
				t.Errorf("the field %s shows no mistake, or what was typed is gone", tt.field)
			}
			if (len(p.set) > 0) != (tt.fail != nil) {
				t.Errorf("set %v", p.set)
			}
		})
	}
}

func TestAnOwnPriceIsEnded(t *testing.T) {
	t.Parallel()
	m, p := sample()
	reply, err := post(t, m.End, nil, map[string]string{"id": "price_own"})
	if err != nil || reply.Kind != page.Go || len(p.end) != 1 || p.end[0] != "price_own" {
		t.Fatalf("%+v, %v, %v", reply, err, p.end)
	}
	if _, err := post(t, m.End, nil, map[string]string{"id": "price_of_another"}); err == nil || len(p.end) != 1 {
		t.Errorf("another's price: %v, %v", err, p.end)
	}
}

func TestEveryClassHasAWordAndIsReadAsWritten(t *testing.T) {
	t.Parallel()
	words := map[string]bool{}
	for c := range chat.Classes {
		w := classWords()[c]
		if w.Text == "" || w.Per == "" || words[w.Text] {
			t.Errorf("%s is called %q, for %q", c, w.Text, w.Per)
		}
		words[w.Text] = true
		for _, p := range []money.Price{0, 1000, 37_500_000, 2_500_000_000} {
			text := strings.ReplaceAll(strings.TrimPrefix(amount(c, price.Rate{Price: p, Listed: true}), "$"), ",", "")
			if got, err := typed(c, text); err != nil || got != p {
				t.Errorf("%s: %d is written %q and read as %d, %v", c, p, text, got, err)
			}
		}
	}
	if text := amount(chat.Input, price.Rate{}); text != "" {
		t.Errorf("unpriced is written %q", text)
	}
	if _, err := typed(chat.Images, "9300000000000"); err == nil {
		t.Error("an amount that cannot be kept is taken")
	}
}
