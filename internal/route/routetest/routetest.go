// Package routetest makes random routing files, organizations and calls for the tests of what routes, and knows by itself, without
// the router, which targets a call must never get.
package routetest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/condition"
	"tollgate/internal/chat"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/health"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/route"
	"tollgate/internal/snapshot"
)

// Noon is the time of all calls.
var Noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

var (
	providers = []string{"openai", "anthropic", "mistral", "groq", "gone", "sandbox"}
	models    = []string{"small", "large", "odd/name"}
	names     = []string{"fast", "smart", "bulk", "coder", "cheap"}
	tasks     = []string{"classification", "code-generation", "complex-analysis", "batch-processing"}
	rules     = []string{`input_tokens > 1000`, `task == "classification"`, `tag("tier") == "gold"`, `images`, `environment == "production" && !stream`, `true`, `false`}
)

// programs are the rules' conditions, compiled once.
var programs = sync.OnceValue(func() map[string]*condition.Program {
	out := map[string]*condition.Program{}
	for _, text := range rules {
		program, err := condition.Compile(text)
		if err != nil {
			panic(err) // the conditions stand above
		}
		out[text] = program
	}
	return out
})

// World is a random organization with a key of it.
type World struct {
	File  alias.File
	Org   *snapshot.Org
	Key   *key.Key
	Ill   map[health.Target]health.State
	Clear bool // no target is ejected
}

// Vendors is a catalogue of a few vendors; "gone" is none of it.
func Vendors(id string) (*provider.Vendor, bool) {
	v, ok := vendors[id]
	return v, ok
}

var vendors = map[string]*provider.Vendor{
	"openai":    {ID: "openai", Name: "OpenAI", BaseURL: "https://openai.example", NoTraining: true},
	"anthropic": {ID: "anthropic", Name: "Anthropic", BaseURL: "https://anthropic.example", NoTraining: true},
	"mistral":   {ID: "mistral", Name: "Mistral", BaseURL: "https://mistral.example", Region: "eu"},
	"groq":      {ID: "groq", Name: "Groq", BaseURL: "https://groq.example"},
	"sandbox":   {ID: "sandbox", Name: "Sandbox", BaseURL: "sandbox:"},
}

// NewWorld makes an organization.
func NewWorld(r *rand.Rand) *World {
	w := &World{File: File(r), Ill: map[health.Target]health.State{}}
	w.Org = Compile(w.File)
	w.connect(r)
	w.experiments(r)
	w.Key = newKey(r)
	w.Clear = r.IntN(2) == 0
	return w
}

// Router routes in the world.
func (w *World) Router() route.Router {
	return route.Router{Vendors: Vendors, Health: func(t health.Target, _ time.Time) health.State {
		if s, ok := w.Ill[t]; ok {
			return s
		}
		return health.State{Headroom: -1}
	}}
}

// Compile makes an organization of a file, with nothing connected.
func Compile(f alias.File) *snapshot.Org {
	org := &snapshot.Org{
		ID: "org_1", Tasks: f.Tasks, Auto: f.Auto, Aliases: map[string]*snapshot.Alias{}, Experiments: map[string]*experiment.Running{},
		Credentials: map[id.Credential]*snapshot.Credential{}, Default: map[string]id.Credential{}, Pools: map[string][]id.Credential{},
	}
	var list []price.Record
	for i, p := range providers {
		for j, m := range models {
			if (i+j)%4 == 3 {
				continue // unpriced
			}
			rates := price.Rates{}.Set(chat.Input, money.Price(1_000_000*(i+1))).Set(chat.Output, money.Price(3_000_000*(j+1)))
			list = append(list, price.Record{ID: id.PriceRecord("price_" + p + m), Provider: p, Model: m, Rates: rates})
		}
	}
	org.Prices = price.NewBook(list)
	for name, rt := range f.Aliases {
		a := &snapshot.Alias{Alias: alias.Alias{ID: id.Alias("alias_" + name), Name: name, Version: 1, Route: rt}}
		for _, rule := range rt.Rules {
			a.Rules = append(a.Rules, programs()[rule.If])
		}
		org.Aliases[name] = a
	}
	return org
}

// File makes a routing file.
func File(r *rand.Rand) alias.File {
	f := alias.File{Tasks: map[string]string{}, Aliases: map[string]alias.Route{}}
	for _, name := range names[:1+r.IntN(len(names))] {
		f.Aliases[name] = Route(r)
	}
	for _, task := range tasks {
		if r.IntN(3) > 0 {
			f.Tasks[task] = pick(r, names) // some of which there are not
		}
	}
	f.Auto.On = r.IntN(2) == 0
	if r.IntN(2) == 0 {
		f.Auto.Default = pick(r, tasks)
	}
	if r.IntN(4) == 0 {
		f.Auto.Classifier = "fast"
	}
	return f
}

