package requests

import (
	"context"
	"errors"
	"strconv"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/score"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// Scores judges calls; *score.Service does.
type Scores interface {
	Put(ctx context.Context, in tenant.Scope, list []score.New) ([]score.Result, error)
	Scores(ctx context.Context, in tenant.Scope, call id.Call) ([]score.Score, error)
	Delete(ctx context.Context, in tenant.Scope, call id.Call, which id.Score) error
}

// scoresView is the judgements of a call, and the form for one's own.
type scoresView struct {
	Rows    []scoreView
	Action  string // where the form goes; empty: the reader may not judge
	Back    string // the page to come back to
	Thumb   string // the reader's own: "up", "down" or none
	Comment string // the reader's own
	Wrong   string
}

// scoreView is one judgement.
type scoreView struct {
	ID     string
	Name   string
	Value  string
	Tone   ui.Tone
	Reason string
	Source string
	At     time.Time
	Clock  ui.Clock
	Mine   bool
}

func sources() map[score.Source]string {
	return map[score.Source]string{
		score.Human: "a person", score.Judge: "a model", score.Heuristic: "a rule", score.Feedback: "the application", score.API: "the API",
	}
}

// scores reads the judgements of a call. A call without any has an empty list.
func (p Page) scores(ctx context.Context, v *page.Visit, e *calllog.Entry, back string) (scoresView, error) {
	out := scoresView{Back: back}
	if v.Can(tenant.WriteScores) {
		out.Action = Path + "/" + e.ID.String() + "/scores"
	}
	got, err := p.Scores.Scores(ctx, v.Scope(), e.ID)
	if err != nil && !errors.Is(err, score.ErrNoCall) {
		return scoresView{}, err
	}
	me := v.Scope().Actor().ID()
	for i := range got {
		s := &got[i]
		row := newScore(s, ui.Clock{Now: v.Now, Zone: time.UTC})
		row.Mine = s.Source == score.Human && s.Author == me && me != "" && out.Action != ""
		if row.Mine {
			out.own(s)
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// own fills the form with what the reader has said before.
func (v *scoresView) own(s *score.Score) {
	switch {
	case s.Kind == score.Boolean && s.Name == score.Quality:
		v.Thumb = "down"
		if s.Value != 0 {
			v.Thumb = "up"
		}
	case s.Kind == score.Comment && s.Name == score.Comments:
		v.Comment = s.Text
	}
}

func newScore(s *score.Score, clock ui.Clock) scoreView {
	out := scoreView{ID: string(s.ID), Name: s.Name, Source: sources()[s.Source], At: s.At, Clock: clock, Reason: s.Text}
	switch s.Kind {
	case score.Numeric:
		out.Value = strconv.FormatFloat(s.Value, 'g', 6, 64)
	case score.Boolean:
		out.Value, out.Tone = "bad", ui.Bad
		if s.Value != 0 {
			out.Value, out.Tone = "good", ui.OK
		}
		if s.Name != score.Quality {
			out.Value = strconv.FormatBool(s.Value != 0)
		}
	case score.Category:
		out.Value, out.Reason = s.Text, ""
	case score.Comment:
	}
	return out
}

// Judge takes the form: a thumb, or a comment.
func (p Page) Judge(ctx context.Context, v *page.Visit) (page.Reply, error) {
	call, back, err := judged(v)
	if err != nil {
		return page.Reply{}, err
	}
	n, err := score.Given{Thumb: v.Form("thumb"), Comment: v.Form("comment")}.Read(call, score.Human)
	if err == nil {
		var results []score.Result
		results, err = p.Scores.Put(ctx, v.Scope(), n)
		for _, r := range results {
			err = errors.Join(err, r.Err)
		}
	}
	if err != nil {
		return p.misjudged(ctx, v, call, err)
	}
	return page.See(back), nil
}

// misjudged is the call's page with what was wrong with the form.
func (p Page) misjudged(ctx context.Context, v *page.Visit, call id.Call, err error) (page.Reply, error) {
	trouble, status, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	out, err := p.detail(ctx, v, call)
	if err != nil {
		return page.Reply{}, err
	}
	out.Scores.Wrong, out.Scores.Comment = trouble.Message, v.Form("comment")
	return p.show(out).As(status), nil
}

// Unjudge removes a score.
func (p Page) Unjudge(ctx context.Context, v *page.Visit) (page.Reply, error) {
	call, back, err := judged(v)
	if err != nil {
		return page.Reply{}, err
	}
	err = p.Scores.Delete(ctx, v.Scope(), call, id.Score(v.Form("score")))
	if errors.Is(err, score.ErrNotFound) { // gone already, if the call is the organization's
		_, err = p.Calls.Call(ctx, v.Scope(), call)
	}
	if err != nil {
		return page.Reply{}, err
	}
	return page.See(back), nil
}

// judged is the call that a form is about, and where to go after it.
func judged(v *page.Visit) (call id.Call, back string, err error) {
	call, err = id.ParseCall(v.Param("id"))
	if err != nil {
		return call, "", calllog.ErrNotFound.Because(err)
	}
	if back = page.Next(v.Form("back")); back == "/" {
		back = Path + "/" + call.String()
	}
	return call, back, nil
}
