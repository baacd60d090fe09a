// Package playgroundhttp is the JSON face of the playground's runs and of its key.
package playgroundhttp

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/playground"
	"tollgate/internal/rest"
)

// PlaygroundSetup is what is tried.
type PlaygroundSetup struct {
	Columns   []PlaygroundColumn         `json:"columns" minItems:"1" maxItems:"3"`
	Message   string                     `json:"message,omitempty" doc:"Of the user, behind what the prompt says"`
	Images    []string                   `json:"images,omitempty" maxItems:"4" doc:"Beside the message: https addresses, or data URLs"`
	Variables map[string]json.RawMessage `json:"variables,omitempty"`
	Tools     json.RawMessage            `json:"tools,omitempty" doc:"In the form of OpenAI's chat"`
	Schema    json.RawMessage            `json:"schema,omitempty" doc:"JSON Schema of the answer"`
}

// PlaygroundColumn is one side.
type PlaygroundColumn struct {
	Model       string   `json:"model,omitempty" maxLength:"320" doc:"An alias, or provider/model; absent: the prompt's alias"`
	Prompt      string   `json:"prompt_id,omitempty" maxLength:"64"`
	Version     int      `json:"prompt_version,omitempty" minimum:"0"`
	Label       string   `json:"prompt_label,omitempty" maxLength:"36" doc:"With neither version nor label: production"`
	Draft       string   `json:"draft,omitempty" doc:"The prompt's text while it is being edited"`
	Temperature *float64 `json:"temperature,omitempty" minimum:"0" maximum:"2"`
	TopP        *float64 `json:"top_p,omitempty" minimum:"0" maximum:"1"`
	MaxTokens   int      `json:"max_tokens,omitempty" minimum:"0"`
}

func fromSetup(s PlaygroundSetup) playground.Setup {
	out := playground.Setup{Message: s.Message, Images: s.Images, Variables: s.Variables, Tools: s.Tools, Schema: s.Schema}
	for _, c := range s.Columns {
		out.Columns = append(out.Columns, playground.Column{
			Model: c.Model, Prompt: id.Prompt(c.Prompt), Version: c.Version, Label: c.Label, Draft: c.Draft, Temperature: c.Temperature, TopP: c.TopP, MaxTokens: c.MaxTokens,
		})
	}
	return out
}

func toSetup(s playground.Setup) PlaygroundSetup {
	out := PlaygroundSetup{Message: s.Message, Images: s.Images, Variables: s.Variables, Tools: s.Tools, Schema: s.Schema}
	for _, c := range s.Columns {
		out.Columns = append(out.Columns, PlaygroundColumn{
			Model: c.Model, Prompt: string(c.Prompt), Version: c.Version, Label: c.Label, Draft: c.Draft, Temperature: c.Temperature, TopP: c.TopP, MaxTokens: c.MaxTokens,
		})
	}
	return out
}

// PlaygroundCheck is held against every answer.
type PlaygroundCheck struct {
	Kind  string `json:"kind" enum:"equals,contains,matches,schema"`
	Value string `json:"value,omitempty" doc:"Absent: the row's field expected"`
}

// PlaygroundJudge is a model that scores answers from 0 to 1.
type PlaygroundJudge struct {
	Alias  string `json:"alias" maxLength:"320" doc:"Or provider/model"`
	Rubric string `json:"rubric" maxLength:"8192" doc:"What a good answer is"`
}

