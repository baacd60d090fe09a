package prompthttp

import (
	"context"
	"net/http"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// PromptPlan is how fast a label moves by and by.
type PromptPlan struct {
	Shares       []int `json:"shares,omitempty" maxItems:"50" doc:"Of 10,000 units, each step greater than the one before, the last 10,000. Left out: 1, 5, 10, 25, 50 and 100 per cent"`
	PauseSeconds int64 `json:"pause_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"Between two steps, at least a minute. Left out: an hour"`
	StopOver     int   `json:"stop_over,omitempty" minimum:"0" maximum:"10000" doc:"The move is taken back by itself when calls with the new version fail more often than with the old one, by more than so many hundredths of a per cent of them. 0: nothing stops it"`
}

const defaultPause = time.Hour

func (p *PromptPlan) plan() prompt.Plan {
	out := prompt.Plan{Shares: p.Shares, Pause: time.Duration(p.PauseSeconds) * time.Second, StopOver: p.StopOver}
	if len(out.Shares) == 0 {
		out.Shares = prompt.DefaultShares
	}
	if out.Pause == 0 {
		out.Pause = defaultPause
	}
	return out
}

func toPlan(p prompt.Plan) PromptPlan {
	return PromptPlan{Shares: p.Shares, PauseSeconds: int64(p.Pause / time.Second), StopOver: p.StopOver}
}

// PromptRamp is a label under way to another version.
type PromptRamp struct {
	Version   int        `json:"version" doc:"To which it moves"`
	Share     int        `json:"share" doc:"Of 10,000 units that get that version"`
	Plan      PromptPlan `json:"plan"`
	NextAt    *time.Time `json:"next_at,omitempty" doc:"Of the next step. Absent: it is held"`
	SteppedAt time.Time  `json:"stepped_at"`
	StartedAt time.Time  `json:"started_at"`
	By        string     `json:"by" doc:"Id of the user or token who started it"`
}

func toRamp(r prompt.Ramp) PromptRamp {
	return PromptRamp{Version: r.To, Share: r.Share, Plan: toPlan(r.Plan), NextAt: moment(r.NextAt), SteppedAt: r.SteppedAt, StartedAt: r.StartedAt, By: r.By}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

type rampRequest struct {
	Maybe
	ID    string `path:"id"`
	Label string `path:"label" maxLength:"36"`
	Body  struct {
		Version int    `json:"version" minimum:"1"`
		Why     string `json:"why,omitempty" maxLength:"2000"`
		PromptPlan
	}
}

var moving = []*fault.Error{prompt.ErrNotFound, prompt.ErrInvalid, prompt.ErrProtected, rest.ErrStale}

// StartRamp moves a label by and by.
func StartRamp(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Move a label to another version by and by", Description: "A unit (a session, a user, a workflow) that got the new version keeps it while the share grows. For a move that is under way to the same version this changes the plan.",
		Errors: append([]*fault.Error{prompt.ErrApproval, prompt.ErrRamping, prompt.ErrVersion, prompt.ErrLabel, prompt.ErrBreaks, prompt.ErrArchived}, moving...),
	},
		func(ctx context.Context, in tenant.Scope, req rampRequest) (Prompt, error) {
			p, err := s.Ramp(ctx, in, id.Prompt(req.ID), req.Label, req.Body.Version, req.Body.plan(), req.Body.Why, req.prompt)
			return toPrompt(p), err
		})
}

type steerRequest struct {
	Maybe
	ID    string `path:"id"`
	Label string `path:"label" maxLength:"36"`
	Body  struct {
		Action string `json:"action" enum:"step,hold,resume" doc:"step: the next share now; hold: it stays at its share; resume: it goes on after one pause"`
	}
}

// SteerRamp steps, holds or resumes a gradual move.
func SteerRamp(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Step, hold or resume a gradual move of a label", Status: http.StatusOK, Errors: append([]*fault.Error{prompt.ErrNoRamp, prompt.ErrBreaks}, moving...)},
		func(ctx context.Context, in tenant.Scope, req steerRequest) (Prompt, error) {
			do := s.StepRamp
			switch req.Body.Action {
			case "hold":
				do = s.HoldRamp
			case "resume":
				do = s.ResumeRamp
			}
			p, err := do(ctx, in, id.Prompt(req.ID), req.Label, req.prompt)
			return toPrompt(p), err
		})
}

type stopRequest struct {
	Maybe
	ID    string `path:"id"`
	Label string `path:"label" maxLength:"36"`
}

// StopRamp takes a gradual move back.
func StopRamp(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Take a gradual move of a label back", Description: "The next call of every unit uses the version on which the label stands.",
		Errors: moving,
	},
		func(ctx context.Context, in tenant.Scope, req stopRequest) (rest.None, error) {
			_, err := s.StopRamp(ctx, in, id.Prompt(req.ID), req.Label, req.prompt)
			return rest.None{}, err
		})
}