// Route makes a route.
func Route(r *rand.Rand) alias.Route {
	rt := alias.Route{Strategy: pick(r, append(alias.Strategies, "")), Targets: targets(r, 1+r.IntN(4))}
	for range r.IntN(3) {
		rt.Rules = append(rt.Rules, alias.Rule{If: pick(r, rules), Strategy: pick(r, alias.Strategies), Targets: targets(r, 1+r.IntN(2))})
	}
	for range r.IntN(3) {
		f := alias.Fallback{Target: targets(r, 1)[0]}
		if r.IntN(2) == 0 {
			f.On = []alias.Cause{pick(r, alias.Causes)}
		}
		rt.Fallbacks = append(rt.Fallbacks, f)
	}
	if r.IntN(4) == 0 {
		rt.Sticky = alias.StickyOff
	}
	rt.Privacy.NoTraining = r.IntN(4) == 0
	rt.Attempts = r.IntN(4)
	if r.IntN(3) == 0 {
		most := int64(100 * (1 + r.IntN(10)))
		rt.Parameters.Caps.MaxTokens = &most
	}
	return rt
}

func targets(r *rand.Rand, n int) []alias.Target {
	out := make([]alias.Target, n)
	for i := range out {
		out[i] = alias.Target{Provider: pick(r, providers), Model: pick(r, models), Weight: r.IntN(5), Order: r.IntN(3), Off: r.IntN(8) == 0}
		if r.IntN(8) == 0 {
			out[i].Via = alias.ViaBatch
		}
		if r.IntN(6) == 0 {
			out[i].Credential = credentialOf(out[i].Provider, r.IntN(3))
			if r.IntN(4) == 0 { // stored before checks were what they are
				out[i].Credential = credentialOf(pick(r, providers[:4]), r.IntN(3))
			}
		}
	}
	return out
}

func credentialOf(provider string, n int) id.Credential {
	return id.Credential(fmt.Sprintf("cred_%s_%d", provider, n))
}

// connect gives the organization credentials, pools and ill targets.
func (w *World) connect(r *rand.Rand) {
	for _, p := range providers[:4] {
		for n := range max(r.IntN(5)-1, r.IntN(2)) {
			c := &snapshot.Credential{Credential: credential.Credential{ID: credentialOf(p, n), Provider: p, Weight: r.IntN(3)}, BaseURL: "https://" + p}
			if r.IntN(8) == 0 {
				c.Credential.BaseURL = "https://own.example"
			}
			w.Org.Credentials[c.ID] = c
			if n == 0 {
				w.Org.Default[p] = c.ID
			}
			if c.Weight > 0 {
				w.Org.Pools[p] = append(w.Org.Pools[p], c.ID)
			}
		}
	}
}

// Sicken makes some of a plan's targets ill.
func (w *World) Sicken(r *rand.Rand, p route.Plan) {
	for i := range p.Targets {
		s := health.State{Headroom: -1, InFlight: int64(r.IntN(5)), Latency: time.Duration(r.IntN(3)) * 100 * time.Millisecond}
		if s.Open = r.IntN(2) == 0 && !w.Clear; s.Open {
			s.Probe, s.Why, s.Until = r.IntN(3) == 0, "7 of the last 10 calls failed", Noon.Add(time.Minute)
		}
		w.Ill[p.Targets[i].Health] = s
	}
}

func (w *World) experiments(r *rand.Rand) {
	for name := range w.Org.Aliases {
		if r.IntN(3) > 0 {
			continue
		}
		share := 1 + r.IntN(experiment.Buckets)
		arm := experiment.Arm{Name: "b", Ranges: []experiment.Range{{From: share / 2, To: share}}}
		if r.IntN(4) > 0 {
			arm.Target = &targets(r, 1)[0]
		}
		if r.IntN(2) == 0 {
			most := int64(77)
			arm.Parameters.Overrides.MaxTokens = &most
		}
		w.Org.Experiments[name] = &experiment.Running{
			ID: id.Experiment("exp_" + name), Alias: name, Salt: "salt" + name,
			Arms: []experiment.Arm{{Name: "control", Ranges: []experiment.Range{{From: 0, To: share / 2}}}, arm},
		}
	}
}

func newKey(r *rand.Rand) *key.Key {
	k := &key.Key{ID: "key_1"}
	if r.IntN(6) == 0 {
		k.Aliases = []string{pick(r, names), pick(r, names)}
	}
	if r.IntN(6) == 0 {
		k.Models = []string{pick(r, providers) + "/*"}
	}
	if r.IntN(4) == 0 {
		k.Task = pick(r, tasks)
	}
	return k
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }
