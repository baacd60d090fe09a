package experimentpg_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliaspg"
	"tollgate/internal/alias/condition"
	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/experiment/experimentpg"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/price"
	"tollgate/internal/price/pricepg"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/score"
	"tollgate/internal/score/scorepg"
	"tollgate/internal/snapshot/snapshotpg"
	"tollgate/internal/tenant"
)

var noon = time.Date(2030, 1, 7, 12, 0, 0, 0, time.UTC)

// noCredentials and noKeys stand in for what experiments on the sandbox do not need.
type (
	noCredentials struct{}
	noKeys        struct{}
)

func (noCredentials) List(context.Context, tenant.Scope) ([]credential.Credential, error) {
	return nil, nil
}

func (noKeys) Key(context.Context, tenant.Scope, id.Key) (key.Key, error) {
	return key.Key{}, key.ErrNotFound
}

// world is an organization with an alias, and a clock that the test moves.
type world struct {
	t       *testing.T
	db      *postgres.DB
	in      tenant.Scope
	team    id.Team
	now     time.Time
	store   *experimentpg.Store
	aliases *alias.Service
	prompts *prompt.Service
	service *experiment.Service
	keeper  *experiment.Keeper
	alias   alias.Alias
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, db: pgtest.New(t), now: noon}
	w.in, w.team = pgtest.Org(t, w.db, "Acme")
	clock := func() time.Time { return w.now }
	w.store = experimentpg.New(w.db)
	w.aliases = alias.NewService(aliaspg.New(w.db), alias.Words{Vendors: catalog.Vendor, Condition: condition.Check}, clock)
	w.prompts = prompt.NewService(promptpg.New(w.db), clock)
	shipped := []price.Record{}
	w.service = experiment.NewService(experiment.Deps{
		Store: w.store, Aliases: w.aliases, Credentials: noCredentials{}, Keys: noKeys{}, Prompts: w.prompts, Vendors: catalog.Vendor, Now: clock,
		Prices: experiment.PriceList{Service: price.NewService(pricepg.New(w.db), shipped, clock), Now: clock},
	})
	w.keeper = experiment.NewKeeper(w.service, w.store, slog.New(slog.DiscardHandler))
	var err error
	w.alias, err = w.aliases.Create(t.Context(), w.in, "fast-classifier", alias.Route{
		Targets:   []alias.Target{{Provider: "sandbox", Model: "echo-large"}},
		Fallbacks: []alias.Fallback{{Target: alias.Target{Provider: "sandbox", Model: "echo-mini"}}},
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) plan() experiment.Plan {
	return experiment.Plan{
		Alias: w.alias.ID, Name: "Mini for classification", Goal: experiment.Cheaper, Quality: experiment.Scores, Days: 7,
		Variants: []experiment.Variant{{Name: "control"}, {Name: "mini", Target: &alias.Target{Provider: "sandbox", Model: "echo-mini"}}},
	}
}

func (w *world) start(p experiment.Plan) experiment.Experiment {
	w.t.Helper()
	e, err := w.service.Create(w.t.Context(), w.in, p)
	if err != nil {
		w.t.Fatal(err)
	}
	if e, err = w.service.Start(w.t.Context(), w.in, e.ID); err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *world) read(which id.Experiment) experiment.Experiment {
	w.t.Helper()
	e, err := w.service.Experiment(w.t.Context(), w.in, which)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *world) turn() {
	w.t.Helper()
	if err := w.keeper.Turn(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) deliver(records ...calllog.Record) {
	w.t.Helper()
	d, err := calllogpg.New(w.db).Ingest(w.t.Context(), records, calllog.Beat{})
	if err != nil || len(d.Rejected) > 0 {
		w.t.Fatalf("%v, %v", err, d.Rejected)
	}
}

func (w *world) score(list ...score.Draft) {
	w.t.Helper()
	for len(list) > 0 {
		n := min(len(list), score.BatchMax)
		refused, err := scorepg.New(w.db).Put(w.t.Context(), w.in, list[:n])
		if err = errors.Join(append(refused, err)...); err != nil {
			w.t.Fatal(err)
		}
		list = list[n:]
	}
}

// judgement is a thumb for a call.
func judgement(call id.Call, good bool, at time.Time) score.Draft {
	d := score.Draft{Score: score.Score{
		ID: id.Score(id.New("score")), Call: call, Name: score.Quality, Kind: score.Boolean, Source: score.Feedback, Author: "key_x", At: at,
	}, Fresh: true}
	if good {
		d.Value = 1
	}
	return d
}

// callAt makes an id whose embedded time is at.
func callAt(at time.Time) id.Call {
	c := id.NewCall()
	ms := at.UnixMilli()
	for i := range 6 {
		c[i] = byte(ms >> (8 * (5 - i)))
	}
	return c
}

// running is the experiment as a proxy reads it; nil: none runs.
func (w *world) running() *experiment.Running {
	w.t.Helper()
	c, err := snapshotpg.New(w.db, pricepg.New(w.db)).Full(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	o := c.Orgs[w.in.Org()]
	if len(o.Broken) > 0 {
		w.t.Fatalf("%+v", o.Broken)
	}
	if len(o.Experiments) == 0 {
		return nil
	}
	return &o.Experiments[0]
}

// call is a record as a proxy that deals by r writes it.
func (w *world) call(r *experiment.Running, unit string, at time.Time) calllog.Record {
	rec := calllog.Record{
		ID: callAt(at), Org: w.in.Org(), Team: w.team, Key: "key_x", Proxy: "prx_1", Alias: "fast-classifier", Provider: "sandbox", Model: "echo-large",
		Endpoint: "chat", Status: 200, Outcome: calllog.OK, Price: calllog.Priced, Duration: 900 * time.Millisecond, FirstByte: 400 * time.Millisecond,
		RequestBytes: 2000,
	}
	if r == nil {
		return rec
	}
	if i := r.Assign(unit); i >= 0 {
		rec.Experiment, rec.Arm, rec.ArmServed = r.ID, r.Arms[i].Name, r.Arms[i].Name
		rec.Unit, rec.UnitBy = experiment.Unit(r.Salt, unit), "session"
		if i > 0 {
			rec.Model = r.Arms[i].Target.Model
		}
	}
	return rec
}

// nature is what the models are really like.
type nature struct{ costA, costB, goodA, goodB float64 }

// ledger is what the provider itself knows of an arm.
type ledger struct {
	calls int64
	cost  money.NanoUSD
	units map[string]bool
}

// week is traffic: so many sessions an hour of one to four calls, nineteen in twenty of which are judged, up to twelve hours later.
type week struct {
	*world
	rnd     *rand.Rand
	n       nature
	ledger  map[string]*ledger
	pending map[time.Time][]score.Draft
}

func (w *week) hour(r *experiment.Running, hour, start time.Time, sessions int) {
	var records []calllog.Record
	for range sessions {
		unit := id.New("session")
		at := start.Add(time.Duration(w.rnd.Int64N(int64(50 * time.Minute))))
		for range 1 + w.rnd.IntN(4) {
			rec := w.call(r, unit, at)
			cost, good := w.n.costA, w.n.goodA
			if rec.Arm == "mini" {
				cost, good = w.n.costB, w.n.goodB
			}
			rec.Cost = money.NanoUSD(cost * 1e9 * math.Exp(w.rnd.NormFloat64()*0.6))
			l := w.ledger[rec.Arm]
			if l == nil {
				l = &ledger{units: map[string]bool{}}
				w.ledger[rec.Arm] = l
			}
			l.calls, l.cost = l.calls+1, l.cost+rec.Cost
			l.units[unit] = true
			records = append(records, rec)
			if w.rnd.Float64() < 0.95 {
				due := hour.Truncate(6 * time.Hour).Add(time.Duration(1+w.rnd.IntN(2)) * 6 * time.Hour)
				w.pending[due] = append(w.pending[due], judgement(rec.ID, w.rnd.Float64() < good, due))
			}
			at = at.Add(time.Duration(5+w.rnd.IntN(60)) * time.Second)
		}
	}
	w.deliver(records...)
	w.score(w.pending[hour]...)
}

// TestAWeekFindsTheCheaperModel runs an experiment for a week by the clock of the test, with looks every hour and scores that come hours
// late, promotes the winner through its ramp, and takes it back.
func TestAWeekFindsTheCheaperModel(t *testing.T) {
	t.Parallel()
	w := &week{
		world: newWorld(t), rnd: rand.New(rand.NewPCG(5, 5)), n: nature{costA: 0.004, costB: 0.0024, goodA: 0.80, goodB: 0.815},
		ledger: map[string]*ledger{}, pending: map[time.Time][]score.Draft{},
	}
	w.now = noon.Add(17 * time.Minute)
	e := w.start(w.plan())
	r := w.running()
	if r == nil || r.ID != e.ID || r.Alias != "fast-classifier" || len(r.Arms) != 2 {
		t.Fatalf("proxies deal by %+v", r)
	}
	for h := noon; h.Before(e.Ends()); h = h.Add(time.Hour) {
		w.hour(r, h, h.Add(time.Duration(w.now.Minute())*time.Minute/2), 90)
		w.now = h.Add(time.Hour + 3*time.Minute)
		w.turn()
		if e = w.read(e.ID); h.Sub(noon) < 47*time.Hour && e.Reading.Verdict != experiment.Collecting {
			t.Fatalf("%s after %s", e.Reading.Verdict, h.Sub(noon))
		}
	}
	w.now = e.Ends().Add(time.Hour + 3*time.Minute)
	w.turn()
	e = w.read(e.ID)
	if e.Status != experiment.Stopped || !e.Reading.Final || e.Reading.Verdict != experiment.Winner || e.Reading.Best != "mini" {
		t.Fatalf("%s, %+v", e.Status, e.Reading)
	}
	if w.running() != nil {
		t.Error("proxies deal on after the end")
	}
	w.compare(e)
	t.Log(e.Reading.Sentence)
	t.Logf("cost %+v quality %+v savings %+v", e.Reading.Cost, e.Reading.Quality, e.Reading.Savings)
	w.promotion(e)
}

// compare holds the last reading against the provider's own ledger, to the nano-dollar.
func (w *week) compare(e experiment.Experiment) {
	w.t.Helper()
	for _, a := range e.Reading.Arms {
		l := w.ledger[a.Name]
		if a.Calls != l.calls || a.Cost != l.cost || a.Units != int64(len(l.units)) {
			w.t.Errorf("%s: %d calls, %d nano-dollars, %d units; the ledger has %d, %d, %d", a.Name, a.Calls, a.Cost, a.Units, l.calls, l.cost, len(l.units))
		}
	}
	if c := e.Reading.Checks[0]; c.Name != "sample_ratio" || c.State != "ok" {
		w.t.Errorf("%+v", c)
	}
	if got, want := e.Reading.Cost[0].Mean, w.n.costB/w.n.costA-1; math.Abs(got-want) > 0.03 {
		w.t.Errorf("cost differs by %g, want about %g", got, want)
	}
	readings, err := w.service.Readings(w.t.Context(), w.in, e.ID, 0)
	if err != nil || len(readings) != int(e.Ends().Sub(noon).Hours()) {
		w.t.Errorf("%d readings, %v", len(readings), err)
	}
	if s := e.Reading.Sentence; !strings.Contains(s, "mini costs ") || !strings.Contains(s, "not worse") || !strings.Contains(s, "a month") {
		w.t.Error(s)
	}
}

func (w *week) promotion(e experiment.Experiment) {
	t := w.t
	t.Helper()
	ctx := t.Context()
	e, err := w.service.Promote(ctx, w.in, e.ID, "mini", experiment.Ramped)
	if err != nil || e.Ramp.Stage != 50 {
		t.Fatalf("%+v, %v", e.Ramp, err)
	}
	half := w.running()
	won := 0
	for i := range 2000 {
		unit := string(rune('a'+i%26)) + id.New("u")
		if half.Arms[half.Assign(unit)].Name == "mini" {
			won++
		}
	}
	if won < 900 || won > 1100 {
		t.Errorf("%d of 2,000 units go to the winner at 50 percent", won)
	}
	w.now = w.now.Add(24*time.Hour + time.Minute)
	w.turn()
	a, err := w.aliases.Alias(ctx, w.in, w.alias.ID)
	if err != nil || a.Version != 2 || len(a.Route.Targets) != 1 || a.Route.Targets[0].Model != "echo-mini" || len(a.Route.Fallbacks) != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	if e = w.read(e.ID); e.Ramp.Stage != 100 || e.Ramp.Made != 2 || e.Status != experiment.Promoted || w.running() == nil {
		t.Errorf("%s %+v", e.Status, e.Ramp)
	}
	w.now = w.now.Add(24*time.Hour + time.Minute)
	w.turn()
	if e = w.read(e.ID); !e.Ramp.Over || e.Live || w.running() != nil || e.Status != experiment.Promoted {
		t.Errorf("%s %+v", e.Status, e.Ramp)
	}
	if e, err = w.service.Rollback(ctx, w.in, e.ID); err != nil || e.Status != experiment.Reverted {
		t.Fatalf("%s, %v", e.Status, err)
	}
	if a, err = w.aliases.Alias(ctx, w.in, w.alias.ID); err != nil || a.Version != 3 || !a.Route.Same(w.alias.Route) {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := w.service.Rollback(ctx, w.in, e.ID); !errors.Is(err, experiment.ErrNotPromoted) {
		t.Errorf("a second rollback: %v", err)
	}
}
