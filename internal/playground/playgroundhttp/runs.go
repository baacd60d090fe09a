package playgroundhttp

import (
	"context"
	"net/http"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/playground"
	"tollgate/internal/prompt"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

type startRequest struct {
	Body struct {
		Name    string            `json:"name" maxLength:"200"`
		Team    string            `json:"team_id,omitempty" maxLength:"64" doc:"Whose playground pays; absent: the organization's first team's"`
		Setup   PlaygroundSetup   `json:"setup"`
		Dataset string            `json:"dataset" maxLength:"1048576" doc:"CSV whose first line names the variables, or a JSON object a line. The field expected is what answers are held against; message takes the place of the setup's."`
		Checks  []PlaygroundCheck `json:"checks,omitempty" maxItems:"8"`
		Judge   *PlaygroundJudge  `json:"judge,omitempty"`
	}
}

// Start makes a run.
func Start(s *playground.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Run a dataset in the playground", Status: http.StatusCreated,
		Description: "In the background, with the playground's key of a team: the calls cost money of its budget. A row that was asked is not asked again, whatever happens.",
		Errors:      []*fault.Error{playground.ErrInvalid, playground.ErrData, playground.ErrOff, prompt.ErrNotFound, key.ErrNoTeam},
	},
		func(ctx context.Context, in tenant.Scope, req startRequest) (PlaygroundRun, error) {
			n := playground.NewRun{Name: req.Body.Name, Team: id.Team(req.Body.Team), Setup: fromSetup(req.Body.Setup), Dataset: []byte(req.Body.Dataset), Judge: (*playground.Judge)(req.Body.Judge)}
			for _, c := range req.Body.Checks {
				n.Checks = append(n.Checks, playground.Check(c))
			}
			r, err := s.Start(ctx, in, n)
			return toRun(r), err
		})
}

type listRequest struct{ rest.PageQuery }

// List lists runs, newest first.
func List(s *playground.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List the playground's runs", Description: "Newest first."},
		func(ctx context.Context, in tenant.Scope, req listRequest) (rest.Page[PlaygroundRun], error) {
			var after id.PlaygroundRun
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[PlaygroundRun]{}, err
			}
			found, more, err := s.Runs(ctx, in, after, req.Limit)
			return rest.PageFrom(found, more, toRun, func(r playground.Run) any { return r.ID }), err
		})
}

type oneRequest struct {
	ID string `path:"id"`
}

// Read is one run with the sums of its columns.
func Read(s *playground.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a run of the playground", Errors: []*fault.Error{playground.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (PlaygroundRun, error) {
			r, err := s.Run(ctx, in, id.PlaygroundRun(req.ID))
			if err != nil {
				return PlaygroundRun{}, err
			}
			totals, err := s.Totals(ctx, in, &r)
			out := toRun(r)
			for _, t := range totals {
				out.Totals = append(out.Totals, toTotal(t))
			}
			return out, err
		})
}

type rowsRequest struct {
	rest.PageQuery
	rest.FormatQuery
	ID string `path:"id"`
}

// Rows lists the rows of a run with their results.
func Rows(s *playground.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List the rows of a run", Description: "In the order of the dataset, with what became of them. format=csv answers all rows behind the cursor.", Errors: []*fault.Error{playground.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req rowsRequest) (PlaygroundRows, error) {
			var after int
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return PlaygroundRows{}, err
			}
			limit := req.Limit
			if req.Format == "csv" { // a table is whole
				limit = playground.RowsMax
			}
			lines, more, err := s.Lines(ctx, in, id.PlaygroundRun(req.ID), after, limit)
			page := rest.PageFrom(lines, more, toRow, func(l playground.Line) any { return l.Row.Number })
			return PlaygroundRows{Items: page.Items, NextCursor: page.NextCursor}, err
		})
}

// Cancel ends a run.
func Cancel(s *playground.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Cancel a run", Description: "Calls under way are cut within two seconds. What is there stays; it can be resumed.",
		Errors: []*fault.Error{playground.ErrNotFound, playground.ErrOver},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (PlaygroundRun, error) {
			r, err := s.Cancel(ctx, in, id.PlaygroundRun(req.ID))
			return toRun(r), err
		})
}

type resumeRequest struct {
	ID   string `path:"id"`
	Body struct {
		Again bool `json:"failed_again,omitempty" doc:"Ask for rows that failed again, which costs again"`
	}
}

// Resume goes on with a run that is paused or cancelled.
func Resume(s *playground.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Go on with a run", Description: "With the rows that have no result.", Errors: []*fault.Error{playground.ErrNotFound, playground.ErrOver},
	},
		func(ctx context.Context, in tenant.Scope, req resumeRequest) (PlaygroundRun, error) {
			r, err := s.Resume(ctx, in, id.PlaygroundRun(req.ID), req.Body.Again)
			return toRun(r), err
		})
}

// PlaygroundKey is the key that a team's playground calls with. Nobody has its secret.
type PlaygroundKey struct {
	Team   string `json:"team_id"`
	Key    string `json:"key_id,omitempty" doc:"Absent: it is made when somebody first runs something"`
	Budget string `json:"budget_id,omitempty" doc:"Absent: it has none, or it was archived"`
	Limit  string `json:"limit_nano_usd,omitempty"`
	Left   string `json:"left_nano_usd,omitempty"`
}

type keyRequest struct {
	Team string `query:"team_id" maxLength:"64" doc:"Absent: the organization's first team"`
}

// Key tells which key the playground of a team calls with.
func Key(s *playground.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read the playground's key of a team", Errors: []*fault.Error{key.ErrNoTeam}},
		func(ctx context.Context, in tenant.Scope, req keyRequest) (PlaygroundKey, error) {
			t, _, err := s.Peek(ctx, in, id.Team(req.Team))
			out := PlaygroundKey{Team: string(t.Team.ID), Key: string(t.Key.ID), Budget: string(t.Budget)}
			if t.Left != nil && len(t.Left.Meters) > 0 {
				m := t.Left.Tightest()
				out.Limit, out.Left = nano(m.Limit), nano(m.Left())
			}
			return out, err
		})
}