// PlaygroundRun asks the columns of a setup for every row of a dataset.
type PlaygroundRun struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Team      string            `json:"team_id"`
	Key       string            `json:"key_id" doc:"With which its calls are made"`
	Setup     PlaygroundSetup   `json:"setup"`
	Checks    []PlaygroundCheck `json:"checks"`
	Judge     *PlaygroundJudge  `json:"judge,omitempty"`
	Status    string            `json:"status" enum:"running,paused,cancelled,done"`
	Reason    string            `json:"reason,omitempty" doc:"Why it is paused"`
	Rows      int               `json:"rows"`
	Calls     int               `json:"calls" doc:"Rows times columns"`
	Asked     int               `json:"asked" doc:"Results that are there, failed ones among them"`
	Failed    int               `json:"failed"`
	Totals    []PlaygroundTotal `json:"totals,omitempty" doc:"One for each column; where one run is read"`
	CreatedAt time.Time         `json:"created_at"`
	CreatedBy string            `json:"created_by"`
	EndedAt   *time.Time        `json:"ended_at,omitempty"`
}

func toRun(r playground.Run) PlaygroundRun {
	out := PlaygroundRun{
		ID: string(r.ID), Name: r.Name, Team: string(r.Team), Key: string(r.Key), Setup: toSetup(r.Setup), Checks: []PlaygroundCheck{}, Status: string(r.Status),
		Reason: r.Reason, Rows: r.Rows, Calls: r.Tasks(), Asked: r.Asked, Failed: r.Failed, CreatedAt: r.CreatedAt, CreatedBy: r.CreatedBy,
	}
	for _, c := range r.Checks {
		out.Checks = append(out.Checks, PlaygroundCheck(c))
	}
	if r.Judge != nil {
		out.Judge = (*PlaygroundJudge)(r.Judge)
	}
	if !r.EndedAt.IsZero() {
		out.EndedAt = &r.EndedAt
	}
	return out
}

// PlaygroundTotal sums up a column.
type PlaygroundTotal struct {
	OK       int      `json:"ok"`
	Failed   int      `json:"failed"`
	Cost     string   `json:"cost_nano_usd" doc:"With that of the judge"`
	Unpriced int      `json:"unpriced" doc:"Calls whose cost is not known"`
	Input    int64    `json:"input_tokens"`
	Output   int64    `json:"output_tokens"`
	Median   int64    `json:"median_us" doc:"Of answers that came, in microseconds"`
	Passed   []int    `json:"passed" doc:"Answers that met each check"`
	Scored   int      `json:"scored"`
	Score    *float64 `json:"mean_score,omitempty"`
}

func toTotal(t playground.Total) PlaygroundTotal {
	out := PlaygroundTotal{
		OK: t.OK, Failed: t.Failed, Cost: nano(t.Cost), Unpriced: t.Unpriced, Input: t.Input, Output: t.Output, Median: t.Median.Microseconds(),
		Passed: append([]int{}, t.Passed...), Scored: t.Scored,
	}
	if t.Scored > 0 {
		out.Score = &t.MeanScore
	}
	return out
}

func nano(n money.NanoUSD) string { return strconv.FormatInt(int64(n), 10) }

// PlaygroundRow is a row of the dataset with what became of it.
type PlaygroundRow struct {
	Number    int                        `json:"number"`
	Variables map[string]json.RawMessage `json:"variables"`
	Message   string                     `json:"message,omitempty"`
	Expected  string                     `json:"expected,omitempty"`
	Results   []PlaygroundResult         `json:"results" doc:"Of the columns that were asked"`
}

// PlaygroundResult is what became of one call.
type PlaygroundResult struct {
	Column    int                 `json:"column" doc:"From 0"`
	Pending   bool                `json:"pending" doc:"It is being asked"`
	Call      string              `json:"call_id,omitempty"`
	Status    int                 `json:"status,omitempty"`
	Text      string              `json:"text,omitempty"`
	Tools     []PlaygroundTool    `json:"tool_calls,omitempty"`
	Model     string              `json:"model,omitempty"`
	Provider  string              `json:"provider,omitempty"`
	Error     string              `json:"error,omitempty"`
	Code      string              `json:"error_code,omitempty"`
	Cost      *string             `json:"cost_nano_usd,omitempty" doc:"Absent: not known"`
	Input     int64               `json:"input_tokens"`
	Output    int64               `json:"output_tokens"`
	First     int64               `json:"first_us"`
	Took      int64               `json:"took_us"`
	Verdicts  []PlaygroundVerdict `json:"verdicts"`
	Score     *float64            `json:"score,omitempty"`
	Note      string              `json:"note,omitempty" doc:"The judge's reason"`
	JudgeCall string              `json:"judge_call_id,omitempty"`
}

