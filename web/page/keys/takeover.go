package keys

import (
	"context"
	"io"
	"net/http"
	"strings"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// takeoverView asks for the keys of another gateway, and tells what became of each.
type takeoverView struct {
	Text    string
	Team    string
	Teams   people.Teams
	Trouble page.Trouble
	Rows    []takeoverRow
	Done    bool
	Head    string
}

type takeoverRow struct {
	Row        int64
	Name, Href string
	State      ui.State
	Word       string
	Notes      []string
}

func (v takeoverView) above() string { return v.Trouble.Above("rows", "team_id") }

// TakeoverForm asks for rows.
func (p Keys) TakeoverForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.showTakeover(ctx, v, takeoverView{}, http.StatusOK)
}

func (p Keys) showTakeover(ctx context.Context, v *page.Visit, view takeoverView, status int) (page.Reply, error) {
	var err error
	if view.Teams, err = people.ListTeams(ctx, p.Accounts, v.Scope()); err != nil {
		return page.Reply{}, err
	}
	if view.Team == "" && len(view.Teams) > 0 {
		view.Team = string(view.Teams[0].ID)
	}
	return page.Show(layout.Frame{Title: "Take keys over", Active: layout.Keys}, takeover(view)).As(status), nil
}

// Takeover imports keys by the hashes of their secrets; do=try only tells what it would do.
func (p Keys) Takeover(ctx context.Context, v *page.Visit) (page.Reply, error) {
	view := takeoverView{Text: takeoverText(v), Team: v.Form("team_id"), Done: v.Form("do") == "import"}
	rows, err := key.ParseLiteLLM([]byte(view.Text))
	if err == nil {
		var taken []key.Taken
		if taken, err = p.Issuer.Import(ctx, v.Scope(), rows, key.ImportOptions{Team: id.Team(view.Team), DryRun: !view.Done}); err == nil {
			view.fill(taken)
			return p.showTakeover(ctx, v, view, http.StatusOK)
		}
	}
	trouble, code, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	if trouble.Field == "" {
		trouble.Field = "rows"
	}
	view.Trouble, view.Done = trouble, false
	return p.showTakeover(ctx, v, view, code)
}

// takeoverMax bounds an uploaded file.
const takeoverMax = 8 << 20

// takeoverText is what was pasted, or else uploaded.
func takeoverText(v *page.Visit) string {
	if text := strings.TrimSpace(v.Form("rows")); text != "" {
		return text
	}
	f, _, err := v.HTTP.FormFile("file")
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // read only
	raw, err := io.ReadAll(io.LimitReader(f, takeoverMax))
	if err != nil {
		return ""
	}
	return string(raw)
}

func (v *takeoverView) fill(taken []key.Taken) {
	good := 0
	for _, t := range taken {
		r := takeoverRow{Row: int64(t.Row), Name: t.Key.Name, State: ui.Fine, Word: "Can be taken over", Notes: t.Notes}
		if v.Done && t.Err == nil {
			r.Href, r.Word = path(t.Key.ID), "Taken over"
		}
		if t.Err != nil {
			r.State, r.Word, r.Name = ui.Act, message(t.Err), t.New.Name
		} else {
			good++
		}
		v.Rows = append(v.Rows, r)
	}
	v.Head = ui.CountText(int64(good)) + " of " + ui.Plural(int64(len(taken)), "key", "keys") + " can be taken over"
	if v.Done {
		v.Head = ui.CountText(int64(good)) + " of " + ui.Plural(int64(len(taken)), "key", "keys") + " taken over"
	}
}
