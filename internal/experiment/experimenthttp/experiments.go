package experimenthttp

import (
	"context"
	"net/http"

	"tollgate/internal/experiment"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

type createRequest struct{ Body Plan }

// Create makes a draft.
func Create(s *experiment.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Plan an experiment", Description: "Makes a draft; nothing changes for any call until it is started.", Status: http.StatusCreated,
		Errors: []*fault.Error{experiment.ErrInvalid, errMoney},
	},
		func(ctx context.Context, in tenant.Scope, req createRequest) (Experiment, error) {
			p, err := fromPlan(req.Body)
			if err != nil {
				return Experiment{}, err
			}
			e, err := s.Create(ctx, in, p)
			return toExperiment(e), err
		})
}

type listRequest struct {
	rest.PageQuery
	Alias  string   `query:"alias" maxLength:"64" doc:"Id of an alias"`
	Status []string `query:"status,explode" maxItems:"10" doc:"draft, running, stopped, promoted, reverted, invalid; repeat for alternatives"`
	Text   string   `query:"text" maxLength:"200" doc:"Part of the name, or of the alias's name"`
}

// List lists experiments, newest first.
func List(s *experiment.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List experiments", Description: "Newest first."},
		func(ctx context.Context, in tenant.Scope, req listRequest) (rest.Page[Experiment], error) {
			var before id.Experiment
			if err := rest.DecodeCursor(req.Cursor, &before); err != nil {
				return rest.Page[Experiment]{}, err
			}
			f := experiment.Filter{Alias: id.Alias(req.Alias), Text: req.Text}
			for _, word := range req.Status {
				f.Status = append(f.Status, experiment.Status(word))
			}
			found, more, err := s.List(ctx, in, f, before, req.Limit)
			return rest.PageFrom(found, more, toExperiment, func(e experiment.Experiment) any { return e.ID }), err
		})
}

type oneRequest struct {
	ID string `path:"id"`
}

// Read is one experiment with its newest reading.
func Read(s *experiment.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read an experiment", Errors: []*fault.Error{experiment.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Experiment, error) {
			e, err := s.Experiment(ctx, in, id.Experiment(req.ID))
			return toExperiment(e), err
		})
}

type updateRequest struct {
	rest.Match
	ID   string `path:"id"`
	Body Plan
}

// Update gives a draft another plan.
func Update(s *experiment.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Change a draft", Description: "The whole plan. What was started does not change any more.",
		Errors: []*fault.Error{experiment.ErrInvalid, errMoney, experiment.ErrNotFound, experiment.ErrNotDraft},
	},
		func(ctx context.Context, in tenant.Scope, req updateRequest) (Experiment, error) {
			p, err := fromPlan(req.Body)
			if err != nil {
				return Experiment{}, err
			}
			e, err := s.Update(ctx, in, id.Experiment(req.ID), p, func(now experiment.Experiment) error { return req.Check(toExperiment(now).Tag()) })
			return toExperiment(e), err
		})
}

// Delete removes a draft.
func Delete(s *experiment.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Delete a draft", Description: "What was started stays, as a record of what was found out.",
		Errors: []*fault.Error{experiment.ErrNotFound, experiment.ErrNotDraft},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (rest.None, error) {
			return rest.None{}, s.Delete(ctx, in, id.Experiment(req.ID))
		})
}

// Start deals the alias's units from now on.
func Start(s *experiment.Service) rest.Endpoint {
	return act("Start an experiment", "Every proxy deals the alias's units within a second. Its plan does not change any more.", s.Start,
		experiment.ErrNotDraft, experiment.ErrBusy, experiment.ErrNotConnected, experiment.ErrInvalid, prompt.ErrProtected)
}

// Stop ends a running experiment.
func Stop(s *experiment.Service) rest.Endpoint {
	return act("Stop an experiment", "The alias serves every unit again.", s.Stop, experiment.ErrNotRunning)
}

// Rollback takes a promotion back.
func Rollback(s *experiment.Service) rest.Endpoint {
	return act("Roll a promotion back", "The alias gets the route of before the promotion, as its next version.", s.Rollback,
		experiment.ErrNotPromoted, experiment.ErrMoved, experiment.ErrLabelMoved, prompt.ErrProtected)
}

func act(summary, description string, do func(context.Context, tenant.Scope, id.Experiment) (experiment.Experiment, error), errs ...*fault.Error) rest.Endpoint {
	return rest.Handle(rest.About{Summary: summary, Description: description, Errors: append([]*fault.Error{experiment.ErrNotFound}, errs...)},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Experiment, error) {
			e, err := do(ctx, in, id.Experiment(req.ID))
			return toExperiment(e), err
		})
}

type promoteRequest struct {
	ID   string `path:"id"`
	Body struct {
		Arm         string `json:"arm" maxLength:"64"`
		Immediately bool   `json:"immediately,omitempty" doc:"All units at once, instead of half of them for a day"`
	}
}

// Promote gives the alias to an arm.
func Promote(s *experiment.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Promote an arm",
		Description: "Half of the units for a day, then all by a new version of the alias; guardrails stay on for two days. An arm that names a version of a prompt " +
			"moves the label by which the alias's calls use it, or changes the number that the alias has bound.",
		Errors: []*fault.Error{prompt.ErrProtected, prompt.ErrApproval, experiment.ErrNotFound, experiment.ErrNoArm, experiment.ErrNoPromotion, experiment.ErrMoved, experiment.ErrBusy},
	},
		func(ctx context.Context, in tenant.Scope, req promoteRequest) (Experiment, error) {
			e, err := s.Promote(ctx, in, id.Experiment(req.ID), req.Body.Arm, experiment.Pace(req.Body.Immediately))
			return toExperiment(e), err
		})
}
