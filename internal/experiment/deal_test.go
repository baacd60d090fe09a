package experiment

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollgate/internal/alias"
)

// anySplit is a plan of two to five arms with any weights and any share of the traffic.
var anySplit = rapid.Custom(func(t *rapid.T) Plan {
	p := Plan{Share: rapid.IntRange(1, 100).Draw(t, "share")}
	left, n := 100, rapid.IntRange(2, 5).Draw(t, "arms")
	for i := range n {
		w := left
		if i < n-1 {
			w = rapid.IntRange(1, left-(n-1-i)).Draw(t, "weight")
		}
		left -= w
		p.Variants = append(p.Variants, Variant{Name: fmt.Sprint("arm-", i), Weight: w})
	}
	return p
})

// holders are the arms that hold each bucket; -1: none.
func holders(t *rapid.T, arms []Arm) []string {
	out := make([]string, Buckets)
	for _, a := range arms {
		for _, r := range a.Ranges {
			for b := r.From; b < r.To; b++ {
				if out[b] != "" {
					t.Fatalf("bucket %d is of %s and of %s", b, out[b], a.Name)
				}
				out[b] = a.Name
			}
		}
	}
	return out
}

// Arms have their weights' parts of the share, and no bucket is dealt twice. A ramp gives the winner half of all or what it had, leaves no bucket
// to nobody, and takes no unit from the winner or, while it is about the two of them, from the control.
func TestDealingAndRamping(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := anySplit.Draw(t, "plan")
		arms := deal(p)
		before := holders(t, arms)
		for i, v := range p.Variants {
			if got, want := size(arms[i].Ranges), v.Weight*p.Share; got != want || arms[i].Name != v.Name {
				t.Fatalf("%s has %d buckets, want %d", arms[i].Name, got, want)
			}
		}
		winner := rapid.IntRange(1, len(arms)-1).Draw(t, "winner")
		had := size(arms[winner].Ranges)
		ramped := ramp(arms, winner, halfStage)
		after := holders(t, ramped)
		control, won := arms[0].Name, arms[winner].Name
		for b := range after {
			if after[b] == "" {
				t.Fatalf("bucket %d is nobody's", b)
			}
			if (before[b] == control || before[b] == won) && after[b] != before[b] {
				t.Fatalf("bucket %d went from %s to %s", b, before[b], after[b])
			}
		}
		room := Buckets - size(arms[0].Ranges)
		if got, want := size(ramped[1].Ranges), max(had, min(Buckets/2, room)); got != want || ramped[1].Name != won {
			t.Fatalf("%s has %d buckets, want %d", ramped[1].Name, got, want)
		}
		if got := deal(p); fmt.Sprint(got) != fmt.Sprint(arms) {
			t.Fatalf("ramping changed the arms that it was given: %v, %v", arms, got)
		}
		for b, a := range holders(t, whole(won)) {
			if a != won {
				t.Fatalf("at the end bucket %d is of %q", b, a)
			}
		}
	})
}

// Units are spread evenly over buckets, and two experiments deal them independently.
func TestUnitsAreDealtEvenly(t *testing.T) {
	t.Parallel()
	const n = 20_000
	r := Running{Salt: "salt_a", Arms: deal(Plan{Share: 60, Variants: []Variant{{Name: "control", Weight: 50}, {Name: "b", Weight: 50}}})}
	other := Running{Salt: "salt_b", Arms: r.Arms}
	counts, same := map[int]int{}, 0
	for i := range n {
		unit := fmt.Sprint("session-", i)
		a := r.Assign(unit)
		if a != r.Assign(unit) {
			t.Fatalf("%s is dealt twice in different ways", unit)
		}
		counts[a]++
		if a == other.Assign(unit) {
			same++
		}
	}
	for arm, share := range map[int]float64{-1: 0.4, 0: 0.3, 1: 0.3} {
		if got := float64(counts[arm]); math.Abs(got-share*n) > 4*math.Sqrt(n*share*(1-share)) {
			t.Errorf("arm %d has %v of %d units, want about %v", arm, got, n, share*n)
		}
	}
	if want := (0.16 + 0.09 + 0.09) * n; math.Abs(float64(same)-want) > 4*math.Sqrt(n*0.34*0.66) {
		t.Errorf("%d units fall alike in two experiments, want about %v", same, want)
	}
}

func TestPromotedRoute(t *testing.T) {
	t.Parallel()
	big, small, spare := alias.Target{Provider: "openai", Model: "gpt-4o"}, alias.Target{Provider: "openai", Model: "gpt-4o-mini"}, alias.Target{Provider: "anthropic", Model: "claude-haiku-4-5"}
	base := alias.Route{Targets: []alias.Target{big, spare}, Fallbacks: []alias.Fallback{{Target: small}, {Target: spare}}}
	got := promoted(base, Variant{Name: "mini", Target: &small})
	if len(got.Targets) != 1 || got.Targets[0] != small || got.Strategy != alias.Ordered || len(got.Fallbacks) != 1 || got.Fallbacks[0].Target != spare {
		t.Errorf("promoted = %+v, want the winner alone, and it no more among the fallbacks", got)
	}
	if len(base.Fallbacks) != 2 || base.Fallbacks[0].Target != small {
		t.Errorf("the tested route was changed: %+v", base)
	}
	cool, warm, few := 0.2, 0.9, int64(500)
	base.Parameters = alias.Parameters{Defaults: alias.Settings{Temperature: &warm, MaxTokens: &few}}
	got = promoted(base, Variant{Name: "cool", Parameters: alias.Parameters{Defaults: alias.Settings{Temperature: &cool}}})
	if len(got.Targets) != 2 || *got.Parameters.Defaults.Temperature != cool || *got.Parameters.Defaults.MaxTokens != few {
		t.Errorf("promoted = %+v, want its targets, the arm's temperature, and the rest as it was", got)
	}
}

func TestLooksThatAreDue(t *testing.T) {
	t.Parallel()
	start := monday.Add(20 * time.Minute)
	hour := func(n int) time.Time { return monday.Add(time.Duration(n) * time.Hour) }
	tests := []struct {
		name   string
		looked time.Time
		now    time.Time
		want   []time.Time
	}{
		{"nothing in the first hour", time.Time{}, start.Add(30 * time.Minute), nil},
		{"the first full hour, once it has settled", time.Time{}, hour(1).Add(settle), []time.Time{hour(1)}},
		{"not before", time.Time{}, hour(1).Add(settle - time.Second), nil},
		{"no look twice", hour(1), hour(1).Add(50 * time.Minute), nil},
		{"after hours of downtime only the newest", hour(1), hour(9).Add(settle), []time.Time{hour(9)}},
		{"after days, one for each day too", hour(1), hour(60).Add(settle), []time.Time{hour(24), hour(48), hour(60)}},
		{"at the end the last look waits for late scores", hour(166), hour(168).Add(30 * time.Minute), []time.Time{hour(168)}},
		{"and then it is of the end", hour(168), hour(169).Add(grace + settle), []time.Time{hour(169)}},
		{"which is made once", hour(169), hour(200), nil},
		{"a week of downtime ends with the end", hour(1), hour(400), []time.Time{hour(24), hour(48), hour(72), hour(96), hour(120), hour(144), hour(168), hour(169)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := Experiment{Plan: Plan{Days: 7}, StartedAt: start, LookedAt: tt.looked}
			if got := e.due(tt.now); !slices.Equal(got, tt.want) {
				t.Errorf("due = %v, want %v", got, tt.want)
			}
		})
	}
}
