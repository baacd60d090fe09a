package requests_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/calllog"
	"tollgate/internal/golden"
	"tollgate/internal/score"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/pagetest"
	"tollgate/web/page/requests"
)

// judging is a page of the routed call, with every kind of score; one of them is the reader's own.
func judging(t *testing.T) (requests.Page, *opinions) {
	t.Helper()
	at := pagetest.Now().Add(-10 * time.Minute)
	me := pagetest.Visit("/", tenant.Admin, nil).Scope().Actor().ID()
	o := &opinions{scores: []score.Score{
		{ID: "score_1", Name: "quality", Kind: score.Boolean, Value: 1, Source: score.Human, Author: me, At: at},
		{ID: "score_2", Name: "quality", Kind: score.Boolean, Value: 0, Text: "<i>wrong</i> city", Source: score.Feedback, Author: "key_prod", At: at},
		{ID: "score_3", Name: "judge", Kind: score.Numeric, Value: 0.75, Text: "complete", Source: score.Judge, Author: "judge", At: at},
		{ID: "score_4", Name: "intent", Kind: score.Category, Text: "refund", Source: score.Heuristic, Author: "tok_1", At: at},
		{ID: "score_5", Name: "comment", Kind: score.Comment, Text: "Well put.", Source: score.Human, Author: "user_other", At: at},
	}}
	p := newPage(t, &fake{entries: []calllog.Entry{routed()}})
	p.Scores = o
	return p, o
}

func posted(t *testing.T, role tenant.Role, form url.Values) *page.Visit {
	t.Helper()
	v := pagetest.Visit("/requests/x/scores", role, nil)
	r := v.HTTP.Clone(t.Context())
	r.Method, r.PostForm = http.MethodPost, form
	params := map[string]string{"id": routed().ID.String()}
	return page.NewVisit(r, v.Login, account.Visitor{}, v.Now, v.ID, func(name string) string { return params[name] })
}

func TestWhyAndScoresLookAsAccepted(t *testing.T) {
	t.Parallel()
	p, _ := judging(t)
	call := routed().ID.String()
	r, err := p.Call(t.Context(), pagetest.Visit("/requests/x", tenant.Admin, map[string]string{"id": call}))
	if err != nil {
		t.Fatal(err)
	}
	html := pagetest.HTML(t, r)
	golden.Equal(t, "routed.html", html)
	opened, err := p.List(t.Context(), pagetest.Visit("/requests?range=7d&task=complex-analysis&batch=batch_1&open="+call, tenant.Admin, nil))
	if err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "routed-drawer.html", pagetest.HTML(t, opened))
	if strings.Contains(string(html), "<b>long") || strings.Contains(string(html), "<i>wrong") {
		t.Error("text of a client became markup")
	}
	viewer, err := p.Call(t.Context(), pagetest.Visit("/requests/x", tenant.Viewer, map[string]string{"id": call}))
	if err != nil {
		t.Fatal(err)
	}
	if html := string(pagetest.HTML(t, viewer)); strings.Contains(html, "Good answer") || strings.Contains(html, "/delete") {
		t.Error("who may not judge is offered to")
	}
}

func TestAReaderJudgesACall(t *testing.T) {
	t.Parallel()
	p, o := judging(t)
	r, err := p.Judge(t.Context(), posted(t, tenant.Admin, url.Values{"thumb": {"down"}, "back": {"/requests?open=x"}}))
	if err != nil || r.Kind != page.Go || r.To != "/requests?open=x" {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := o.put[0]; n.Call != routed().ID || n.Kind != score.Boolean || n.Value != 0 || n.Source != score.Human {
		t.Errorf("%+v", n)
	}
	for _, back := range []string{"", "//evil.example", "https://evil.example"} {
		r, err := p.Unjudge(t.Context(), posted(t, tenant.Admin, url.Values{"score": {"score_1"}, "back": {back}}))
		if err != nil || r.To != "/requests/"+routed().ID.String() {
			t.Errorf("back to %q: %+v, %v", back, r, err)
		}
	}
	if o.deleted != "score_1" {
		t.Errorf("deleted %q", o.deleted)
	}
}

// TestAFormThatIsWrongIsShownAgain with what was typed, and what is wrong with it.
func TestAFormThatIsWrongIsShownAgain(t *testing.T) {
	t.Parallel()
	p, o := judging(t)
	o.err = score.ErrTooFast
	r, err := p.Judge(t.Context(), posted(t, tenant.Admin, url.Values{"comment": {`a "b"`}}))
	if err != nil || r.Status != http.StatusTooManyRequests {
		t.Fatalf("%d, %v", r.Status, err)
	}
	if html := string(pagetest.HTML(t, r)); !strings.Contains(html, "Scores come too fast") || !strings.Contains(html, `a &#34;b&#34;`) {
		t.Error("the page says neither what is wrong nor what was typed")
	}
	r, err = p.Judge(t.Context(), posted(t, tenant.Admin, url.Values{}))
	if err != nil || r.Status != http.StatusBadRequest {
		t.Errorf("an empty form: %d, %v", r.Status, err)
	}
}