// PlaygroundTool is a tool that the model wants called.
type PlaygroundTool struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// PlaygroundVerdict is what became of a check.
type PlaygroundVerdict struct {
	Kind string `json:"kind"`
	OK   bool   `json:"ok"`
	Note string `json:"note,omitempty"`
}

func toRow(l playground.Line) PlaygroundRow {
	out := PlaygroundRow{Number: l.Row.Number, Variables: l.Row.Variables, Message: l.Row.Message, Expected: l.Row.Expected, Results: []PlaygroundResult{}}
	for i := range l.Results {
		out.Results = append(out.Results, toResult(&l.Results[i]))
	}
	return out
}

func toResult(r *playground.Result) PlaygroundResult {
	a := &r.Answer
	out := PlaygroundResult{
		Column: r.Column, Pending: r.Pending, Status: a.Status, Text: a.Text, Model: a.Model, Provider: a.Provider, Error: a.Error, Code: a.Code,
		Input: a.Input, Output: a.Output, First: a.First.Microseconds(), Took: a.Took.Microseconds(), Verdicts: []PlaygroundVerdict{}, Score: r.Score, Note: r.Note,
	}
	if a.Call != (id.Call{}) {
		out.Call = a.Call.String()
	}
	if r.JudgeCall != (id.Call{}) {
		out.JudgeCall = r.JudgeCall.String()
	}
	if a.Cost >= 0 && !r.Pending {
		cost := nano(a.Cost)
		out.Cost = &cost
	}
	for _, t := range a.Tools {
		out.Tools = append(out.Tools, PlaygroundTool(t))
	}
	for _, v := range r.Verdicts {
		out.Verdicts = append(out.Verdicts, PlaygroundVerdict(v))
	}
	return out
}

// PlaygroundRows is a page of rows, also as a table with a line for each result.
type PlaygroundRows struct {
	Items      []PlaygroundRow `json:"items"`
	NextCursor string          `json:"next_cursor,omitempty" doc:"Of the next page; absent on the last page"`
}

// WriteCSV writes the page as a table. Text that people and models chose cannot be a formula in it.
func (p PlaygroundRows) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"row", "column", "variables", "message", "expected", "answer", "error", "model", "cost_nano_usd", "input_tokens", "output_tokens", "first_us", "took_us", "checks_passed", "checks", "score", "call_id"}); err != nil {
		return err
	}
	for i := range p.Items {
		row := &p.Items[i]
		variables, err := json.Marshal(row.Variables)
		if err != nil {
			return err
		}
		for j := range row.Results {
			if err := out.Write(row.Results[j].cells(row, string(variables))); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

func (r *PlaygroundResult) cells(row *PlaygroundRow, variables string) []string {
	cost, score, passed := "", "", 0
	if r.Cost != nil {
		cost = *r.Cost
	}
	if r.Score != nil {
		score = strconv.FormatFloat(*r.Score, 'f', -1, 64)
	}
	for _, v := range r.Verdicts {
		if v.OK {
			passed++
		}
	}
	return []string{
		strconv.Itoa(row.Number), playground.Letter(r.Column), rest.Cell(variables), rest.Cell(row.Message), rest.Cell(row.Expected), rest.Cell(r.Text), rest.Cell(r.Error), rest.Cell(r.Model),
		cost, strconv.FormatInt(r.Input, 10), strconv.FormatInt(r.Output, 10), strconv.FormatInt(r.First, 10), strconv.FormatInt(r.Took, 10),
		strconv.Itoa(passed), strconv.Itoa(len(r.Verdicts)), score, r.Call,
	}
}
