package playground

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tollgate/internal/id"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
)

// NewRun is a run to be made.
type NewRun struct {
	Name    string
	Team    id.Team // zero: the organization's first
	Setup   Setup
	Dataset []byte // see ParseDataset
	Checks  []Check
	Judge   *Judge
}

// rubricMax bounds a judge's rubric.
const rubricMax = 8 << 10

func (n *NewRun) check() error {
	if err := n.Setup.check(); err != nil {
		return err
	}
	switch {
	case n.Name == "" || utf8.RuneCountInString(n.Name) > 200 || strings.ContainsAny(n.Name, "\n\r\x00"):
		return invalid("name", "A name has 1 to 200 characters on one line.")
	case len(n.Checks) > checksMax:
		return invalid("checks", "There are at most %d checks.", checksMax)
	case n.Judge != nil && (n.Judge.Alias == "" || len(n.Judge.Alias) > modelMax):
		return invalid("judge.alias", "Name the alias, or the provider/model, that judges.")
	case n.Judge != nil && (strings.TrimSpace(n.Judge.Rubric) == "" || len(n.Judge.Rubric) > rubricMax):
		return invalid("judge.rubric", "Say in at most 8 KiB what a good answer is.")
	}
	for i := range n.Checks {
		if err := n.Checks[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// Start makes a run; a worker does it. Every column is tried with the first row before anything is stored: ErrInvalid, ErrData, and what
// is wrong with a prompt or its variables.
func (s *Service) Start(ctx context.Context, in tenant.Scope, n NewRun) (Run, error) {
	if err := in.Allow(tenant.UsePlayground); err != nil {
		return Run{}, err
	}
	n.Name = strings.TrimSpace(n.Name)
	if err := n.check(); err != nil {
		return Run{}, err
	}
	rows, err := ParseDataset(n.Dataset)
	if err != nil {
		return Run{}, err
	}
	for i := range n.Setup.Columns {
		if _, err := s.rowRequest(ctx, in, &n.Setup, i, &rows[0]); err != nil {
			return Run{}, err
		}
	}
	till, err := s.Till(ctx, in, n.Team)
	if err != nil {
		return Run{}, err
	}
	r := Run{
		ID: id.PlaygroundRun(id.New("prun")), Name: n.Name, Team: till.Team.ID, Key: till.Key.ID, Setup: n.Setup, Checks: n.Checks, Judge: n.Judge,
		Status: Running, Rows: len(rows), CreatedAt: s.Now().UTC().Truncate(time.Microsecond), CreatedBy: in.Actor().ID(), Revision: 1,
	}
	return r, s.Store.InsertRun(ctx, in, r, rows)
}

// rowRequest is the call of a column for a row.
func (s *Service) rowRequest(ctx context.Context, in tenant.Scope, set *Setup, column int, row *Row) (Request, error) {
	one := *set
	ch, err := s.Choose(ctx, in, &set.Columns[column])
	if err != nil {
		return Request{}, err
	}
	one.Variables = map[string]json.RawMessage{}
	for name, raw := range set.Variables {
		one.Variables[name] = raw
	}
	for name, raw := range row.Variables {
		one.Variables[name] = typed(name, raw, ch.Content.Variables)
	}
	if row.Message != "" {
		one.Message = row.Message
	}
	return s.Request(ctx, in, &one, &set.Columns[column], false)
}

// typed reads a text as what the prompt declares the variable to be. One that is not that stays a text, which the prompt then refuses.
func typed(name string, raw json.RawMessage, declared []template.Variable) json.RawMessage {
	i := slices.IndexFunc(declared, func(v template.Variable) bool { return v.Name == name })
	if i < 0 || declared[i].Kind == template.String || declared[i].Kind == template.Enum || len(raw) == 0 || raw[0] != '"' {
		return raw
	}
	if text := strings.TrimSpace(plainText(raw)); json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return raw
}

// Typed is a text from a form as the prompt declares the variable to be.
func Typed(name, text string, declared []template.Variable) json.RawMessage {
	return typed(name, must(text), declared)
}

// Run finds one. ErrNotFound for another organization's too.
func (s *Service) Run(ctx context.Context, in tenant.Scope, which id.PlaygroundRun) (Run, error) {
	return s.Store.Run(ctx, in, which)
}

// Runs gives newest first the runs behind after (empty: from the newest), at most limit, and whether there are more.
func (s *Service) Runs(ctx context.Context, in tenant.Scope, after id.PlaygroundRun, limit int) ([]Run, bool, error) {
	list, err := s.Store.Runs(ctx, in, after, limit+1)
	if err != nil || len(list) <= limit {
		return list, false, err
	}
	return list[:limit], true, nil
}

// Lines gives the rows behind a number with what became of them, at most limit, and whether there are more.
func (s *Service) Lines(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, after, limit int) ([]Line, bool, error) {
	list, err := s.Store.Lines(ctx, in, which, after, limit+1, false)
	if err != nil || len(list) <= limit {
		return list, false, err
	}
	return list[:limit], true, nil
}

// Cancel ends a run: calls under way are cut, within a second or two, and nothing more is asked. What is there stays.
func (s *Service) Cancel(ctx context.Context, in tenant.Scope, which id.PlaygroundRun) (Run, error) {
	return s.Store.ChangeRun(ctx, in, which, func(r *Run) error {
		if r.Status == Cancelled || r.Status == Done {
			return ErrOver
		}
		r.Status, r.Reason, r.EndedAt = Cancelled, "", s.Now().UTC()
		return nil
	})
}

// Resume goes on with a run that is paused or cancelled, with the rows that have no result. again asks for those that failed too, also of
// a run that is done: that is another call, which costs again.
func (s *Service) Resume(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, again bool) (Run, error) {
	r, err := s.Store.ChangeRun(ctx, in, which, func(r *Run) error {
		switch {
		case r.Status == Running && !again:
			return nil
		case r.Status == Done && (!again || r.Failed == 0):
			return ErrOver
		}
		r.Status, r.Reason, r.EndedAt = Running, "", time.Time{}
		return nil
	})
	if err != nil || !again {
		return r, err
	}
	if err := s.Store.Forget(ctx, in, which); err != nil {
		return r, err
	}
	return s.Store.Run(ctx, in, which)
}

// Totals sums the columns of a run up.
func (s *Service) Totals(ctx context.Context, in tenant.Scope, r *Run) ([]Total, error) {
	out := make([]Total, len(r.Setup.Columns))
	times := make([][]time.Duration, len(out))
	for i := range out {
		out[i] = Total{Column: i, Passed: make([]int, len(r.Checks))}
	}
	for after := 0; ; {
		lines, err := s.Store.Lines(ctx, in, r.ID, after, 200, true)
		if err != nil {
			return nil, err
		}
		for i := range lines {
			for j := range lines[i].Results {
				one := &lines[i].Results[j]
				if one.Column < len(out) && !one.Pending {
					out[one.Column].add(one)
					if one.Answer.OK() {
						times[one.Column] = append(times[one.Column], one.Answer.Took)
					}
				}
			}
			after = lines[i].Row.Number
		}
		if len(lines) < 200 {
			break
		}
	}
	for i := range out {
		if n := len(times[i]); n > 0 {
			slices.Sort(times[i])
			out[i].Median = times[i][(n-1)/2]
		}
	}
	return out, nil
}

func (t *Total) add(r *Result) {
	if !r.Answer.OK() {
		t.Failed++
	} else {
		t.OK++
	}
	if r.Answer.Cost >= 0 {
		t.Cost += r.Answer.Cost
	} else if r.Answer.Status != 0 {
		t.Unpriced++
	}
	t.Cost += max(r.JudgeCost, 0)
	t.Input, t.Output = t.Input+r.Answer.Input, t.Output+r.Answer.Output
	for i := range min(len(t.Passed), len(r.Verdicts)) {
		if r.Verdicts[i].OK {
			t.Passed[i]++
		}
	}
	if r.Score != nil {
		t.MeanScore = (t.MeanScore*float64(t.Scored) + *r.Score) / float64(t.Scored+1)
		t.Scored++
	}
}
