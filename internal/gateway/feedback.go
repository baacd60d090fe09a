package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/score"
	"tollgate/internal/snapshot"
	"tollgate/internal/tenant"
)

// Scores takes judgements; *score.Service does.
type Scores interface {
	Put(ctx context.Context, in tenant.Scope, list []score.New) ([]score.Result, error)
}

// ErrFeedback is for a body that is no judgement.
var ErrFeedback = fault.New(fault.Invalid, "feedback.invalid", "The body of /v1/feedback is a JSON object like {\"call_id\":\"call_…\",\"thumb\":\"up\"}.")

// feedbackMax bounds the body: a comment of 4 KiB, escaped, and the rest.
const feedbackMax = 32 << 10

// feedback is what an application says of a call that it made.
type feedback struct {
	Call string `json:"call_id"`
	score.Given
}

// Feedback makes the handler of POST /v1/feedback: an application judges its calls with the key that it calls with. Any key of the
// call's team may; a call of another team or organization is none.
func Feedback(scores Scores) KeyHandler {
	return func(w http.ResponseWriter, r *http.Request, k *snapshot.Key) error {
		list, err := readFeedback(r.Body)
		if err != nil {
			return err
		}
		for i := range list {
			list[i].Team = k.Team
		}
		results, err := scores.Put(r.Context(), k.Scope, list)
		if err != nil {
			return err
		}
		for _, got := range results {
			if got.Err != nil {
				return got.Err
			}
		}
		return told200(w, results[0].Score)
	}
}

func readFeedback(body io.Reader) ([]score.New, error) {
	b, err := io.ReadAll(io.LimitReader(body, feedbackMax+1))
	switch {
	case err != nil:
		return nil, ErrTruncatedBody.Because(err)
	case len(b) > feedbackMax:
		return nil, ErrTooLarge.Say("A judgement takes at most %d KiB.", feedbackMax>>10)
	}
	var f feedback
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, misread(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrFeedback
	}
	if f.Call == "" {
		return nil, ErrFeedback.Say("Name the call: its id is in the header x-tollgate-call-id of its answer.").At("call_id")
	}
	call, err := id.ParseCall(f.Call)
	if err != nil {
		return nil, score.ErrNoCall.At("call_id").Because(err)
	}
	return f.Read(call, score.Feedback)
}

// misread names the field at fault, where one is.
func misread(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		field := wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:]
		return ErrFeedback.Say("The field %s is no %s.", field, wrong.Type).At(field).Because(err)
	}
	if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
		name = strings.Trim(name, `"`)
		return ErrFeedback.Say("There is no field %s. There are call_id, name, value, score, thumb, category and comment.", clip(name)).At(clip(name))
	}
	return ErrFeedback.Because(err)
}

func told200(w http.ResponseWriter, s score.Score) error {
	b, err := json.Marshal(struct {
		Object  string `json:"object"`
		ID      string `json:"id"`
		Call    string `json:"call_id"`
		Name    string `json:"name"`
		Pending bool   `json:"pending"` // the call's record has not arrived yet
	}{"tollgate.feedback", string(s.ID), s.Call.String(), s.Name, s.Pending})
	if err != nil {
		return err
	}
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(b)
	return nil
}
