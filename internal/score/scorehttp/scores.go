// Package scorehttp is the JSON face of scores.
package scorehttp

import (
	"context"
	"errors"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/score"
	"tollgate/internal/tenant"
)

// Service is what the endpoints need; *score.Service is it.
type Service interface {
	Put(ctx context.Context, in tenant.Scope, list []score.New) ([]score.Result, error)
	Scores(ctx context.Context, in tenant.Scope, call id.Call) ([]score.Score, error)
	Delete(ctx context.Context, in tenant.Scope, call id.Call, which id.Score) error
}

// Score is one judgement of a call.
type Score struct {
	ID      string    `json:"id"`
	CallID  string    `json:"call_id"`
	Name    string    `json:"name"`
	Kind    string    `json:"kind" enum:"numeric,boolean,category,comment"`
	Value   any       `json:"value" doc:"A number, true or false, or text, by kind"`
	Comment string    `json:"comment,omitempty" doc:"The reason of a numeric or boolean score"`
	Source  string    `json:"source" enum:"human,judge,heuristic,feedback,api"`
	Author  string    `json:"author" doc:"Id of a user, a token or a key; of a judge its alias"`
	At      time.Time `json:"at"`
	Pending bool      `json:"pending,omitempty" doc:"The call's record has not arrived yet: the score counts from then on"`
}

func toScore(s score.Score) Score {
	out := Score{
		ID: string(s.ID), CallID: s.Call.String(), Name: s.Name, Kind: string(s.Kind), Comment: s.Text, Source: string(s.Source), Author: s.Author,
		At: s.At, Pending: s.Pending,
	}
	switch s.Kind {
	case score.Numeric:
		out.Value = s.Value
	case score.Boolean:
		out.Value = s.Value != 0
	case score.Category, score.Comment:
		out.Value, out.Comment = s.Text, ""
	}
	return out
}

// Scores are those of a call.
type Scores struct {
	Items []Score `json:"items"`
}

// Given is a judgement as a caller of the API writes it.
type Given struct {
	score.Given
	Source string `json:"source,omitempty" enum:"human,judge,heuristic,api" doc:"Left out: human for a person, api for a token"`
}

// news are the judgements that a body holds.
func (g Given) news(in tenant.Scope, call id.Call) ([]score.New, error) {
	source := score.Source(g.Source)
	if source == "" {
		source = score.API
		if in.Actor().User != "" {
			source = score.Human
		}
	}
	return g.Read(call, source)
}

type createRequest struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct{ Given }
}

// Create judges a call.
func Create(s Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Judge a call",
		Description: "Give one of value, score, thumb and category, or a comment alone. A newer score of the same name, source and author takes the older one's place. " +
			"A call that began in the last 15 minutes can be judged before its record has arrived.",
		Errors: []*fault.Error{score.ErrInvalid, score.ErrNoCall, score.ErrTooFast},
	}, func(ctx context.Context, in tenant.Scope, req createRequest) (Score, error) {
		call, err := id.ParseCall(req.ID)
		if err != nil {
			return Score{}, score.ErrNoCall.Because(err)
		}
		list, err := req.Body.news(in, call)
		if err != nil {
			return Score{}, err
		}
		results, err := s.Put(ctx, in, list)
		if err != nil {
			return Score{}, err
		}
		for _, r := range results {
			if r.Err != nil {
				return Score{}, r.Err
			}
		}
		return toScore(results[0].Score), nil
	})
}

type oneCall struct {
	ID string `path:"id" maxLength:"64"`
}

// List lists the scores of a call.
func List(s Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List the scores of a call", Description: "Oldest first.", Errors: []*fault.Error{score.ErrNoCall}},
		func(ctx context.Context, in tenant.Scope, req oneCall) (Scores, error) {
			call, err := id.ParseCall(req.ID)
			if err != nil {
				return Scores{}, score.ErrNoCall.Because(err)
			}
			got, err := s.Scores(ctx, in, call)
			if err != nil {
				return Scores{}, err
			}
			out := Scores{Items: make([]Score, 0, len(got))}
			for i := range got {
				out.Items = append(out.Items, toScore(got[i]))
			}
			return out, nil
		})
}

type oneScore struct {
	ID    string `path:"id" maxLength:"64"`
	Score string `path:"score" maxLength:"64"`
}

// Delete removes a score.
func Delete(s Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Delete a score of a call", Errors: []*fault.Error{score.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req oneScore) (rest.None, error) {
			call, err := id.ParseCall(req.ID)
			if err != nil {
				return rest.None{}, score.ErrNotFound.Because(err)
			}
			return rest.None{}, s.Delete(ctx, in, call, id.Score(req.Score))
		})
}

type manyRequest struct {
	Body struct {
		Scores []judged `json:"scores" minItems:"1" maxItems:"1000" doc:"Each is judged by itself"`
	}
}

type judged struct {
	CallID string `json:"call_id" maxLength:"64"`
	Given
}

// ScoreResults tell what became of each score, in the order in which they were sent.
type ScoreResults struct {
	Items []ScoreResult `json:"items"`
}

// ScoreResult is what became of one score.
type ScoreResult struct {
	Score *Score        `json:"score,omitempty" doc:"Left out where it was refused"`
	Error *ScoreRefusal `json:"error,omitempty" doc:"Why it was refused"`
}

// ScoreRefusal is why a score was not taken.
type ScoreRefusal struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"`
}

func toRefusal(err error) *ScoreRefusal {
	var f *fault.Error
	if !errors.As(err, &f) {
		f = score.ErrInvalid
	}
	return &ScoreRefusal{Code: f.Code, Detail: f.Message, Field: f.Field}
}

// CreateMany judges many calls.
func CreateMany(s Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Judge many calls", Description: "Up to 1,000 in one request. Each is taken or refused by itself; the answer tells which, in the order of the request.",
		Errors: []*fault.Error{score.ErrTooMany, score.ErrTooFast},
	}, func(ctx context.Context, in tenant.Scope, req manyRequest) (ScoreResults, error) {
		out := ScoreResults{Items: make([]ScoreResult, len(req.Body.Scores))}
		var list []score.New
		var of []int // which of the request's scores each stands for
		for i, given := range req.Body.Scores {
			call, err := id.ParseCall(given.CallID)
			if err != nil {
				err = score.ErrNoCall.At("call_id")
			}
			var news []score.New
			if err == nil {
				news, err = given.news(in, call)
			}
			if err != nil {
				out.Items[i].Error = toRefusal(err)
				continue
			}
			for _, n := range news {
				list, of = append(list, n), append(of, i)
			}
		}
		results, err := s.Put(ctx, in, list)
		if err != nil {
			return ScoreResults{}, err
		}
		for i, r := range results {
			item := &out.Items[of[i]]
			switch {
			case r.Err != nil:
				item.Score, item.Error = nil, toRefusal(r.Err)
			case item.Score == nil && item.Error == nil:
				got := toScore(r.Score)
				item.Score = &got
			}
		}
		return out, nil
	})
}
