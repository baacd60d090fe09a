package callloghttp

import "tollgate/internal/calllog"

// Decision is why a call went where it went, as data.
type Decision struct {
	Strategy   string      `json:"strategy,omitempty" doc:"How the targets were ordered"`
	Rule       string      `json:"rule,omitempty" doc:"Name or condition of the rule that held"`
	Sticky     bool        `json:"sticky" doc:"The same unit gets the same target"`
	Filters    []string    `json:"filters" doc:"What the request itself asked for"`
	Features   []Feature   `json:"features" doc:"What the classifier of tasks saw"`
	Candidates []Candidate `json:"candidates" doc:"Every target, also those passed over"`
	Notes      []string    `json:"notes" doc:"Whatever else decided"`
}

// Feature is one thing that the classifier counted.
type Feature struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Weight float64 `json:"weight"`
}

// Candidate is a target that was considered.
type Candidate struct {
	Provider     string `json:"provider"`
	Model        string `json:"model"`
	CredentialID string `json:"credential_id,omitempty"`
	Place        int    `json:"place" doc:"In the order of trying, from 1; 0: passed over"`
	Why          string `json:"why"`
}

func toDecision(d *calllog.Decision) *Decision {
	if d == nil {
		return nil
	}
	out := &Decision{
		Strategy: d.Strategy, Rule: d.Rule, Sticky: d.Sticky, Filters: append([]string{}, d.Filters...), Notes: append([]string{}, d.Notes...),
		Features: []Feature{}, Candidates: []Candidate{},
	}
	for _, f := range d.Features {
		out.Features = append(out.Features, Feature(f))
	}
	for _, c := range d.Candidates {
		out.Candidates = append(out.Candidates, Candidate{Provider: c.Provider, Model: c.Model, CredentialID: string(c.Credential), Place: c.Place, Why: c.Why})
	}
	return out
}
