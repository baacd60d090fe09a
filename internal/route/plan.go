package route

import (
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/condition"
	"tollgate/internal/calllog"
	"tollgate/internal/health"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/provider"
	"tollgate/internal/provider/traits"
	"tollgate/internal/snapshot"
)

// Ask is what a call asks of the router.
type Ask struct {
	Name   string   // model as the client wrote it: an alias, "provider/model", a model, "task:classification", "task", "auto"
	Task   string   // task type named beside the model; it decides, whatever the model is. "": none
	Unit   Unit     // what sticks together
	Call   string   // the call's id: what is drawn from where nothing sticks; "": the unit
	Batch  bool     // the call is a line of a batch, or may wait for one: targets that are asked in batches are open to it
	Models []string // the request's own list of fallbacks (OpenRouter's models)
	Filter *Filter  // the request's own wishes (OpenRouter's provider); nil: none
	// Facts are what conditions and the classifier may ask of the call; it is called at most once, and only where a route needs it.
	// nil: nothing is known.
	Facts func() condition.Facts
	// Prompt is what the classifier of model "auto" reads; it is called at most once, and only for such calls. nil: nothing is known.
	Prompt func() traits.Traits
	// Asked is what the organization's classifier said of a call that an earlier Plan.Classify asked about; nil: it was not asked.
	Asked *Asked
	// Able reports whether the vendor serves this call's operation in this client's dialect; nil: every vendor does.
	Able func(v *provider.Vendor, model string, own bool) bool
	// Size is what the cheapest strategy prices; zero: three tokens in for one out.
	Size Size
	Now  time.Time
}

// Asked is the answer of an organization's classifier.
type Asked struct {
	Task string // one of the tasks it was asked about; "": it named none, and the default holds
	Note string // what went wrong, for the record; "": nothing
}

// Classify asks for the task of a call of model "auto" where the local classifier was not sure. The gateway asks Alias with the text
// and resolves again with Ask.Asked.
type Classify struct {
	Alias string   // whom to ask
	Tasks []string // to choose from: those that the key may call, sorted
	Text  string   // what is to be classified, at most 4 KiB
}

// Size is about how large a call is, for comparing prices.
type Size struct{ Input, Output int64 } // tokens

// Unit is what sticks together: the calls of one session go to one target, and to one arm of an experiment.
type Unit struct {
	Value string
	By    string // a Unit… word
}

// What a call's unit comes from, the strongest first.
const (
	UnitHeader      = "header"       // x-tollgate-unit
	UnitSession     = "session"      // a session or conversation that the client names
	UnitUser        = "user"         // the end user
	UnitWorkflowRun = "workflow_run" // the tag of that name
	UnitCall        = "call"         // none of these: each call is its own
)

// Filter is what a request asks of the choice. It only narrows: nothing that the organization or the key forbids becomes possible.
// Provider names are vendor ids, as OpenRouter's users write them.
type Filter struct {
	Order         []string // these first, in this order
	Only          []string // none but these; empty: any
	Ignore        []string // none of these
	NoFallbacks   bool     // allow_fallbacks: false
	RequireParams bool     // require_parameters: only targets that can express all of the call
	NoTraining    bool     // data_collection: "deny"
	Sort          string   // "price", "throughput", "latency"; "": the route's strategy
	MaxPrice      MaxPrice
	Beyond        []string // hard wishes that only a vendor which routes by itself can grant: "zdr", "quantizations"
}

// MaxPrice bounds list prices; nil: no bound. (OpenRouter says dollars per million tokens: micro-dollars a million are pico-dollars
// a token.)
type MaxPrice struct{ Prompt, Completion *money.Price }

// Target is one place that the call may go.
type Target struct {
	Vendor     *provider.Vendor     // of the catalogue, and not written to
	Model      string               // the provider's name for it
	Credential *snapshot.Credential // nil: none needed; of the snapshot, and not written to
	BaseURL    string
	Own        bool   // BaseURL is the credential's own, not the vendor's
	Reason     string // why it stands here: "alias fast-classifier v3, target 1"

	Fallback   bool              // tried after all targets that are none
	On         []alias.Cause     // of a fallback: empty is the usual causes, see alias.Fallback
	Via        string            // alias.ViaBatch: only as part of a batch
	Arm        string            // of the experiment; "": of none
	Parameters *alias.Parameters // what the route changes in the call; nil: nothing
	Health     health.Target     // what this target is called in package health
}

// Plan is where a call may go and how long it may take.
type Plan struct {
	Alias        string // empty: a model was named
	AliasVersion int
	Targets      []Target // at least one, in the order in which they are tried

	Timeout   time.Duration
	Connect   time.Duration // per attempt; 0: the installation's
	FirstByte time.Duration // per attempt; 0: none beyond Timeout
	Idle      time.Duration // between two chunks of a stream; 0: none beyond Timeout
	Attempts  int           // at least 1
	Retry     alias.Retry
	Drop      bool // what a target cannot express is left out, with a warning
	Strict    bool // the request demands that nothing is left out, whatever route and key allow (require_parameters)
	Abort     bool // when the client hangs up the provider's answer is abandoned, not drained
	Cache     alias.Cache
	Payload   string // the most that is kept of the call: a key.Privacy; "": the key decides

	Task       string
	TaskBy     string // a calllog.Task…
	Experiment id.Experiment
	Arm        string // assigned
	Unit       uint64 // hashed; 0: no experiment
	UnitBy     string

	Decision *calllog.Decision // nil: a model was named and there was nothing to decide
	Classify *Classify         // not nil: ask for the task first. There are no targets yet
}
