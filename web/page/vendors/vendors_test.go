package vendors

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/credential"
	"tollgate/internal/golden"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
	"tollgate/web/page/pagetest"
)

type credentials []credential.Credential

func (c credentials) List(context.Context, tenant.Scope) ([]credential.Credential, error) {
	return c, nil
}

type prices []price.Record

func (p prices) Book(context.Context) (*price.Book, error) { return price.NewBook(p), nil }

func chats(way ...provider.Name) []provider.Spoken {
	var out []provider.Spoken
	for _, w := range way {
		out = append(out, provider.Spoken{Dialect: w})
	}
	return out
}

func catalogue() Page {
	free := price.Rates{}.Set(chat.Input, 0).Set(chat.Output, 0)
	return Page{
		Credentials: credentials{{ID: "cred_1", Provider: "anthropic"}, {ID: "cred_2", Provider: "anthropic"}, {ID: "cred_3", Provider: "ollama"}},
		Prices: prices{
			{Provider: "anthropic", Model: "claude", Rates: free},
			{Provider: "anthropic", Model: "claude-2", Rates: free},
			{Provider: "ollama", Model: price.AnyModel, Rates: free},
		},
		Vendors: []provider.Vendor{
			{ID: "anthropic", Name: "Anthropic", BaseURL: "https://api.anthropic.com/v1", Speaks: chats(provider.AnthropicMessages), Env: []string{"ANTHROPIC_API_KEY"}, Sources: []string{"litellm", "models.dev"}, Docs: "https://docs.anthropic.com"},
			{ID: "custom", Name: "OpenAI-compatible", Speaks: chats(provider.OpenAIChat)},
			{ID: "lemonfox", Name: "Lemonfox", BaseURL: "https://x.example", Speaks: chats(provider.OpenAIChat, provider.OpenAITranscriptions), Env: []string{"LEMONFOX_API_KEY", "FOX"}, Sources: []string{"portkey"}, Notes: "A <note>."},
			{ID: "lemonfox-cn", Name: "Lemonfox (China)", Of: "lemonfox", BaseURL: "https://cn.example", Speaks: chats(provider.OpenAIChat), Sources: []string{"portkey"}},
			{ID: "ollama", Name: "Ollama", Local: true, BaseURL: "http://127.0.0.1:11434/v1", Speaks: chats(provider.OpenAIChat), Sources: []string{"litellm"}},
			{ID: "sandbox", Name: "Sandbox", BaseURL: "sandbox:", Speaks: chats(provider.OpenAIChat)},
		},
	}
}

func read(t *testing.T, p Page, address string, role tenant.Role) string {
	t.Helper()
	reply, err := p.List(t.Context(), pagetest.Visit(address, role, nil))
	if err != nil || reply.Status > http.StatusOK {
		t.Fatalf("%s: %d, %v", address, reply.Status, err)
	}
	return string(pagetest.HTML(t, reply))
}

func TestTheCatalogue(t *testing.T) {
	t.Parallel()
	golden.Equal(t, "all.html", []byte(read(t, catalogue(), Path, tenant.Admin)))
	golden.Equal(t, "none.html", []byte(read(t, catalogue(), Path+"?q=zzz+%3Cb%3E", tenant.Viewer)))
}

func TestFiltersTakeWhatTheySay(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, query, want string }{
		{"nothing", "", "anthropic custom lemonfox lemonfox-cn ollama sandbox"},
		{"words", "?q=FOX+china", "lemonfox-cn"},
		{"an operation", "?operation=transcription", "lemonfox"},
		{"an operation that there is not", "?operation=cooking", "anthropic custom lemonfox lemonfox-cn ollama sandbox"},
		{"connected", "?connected=yes", "anthropic ollama"},
		{"not connected", "?connected=no", "custom lemonfox lemonfox-cn sandbox"},
		{"not connected, and words", "?connected=no&q=lemon", "lemonfox lemonfox-cn"},
		{"what comes after", "?after=lemonfox-cn", "ollama sandbox"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			html := read(t, catalogue(), Path+tt.query, tenant.Viewer)
			var found []string
			for _, v := range catalogue().Vendors {
				if strings.Contains(html, "<code>"+v.ID+"</code>") {
					found = append(found, v.ID)
				}
			}
			if got := strings.Join(found, " "); got != tt.want {
				t.Errorf("shows %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOnlyWhoMayConnectIsOfferedTo(t *testing.T) {
	t.Parallel()
	if html := read(t, catalogue(), Path, tenant.Viewer); strings.Contains(html, "/providers/connect") {
		t.Error("a viewer is offered to connect")
	}
	html := read(t, catalogue(), Path, tenant.Owner)
	if !strings.Contains(html, "/providers/connect?provider=lemonfox") || strings.Contains(html, "provider=sandbox") {
		t.Error("an owner is not offered what can be connected, or is offered the sandbox")
	}
}

// Every vendor is on exactly one page, whatever the filter.
func TestPagesHoldEveryVendorOnce(t *testing.T) {
	t.Parallel()
	p := catalogue()
	p.Vendors = nil
	for i := range 2*pageSize + 1 {
		p.Vendors = append(p.Vendors, provider.Vendor{ID: fmt.Sprintf("v%03d", i), Name: "V", BaseURL: "https://x.example", Speaks: chats(provider.OpenAIChat)})
	}
	seen := map[string]int{}
	address := Path + "?q=v"
	for range 4 {
		v, err := p.List(t.Context(), pagetest.Visit(address, tenant.Viewer, nil))
		if err != nil {
			t.Fatal(err)
		}
		html := string(pagetest.HTML(t, v))
		for _, x := range p.Vendors {
			seen[x.ID] += strings.Count(html, "<code>"+x.ID+"</code>")
		}
		_, next, ok := strings.Cut(html, `href="`+Path+`?after=`)
		if !ok {
			break
		}
		after, _, _ := strings.Cut(next, `"`)
		address = Path + "?after=" + strings.ReplaceAll(after, "&amp;", "&")
	}
	for _, x := range p.Vendors {
		if seen[x.ID] != 1 {
			t.Errorf("%s is shown %d times", x.ID, seen[x.ID])
		}
	}
}
