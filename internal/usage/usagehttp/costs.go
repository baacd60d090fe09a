// Package usagehttp is the JSON face of usage: what was spent on what.
package usagehttp

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
)

// Service is what the endpoints need; *usage.Service is it.
type Service interface {
	Costs(ctx context.Context, in tenant.Scope, q usage.Query) (usage.Costs, error)
}

// errTime and errZone are failures of the query string.
var (
	errTime = fault.New(fault.Invalid, "usage.bad_time", "A time looks like 2030-01-31 or 2030-01-31T12:00:00Z.")
	errZone = fault.New(fault.Invalid, "usage.bad_time_zone", "A time zone has a name like Europe/Berlin.").At("time_zone")
)

// Figures are sums. Money is exact decimal text.
type Figures struct {
	Calls          int64            `json:"calls"`
	Errors         int64            `json:"errors" doc:"Of the calls: refused, failed, broken or interrupted"`
	Units          map[string]int64 `json:"units" doc:"Tokens and other units by disjoint class; classes with none are left out"`
	InputTokens    int64            `json:"input_tokens" doc:"All input tokens, however served"`
	OutputTokens   int64            `json:"output_tokens" doc:"All output tokens, reasoning included"`
	CostNanoUSD    string           `json:"cost_nano_usd"`
	CostUSD        string           `json:"cost_usd"`
	UnpricedCalls  int64            `json:"unpriced_calls" doc:"Calls whose cost is not known, and not in cost"`
	EstimatedCalls int64            `json:"estimated_calls" doc:"Calls whose usage is an estimate"`
}

// CostRow is one line: a bucket and a combination of values.
type CostRow struct {
	At     *time.Time        `json:"at,omitempty" doc:"Start of the bucket"`
	Values map[string]string `json:"values" doc:"Of the dimensions grouped by; empty text is none"`
	Names  map[string]string `json:"names,omitempty" doc:"Display names of ids in values"`
	Figures
}

// Costs is the answer, also as a table.
type Costs struct {
	From     time.Time  `json:"from"`
	To       time.Time  `json:"to"`
	TimeZone string     `json:"time_zone"`
	Bucket   string     `json:"bucket,omitempty"`
	GroupBy  []string   `json:"group_by"`
	Rows     []CostRow  `json:"rows"`
	Total    Figures    `json:"total"`
	UpTo     *time.Time `json:"up_to,omitempty" doc:"Every call that ended before is in these figures"`
}

type costsRequest struct {
	rest.FormatQuery
	From          string   `query:"from" maxLength:"40" doc:"A day, or an instant (RFC 3339), taken back to the start of its hour; default: 30 days before to"`
	To            string   `query:"to" maxLength:"40" doc:"A day or an instant; the range ends before it; default: now"`
	TimeZone      string   `query:"time_zone" maxLength:"64" doc:"Of days, like Europe/Berlin; default: UTC"`
	Bucket        string   `query:"bucket" enum:"hour,day" doc:"Rows for each hour or day; default: one for the whole range"`
	GroupBy       []string `query:"group_by" maxItems:"13" doc:"team, workflow, environment, task, alias, model, provider, endpoint, prompt, prompt_version, experiment, arm, key; several with commas"`
	Team          []string `query:"team,explode" maxItems:"100" doc:"Team id; repeat for alternatives. In every filter (none) stands for the empty value"`
	Workflow      []string `query:"workflow,explode" maxItems:"100"`
	Environment   []string `query:"environment,explode" maxItems:"100"`
	Alias         []string `query:"alias,explode" maxItems:"100"`
	Model         []string `query:"model,explode" maxItems:"100"`
	Provider      []string `query:"provider,explode" maxItems:"100"`
	Endpoint      []string `query:"endpoint,explode" maxItems:"20" doc:"chat, embeddings, images, …"`
	Task          []string `query:"task,explode" maxItems:"100"`
	Prompt        []string `query:"prompt,explode" maxItems:"100" doc:"Prompt id"`
	PromptVersion []string `query:"prompt_version,explode" maxItems:"100" doc:"Version of a prompt, like prompt_…@7"`
	Experiment    []string `query:"experiment,explode" maxItems:"100" doc:"Experiment id"`
	Arm           []string `query:"arm,explode" maxItems:"100" doc:"Of an experiment, as assigned"`
	Key           []string `query:"key,explode" maxItems:"100" doc:"Key id"`
}

// none stands for the empty value in a filter: an empty parameter counts as left out.
const none = "(none)"

// query reads the request. now is the default end.
func (r *costsRequest) query(now time.Time) (usage.Query, error) {
	q := usage.Query{Zone: time.UTC, Bucket: usage.Bucket(r.Bucket), Filter: map[usage.Dimension][]string{}, To: now}
	if r.TimeZone != "" {
		zone, err := time.LoadLocation(r.TimeZone)
		if err != nil || r.TimeZone == "Local" {
			return q, errZone.Because(err)
		}
		q.Zone = zone
	}
	var err error
	if r.To != "" {
		if q.To, err = parseTime(r.To, q.Zone); err != nil {
			return q, errTime.At("to")
		}
	}
	q.From = q.To.AddDate(0, 0, -30)
	if r.From != "" {
		if q.From, err = parseTime(r.From, q.Zone); err != nil {
			return q, errTime.At("from")
		}
	}
	for _, d := range r.GroupBy {
		q.GroupBy = append(q.GroupBy, usage.Dimension(strings.TrimSpace(d)))
	}
	for d, values := range map[usage.Dimension][]string{
		usage.Team: r.Team, usage.Workflow: r.Workflow, usage.Environment: r.Environment, usage.Alias: r.Alias, usage.Model: r.Model,
		usage.Provider: r.Provider, usage.Endpoint: r.Endpoint, usage.Task: r.Task, usage.Experiment: r.Experiment, usage.Arm: r.Arm, usage.Key: r.Key,
		usage.Prompt: r.Prompt, usage.PromptVersion: r.PromptVersion,
	} {
		for _, v := range values {
			if v == none {
				v = ""
			}
			q.Filter[d] = append(q.Filter[d], v)
		}
	}
	return q, nil
}

