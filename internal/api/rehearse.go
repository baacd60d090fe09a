package api

import (
	"context"
	"strconv"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliashttp"
	"tollgate/internal/fault"
	"tollgate/internal/money"
	"tollgate/internal/rest"
	"tollgate/internal/route/rehearse"
	"tollgate/internal/tenant"
)

// rehearsal is what a routing file would have meant for yesterday's calls.
type rehearsal struct {
	Day    time.Time `json:"day" doc:"Its begin, UTC"`
	Calls  int       `json:"calls" doc:"Of the day"`
	Looked int       `json:"looked_at" doc:"At so many of them; fewer than calls: all figures are estimates for the whole day"`
	Effect
	Aliases []aliasEffect `json:"aliases"`
}

// Effect is what becomes of a number of calls.
type Effect struct {
	Moved    int    `json:"moved" doc:"Calls that would have gone to another model or provider"`
	Refused  int    `json:"refused" doc:"Calls that would have gone nowhere"`
	Freed    int    `json:"freed" doc:"Calls that went nowhere and would have been sent"`
	Unpriced int    `json:"unpriced" doc:"Moved calls without a known price; they are in no sum"`
	Before   string `json:"before_nano_usd" doc:"Cost under the file that stands"`
	After    string `json:"after_nano_usd" doc:"Cost under the proposed file"`
}

type aliasEffect struct {
	Alias   string   `json:"alias"`
	Changes []string `json:"changes" doc:"What the file changes in it, in words"`
	Calls   int      `json:"calls"`
	Effect
	Why string `json:"why_refused,omitempty" doc:"The first reason"`
}

func toEffect(e rehearse.Effect) Effect {
	text := func(n money.NanoUSD) string { return strconv.FormatInt(int64(n), 10) }
	return Effect{Moved: e.Moved, Refused: e.Refused, Freed: e.Freed, Unpriced: e.Unpriced, Before: text(e.Before), After: text(e.After)}
}

func toRehearsal(r rehearse.Result) rehearsal {
	out := rehearsal{Day: r.Day, Calls: r.Calls, Looked: r.Looked, Effect: toEffect(r.Effect), Aliases: make([]aliasEffect, len(r.Rows))}
	for i, row := range r.Rows {
		changes := row.Changes
		if changes == nil {
			changes = []string{}
		}
		out.Aliases[i] = aliasEffect{Alias: row.Alias, Changes: changes, Calls: row.Calls, Effect: toEffect(row.Effect), Why: row.Why}
	}
	return out
}

type rehearseRequest struct{ Body aliashttp.Input }

// rehearseRouting tells what a file would have meant for yesterday's calls. It stands here because it joins what no domain may join.
func rehearseRouting(aliases *alias.Service, s *rehearse.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Rehearse a routing file",
		Description: "Resolves yesterday's calls (of a busy day, an even sample) under the file that stands and under the one sent, and prices both. Nothing is sent " +
			"to a provider and nothing is changed.",
		Errors: []*fault.Error{alias.ErrFile},
	},
		func(ctx context.Context, in tenant.Scope, req rehearseRequest) (rehearsal, error) {
			d, err := req.Body.Valid(ctx, aliases, in)
			if err != nil {
				return rehearsal{}, err
			}
			r, err := s.Rehearse(ctx, in, d.File)
			return toRehearsal(r), err
		})
}
