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

// ExperimentDrafts are drafts that were made together.
type ExperimentDrafts struct {
	Items []Experiment `json:"items"`
}

type versusRequest struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		A     int    `json:"a" minimum:"1" doc:"Number of the version that is the control"`
		B     int    `json:"b" minimum:"1" doc:"Number of the version that is tried"`
		Alias string `json:"alias,omitempty" maxLength:"64" doc:"Id of the alias; left out: every alias that has the prompt bound or used it in the last seven days, at most ten"`
	}
}

// Versus makes drafts that compare two versions of a prompt.
func Versus(s *experiment.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary:     "Plan experiments with two versions of a prompt",
		Description: "Makes a draft for each alias that uses the prompt, with both versions filled in. Nothing changes for any call until one is started.", Status: http.StatusCreated,
		Errors: []*fault.Error{prompt.ErrNotFound, experiment.ErrInvalid},
	},
		func(ctx context.Context, in tenant.Scope, req versusRequest) (ExperimentDrafts, error) {
			made, err := s.Versus(ctx, in, id.Prompt(req.ID), req.Body.A, req.Body.B, id.Alias(req.Body.Alias))
			out := ExperimentDrafts{Items: make([]Experiment, 0, len(made))}
			for i := range made {
				out.Items = append(out.Items, toExperiment(made[i]))
			}
			return out, err
		})
}