// parseTime reads an instant, or a day as its beginning in the zone.
func parseTime(s string, zone *time.Location) (time.Time, error) {
	if t, err := time.ParseInLocation(time.DateOnly, s, zone); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, s)
}

// Read answers what was spent. Routes /costs and /usage are both it: cost and units stand in one row.
func Read(s Service, now func() time.Time, summary string) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: summary,
		Description: "Sums by the dimensions asked for, of whole hours (UTC). What a call used counts for the provider and model of each attempt; the call itself counts " +
			"once, for the attempt that answered.",
		Errors: []*fault.Error{usage.ErrRange, usage.ErrLongRange, usage.ErrDimension, usage.ErrTooMany, errTime, errZone},
	}, func(ctx context.Context, in tenant.Scope, req costsRequest) (Costs, error) {
		q, err := req.query(now())
		if err != nil {
			return Costs{}, err
		}
		got, err := s.Costs(ctx, in, q)
		if err != nil {
			return Costs{}, err
		}
		return toCosts(q, got), nil
	})
}

func toCosts(q usage.Query, c usage.Costs) Costs {
	out := Costs{
		From: q.From, To: q.To, TimeZone: q.Zone.String(), Bucket: string(q.Bucket), GroupBy: []string{}, Rows: make([]CostRow, 0, len(c.Rows)),
		Total: toFigures(&c.Total),
	}
	if !c.UpTo.IsZero() {
		out.UpTo = &c.UpTo
	}
	for _, d := range q.GroupBy {
		out.GroupBy = append(out.GroupBy, string(d))
	}
	for i := range c.Rows {
		r := &c.Rows[i]
		row := CostRow{Values: make(map[string]string, len(r.Values)), Figures: toFigures(r)}
		if !r.At.IsZero() {
			row.At = &r.At
		}
		for d, v := range r.Values {
			row.Values[string(d)] = v
		}
		for d, v := range r.Names {
			if row.Names == nil {
				row.Names = make(map[string]string, len(r.Names))
			}
			row.Names[string(d)] = v
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

func toFigures(r *usage.Row) Figures {
	f := Figures{
		Calls: r.Calls, Errors: r.Errors, Units: map[string]int64{}, InputTokens: r.Units.InputTotal(), OutputTokens: r.Units.OutputTotal(),
		CostNanoUSD: strconv.FormatInt(int64(r.Cost), 10), CostUSD: r.Cost.USD(), UnpricedCalls: r.Unpriced, EstimatedCalls: r.Estimated,
	}
	for c, n := range r.Units {
		if n != 0 {
			f.Units[chat.Class(c).String()] = n
		}
	}
	return f
}

// WriteCSV writes the rows as a table; ids that have names get a column for them, and units that no chat has stand at its end, where
// there are any.
func (c Costs) WriteCSV(w io.Writer) error {
	var head []string
	if c.Bucket != "" {
		head = append(head, "at")
	}
	for _, d := range c.GroupBy {
		head = append(head, d)
		if named(d) {
			head = append(head, d+"_name")
		}
	}
	head = append(head, "calls", "errors")
	for class := range chat.Common {
		head = append(head, class.String())
	}
	head = append(head, "cost_usd", "cost_nano_usd", "unpriced_calls", "estimated_calls")
	rare := c.rare()
	for _, class := range rare {
		head = append(head, class.String())
	}
	out := csv.NewWriter(w)
	if err := out.Write(head); err != nil {
		return err
	}
	for i := range c.Rows {
		if err := out.Write(c.line(&c.Rows[i], rare)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// rare are the classes beyond those of chat that the rows have.
func (c Costs) rare() []chat.Class {
	var seen chat.Units
	for i := range c.Rows {
		for class := range chat.Classes {
			seen[class] |= c.Rows[i].Units[class.String()]
		}
	}
	return chat.Rare(seen)
}

func (c Costs) line(r *CostRow, rare []chat.Class) []string {
	var line []string
	if c.Bucket != "" && r.At != nil {
		line = append(line, r.At.Format(time.RFC3339))
	}
	for _, d := range c.GroupBy {
		line = append(line, rest.Cell(r.Values[d]))
		if named(d) {
			line = append(line, rest.Cell(r.Names[d]))
		}
	}
	line = append(line, strconv.FormatInt(r.Calls, 10), strconv.FormatInt(r.Errors, 10))
	for class := range chat.Common {
		line = append(line, strconv.FormatInt(r.Units[class.String()], 10))
	}
	line = append(line, r.CostUSD, r.CostNanoUSD, strconv.FormatInt(r.UnpricedCalls, 10), strconv.FormatInt(r.EstimatedCalls, 10))
	for _, class := range rare {
		line = append(line, strconv.FormatInt(r.Units[class.String()], 10))
	}
	return line
}

func named(dimension string) bool {
	switch usage.Dimension(dimension) { //nolint:exhaustive // the others are their own names
	case usage.Team, usage.Key, usage.Experiment, usage.Prompt, usage.PromptVersion:
		return true
	}
	return false
}
