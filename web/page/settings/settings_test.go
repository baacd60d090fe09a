package settings

import (
	"testing"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/pagetest"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func TestNobodyIsOfferedARoleAboveTheirOwn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mine, theirs tenant.Role
		want         bool
	}{
		{tenant.Owner, tenant.Owner, true},
		{tenant.Admin, tenant.Owner, false},
		{tenant.Admin, tenant.Admin, true},
		{tenant.Admin, tenant.Viewer, true},
		{tenant.Developer, tenant.Viewer, false},
		{tenant.Viewer, tenant.Viewer, false},
	} {
		if got := (view{Role: tt.mine}).may(tt.theirs); got != tt.want {
			t.Errorf("a %s may change a %s: %v, want %v", tt.mine, tt.theirs, got, tt.want)
		}
	}
	if got := (view{Role: tenant.Admin}).tokenRoles(); len(got) != 4 || got[0].Value != "admin" {
		t.Errorf("an admin may give tokens %v", got)
	}
}

func TestABrowserIsNamedByItsUserAgent(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "Unknown client",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":   "Chrome on Linux",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 (KHTML, like Gecko) Version/18 Safari/605": "Safari on macOS",
		"Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0":                                              "Firefox on Windows",
		"curl/8.5.0":     "curl",
		"terraform/1.9":  "terraform/1.9",
		"Edg/1 Chrome/1": "Edge",
	} {
		if got := agent(text); got != want {
			t.Errorf("agent(%q) = %q, want %q", text, got, want)
		}
	}
}

func sample(role tenant.Role) view {
	me := account.User{ID: "user_1", Email: "ops@fernhill.example"}
	return view{
		Organization: account.Organization{TimeZone: "Europe/Berlin", FiscalDay: 1, ID: "org_1", Name: "Fern & hill"}, Role: role, Clock: ui.Clock{Now: noon()},
		Teams:    people.Teams{{ID: "team_1", Name: "Support", ColorStep: 0}, {ID: "team_2", Name: "Search", ColorStep: -1}},
		Members:  []account.Member{{User: me, Role: tenant.Owner, JoinedAt: noon().AddDate(-1, 0, 0)}, {User: account.User{ID: "user_2", Email: "dev@fernhill.example", Name: "Dev"}, Role: tenant.Viewer, JoinedAt: noon()}},
		Authors:  people.Authors{"user_1": "ops@fernhill.example"},
		Tokens:   []account.Token{{ID: "tok_1", Name: "terraform", Role: tenant.Admin, Prefix: "tg_mgmt_AbCd", Last4: "wxyz", CreatedBy: "user_1", ExpiresAt: noon().AddDate(0, 1, 0)}, {ID: "tok_2", Name: "old", RevokedAt: noon()}},
		Sessions: []account.Session{{ID: "sess_1", IP: "192.0.2.1", UserAgent: "curl/8", CreatedAt: noon().Add(-time.Hour), LastSeenAt: noon()}, {ID: "sess_2", IP: "192.0.2.2", CreatedAt: noon(), LastSeenAt: noon()}},
		Me:       account.Login{Session: account.Session{ID: "sess_1"}, User: me},
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	pagetest.Golden(t, "owner", all(sample(tenant.Owner)))
	pagetest.Golden(t, "viewer", all(sample(tenant.Viewer)))
	wrong := sample(tenant.Owner)
	wrong.Wrong, wrong.Trouble, wrong.Typed = teams, page.Trouble{Field: "name", Message: "There already is a team with this name."}, map[string]string{"new": "Support"}
	pagetest.Golden(t, "team_wrong", all(wrong))
	made := sample(tenant.Owner)
	made.Made, made.Secret = account.Token{Name: "terraform", Role: tenant.Admin}, "tg_mgmt_secret"
	pagetest.Golden(t, "token", token(made))
	pagetest.Golden(t, "remove", remove(removeView{Member: made.Members[1]}))
}
