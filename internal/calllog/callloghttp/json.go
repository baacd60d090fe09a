// Package callloghttp is the JSON face of the call log: pages of calls, one call, and a live tail.
package callloghttp

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/money"
)

// Call is a call as lists show it. Durations are microseconds; money is exact decimal text.
type Call struct {
	ID             string            `json:"id"`
	StartedAt      time.Time         `json:"started_at"`
	TeamID         string            `json:"team_id"`
	TeamName       string            `json:"team_name,omitempty"`
	KeyID          string            `json:"key_id"`
	KeyName        string            `json:"key_name,omitempty"`
	Environment    string            `json:"environment"`
	Workflow       string            `json:"workflow"`
	EndUser        string            `json:"end_user,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
	Endpoint       string            `json:"endpoint"`
	Dialect        string            `json:"dialect"`
	RequestedModel string            `json:"requested_model" doc:"What the client sent as model"`
	Alias          string            `json:"alias,omitempty"`
	AliasVersion   int               `json:"alias_version,omitempty"`
	Task           string            `json:"task,omitempty" doc:"Task type"`
	TaskBy         string            `json:"task_by,omitempty" doc:"How the call came by its task: model, header, key, classifier (the local one) or asked (the organization's classifier alias)"`
	ExperimentID   string            `json:"experiment_id,omitempty" doc:"Of which the call is part"`
	Arm            string            `json:"arm,omitempty" doc:"Assigned: analysis goes by it"`
	ArmServed      string            `json:"arm_served,omitempty" doc:"Whose target answered; left out when a fallback of no arm did"`
	BatchID        string            `json:"batch_id,omitempty" doc:"Of which the call is a line"`
	PromptID       string            `json:"prompt_id,omitempty" doc:"Of the registry, that the call used"`
	PromptName     string            `json:"prompt_name,omitempty" doc:"As it is now"`
	PromptVersion  int               `json:"prompt_version,omitempty"`
	PromptLabel    string            `json:"prompt_label,omitempty" doc:"By which the version was found; left out where it was named, or an experiment named it"`
	Provider       string            `json:"provider,omitempty" doc:"Of the attempt that answered, or the last one"`
	Model          string            `json:"model,omitempty"`
	Stream         bool              `json:"stream"`
	Status         int               `json:"status"`
	Outcome        string            `json:"outcome" enum:"ok,refused,failed,broken,client_gone,interrupted"`
	ErrorCode      string            `json:"error_code,omitempty"`
	FinishReason   string            `json:"finish_reason,omitempty"`
	Units          map[string]int64  `json:"units" doc:"Tokens and other units by disjoint class; classes with none are left out"`
	UsageSource    string            `json:"usage_source" enum:"unknown,reported,estimated"`
	CostNanoUSD    string            `json:"cost_nano_usd,omitempty" doc:"Absent where price_state is unpriced"`
	CostUSD        string            `json:"cost_usd,omitempty" doc:"Absent where price_state is unpriced"`
	PriceState     string            `json:"price_state" enum:"priced,free,none,unpriced" doc:"free: the model is; none: nothing was used; unpriced: the cost is not known, and not zero"`
	ProviderCost   *string           `json:"provider_cost_nano_usd" doc:"What the providers themselves say it cost, of the attempts that say so; null: none does"`
	Warnings       []string          `json:"warnings" doc:"What was left out of the call or changed in it"`
	Estimated      bool              `json:"estimated"`
	DurationMicros int64             `json:"duration_us"`
	FirstByte      int64             `json:"first_byte_us,omitempty"`
	Overhead       int64             `json:"overhead_us"`
	RequestBytes   int64             `json:"request_bytes"`
	ResponseBytes  int64             `json:"response_bytes"`
	AttemptCount   int               `json:"attempt_count"`
}

// CallDetail is a call with its timeline, its attempts and, where the key keeps them, its bodies.
type CallDetail struct {
	Call
	ProxyID  string       `json:"proxy_id"`
	UnitBy   string       `json:"unit_by,omitempty" doc:"Where the unit of its experiment comes from: header, session, user, workflow_run or call"`
	Signals  []string     `json:"signals" doc:"What the answer says of its own quality; of calls in experiments only"`
	Why      []string     `json:"why" doc:"Why the call went where it went, in sentences"`
	Decision *Decision    `json:"decision,omitempty" doc:"The same as data; left out where a model was named and there was nothing to decide"`
	Marks    []Mark       `json:"marks"`
	Attempts []Attempt    `json:"attempts"`
	Payload  *Payload     `json:"payload,omitempty"`
	SecretID string       `json:"secret_id,omitempty" doc:"Which of the key's secrets was sent"`
	Charges  []CallCharge `json:"charges" doc:"What the call weighs on budgets"`
	Checks   []CallCheck  `json:"checks" doc:"What budgets and limits did to the call, beyond letting it pass"`
}

// CallCharge is what a call weighs on one pot of a budget. It may be more than its cost: where what was used is not known for certain the
// most that it can have been stays charged.
type CallCharge struct {
	BudgetID string `json:"budget_id"`
	PotID    string `json:"pot_id" doc:"The budget's window and subject"`
	HolderID string `json:"holder_id" doc:"Whose lease it was made on; zeros: nobody's"`
	NanoUSD  string `json:"nano_usd"`
	USD      string `json:"usd"`
}

// CallCheck is what a budget or a limit did.
type CallCheck struct {
	By       string `json:"by" doc:"Its id"`
	Did      string `json:"did" enum:"refused,would_refuse,clamped,moved,waited"`
	Subject  string `json:"subject,omitempty" doc:"Where it counts each value by itself"`
	Period   string `json:"period,omitempty" doc:"Of a budget's limit; the metric of a limit"`
	Short    int64  `json:"short,omitempty" doc:"What there was too little of: nano-dollars, requests or tokens"`
	Sentence string `json:"sentence"`
}

// Mark is the end of a stage.
type Mark struct {
	Stage string `json:"stage"`
	At    int64  `json:"at_us"`
}

// Attempt is one request to a provider.
type Attempt struct {
	Number         int              `json:"number"`
	Provider       string           `json:"provider"`
	Model          string           `json:"model"`
	CredentialID   string           `json:"credential_id,omitempty"`
	StartMicros    int64            `json:"start_us"`
	FirstByte      int64            `json:"first_byte_us,omitempty"`
	DurationMicros int64            `json:"duration_us"`
	Status         int              `json:"status" doc:"The provider's; 0: it did not answer"`
	ErrorClass     string           `json:"error_class,omitempty"`
	Failure        string           `json:"failure,omitempty" doc:"What was wrong, in words"`
	UpstreamID     string           `json:"upstream_id,omitempty"`
	Units          map[string]int64 `json:"units"`
	UsageSource    string           `json:"usage_source" enum:"unknown,reported,estimated"`
	CostNanoUSD    string           `json:"cost_nano_usd,omitempty"`
	CostUSD        string           `json:"cost_usd,omitempty"`
	PriceState     string           `json:"price_state" enum:"priced,free,none,unpriced"`
	PriceID        string           `json:"price_id,omitempty"`
	ProviderCost   *string          `json:"provider_cost_nano_usd" doc:"What the provider says that it cost; null: it does not say"`
}

// Payload is what was said.
type Payload struct {
	Request  string `json:"request"`
	Response string `json:"response"`
	Encoding string `json:"encoding" enum:"text,base64"`
	Cut      bool   `json:"cut" doc:"A body was longer than what is kept"`
}

// cost is the text of an amount; none of what is unpriced, whose amount means nothing.
func cost(n money.NanoUSD, p calllog.PriceState) (nano, usd string) {
	if p == calllog.Unpriced {
		return "", ""
	}
	return strconv.FormatInt(int64(n), 10), n.USD()
}

// told is the text of what a provider said; nil for silence.
func told(n *money.NanoUSD) *string {
	if n == nil {
		return nil
	}
	s := strconv.FormatInt(int64(*n), 10)
	return &s
}

func toCall(e *calllog.Entry) Call {
	nano, usd := cost(e.Cost, e.Price)
	return Call{
		ID: e.ID.String(), StartedAt: e.StartedAt, TeamID: string(e.Team), TeamName: e.TeamName, KeyID: string(e.Key), KeyName: e.KeyName,
		Environment: e.Environment, Workflow: e.Workflow, EndUser: e.EndUser, Tags: e.Tags, Endpoint: e.Endpoint, Dialect: e.Dialect,
		RequestedModel: e.Requested, Alias: e.Alias, AliasVersion: e.AliasVersion, Provider: e.Provider, Model: e.Model, Stream: e.Stream,
		Status: e.Status, Outcome: string(e.Outcome), ErrorCode: e.ErrorCode, FinishReason: string(e.Finish),
		Units: units(e.Usage.Units), UsageSource: source(e.Usage.Source), CostNanoUSD: nano, CostUSD: usd,
		PriceState: priceState(e.Price), Estimated: e.Estimated, DurationMicros: e.Duration.Microseconds(), FirstByte: e.FirstByte.Microseconds(),
		Overhead: e.Overhead.Microseconds(), RequestBytes: e.RequestBytes, ResponseBytes: e.ResponseBytes, AttemptCount: len(e.Attempts),
		ProviderCost: told(e.ProviderCost), Warnings: append([]string{}, e.Warnings...),
		Task: e.Task, TaskBy: e.TaskBy, ExperimentID: string(e.Experiment), Arm: e.Arm, ArmServed: e.ArmServed, BatchID: string(e.Batch),
		PromptID: string(e.Prompt), PromptName: e.PromptName, PromptVersion: e.PromptVersion, PromptLabel: e.PromptLabel,
	}
}

func toDetail(e *calllog.Entry) CallDetail {
	d := CallDetail{
		Call: toCall(e), ProxyID: e.Proxy, UnitBy: e.UnitBy, Signals: e.Signals.Names(), Why: append([]string{}, e.Words()...),
		Decision: toDecision(e.Decision), Marks: []Mark{}, Attempts: []Attempt{},
	}
	for _, m := range e.Marks {
		d.Marks = append(d.Marks, Mark{m.Stage, m.At.Microseconds()})
	}
	for _, a := range e.Attempts {
		nano, usd := cost(a.Cost, a.Price)
		d.Attempts = append(d.Attempts, Attempt{
			Number: a.Number, Provider: a.Provider, Model: a.Model, CredentialID: string(a.Credential), StartMicros: a.Start.Microseconds(),
			FirstByte: a.FirstByte.Microseconds(), DurationMicros: a.Duration.Microseconds(), Status: a.Status, ErrorClass: a.ErrorClass, Failure: a.Failure(),
			UpstreamID: a.UpstreamID, Units: units(a.Usage.Units), UsageSource: source(a.Usage.Source),
			CostNanoUSD: nano, CostUSD: usd, PriceState: priceState(a.Price), PriceID: string(a.PriceID),
			ProviderCost: told(a.ProviderCost),
		})
	}
	d.SecretID, d.Charges, d.Checks = string(e.Secret), []CallCharge{}, []CallCheck{}
	for _, c := range e.Charges {
		d.Charges = append(d.Charges, CallCharge{
			BudgetID: string(c.Budget), PotID: c.Pot.String(), HolderID: c.Holder.String(), NanoUSD: strconv.FormatInt(int64(c.Amount), 10), USD: c.Amount.USD(),
		})
	}
	for _, k := range e.Checks {
		d.Checks = append(d.Checks, CallCheck{By: k.By, Did: string(k.Did), Subject: k.Subject, Period: k.Period, Short: k.Short, Sentence: k.Sentence()})
	}
	if p := e.Payload; p != nil {
		d.Payload = &Payload{Request: string(p.Request), Response: string(p.Response), Encoding: "text", Cut: p.Cut}
		if !utf8.Valid(p.Request) || !utf8.Valid(p.Response) {
			d.Payload.Encoding = "base64"
			d.Payload.Request, d.Payload.Response = base64.StdEncoding.EncodeToString(p.Request), base64.StdEncoding.EncodeToString(p.Response)
		}
	}
	return d
}

func units(u chat.Units) map[string]int64 {
	out := make(map[string]int64)
	for c, n := range u {
		if n != 0 {
			out[chat.Class(c).String()] = n
		}
	}
	return out
}

func source(s chat.Source) string {
	switch s {
	case chat.Reported:
		return "reported"
	case chat.Estimated:
		return "estimated"
	default:
		return "unknown"
	}
}

func priceState(p calllog.PriceState) string {
	if p == calllog.Unpriced {
		return "unpriced"
	}
	return string(p)
}
