// Package experiment is A/B tests on aliases: what is compared, who gets what, and what came of it.
package experiment

import (
	"encoding/binary"
	"hash/fnv"

	"tollgate/internal/alias"
	"tollgate/internal/id"
)

// Buckets is the number of parts that units are dealt into.
const Buckets = 10_000

// Running is an experiment as the data plane needs it: enough to assign without asking anyone.
type Running struct {
	ID    id.Experiment `json:"id"`
	Alias string        `json:"alias"` // name
	Salt  string        `json:"salt"`  // random, of this experiment: two experiments deal units independently
	Arms  []Arm         `json:"arms"`  // the control first
}

// Arm is one of the variants that are compared.
type Arm struct {
	Name string `json:"name"` // "control", "b"
	// Target takes the place of the alias's targets; its rules and fallbacks stay. nil: the alias as it is.
	Target     *alias.Target    `json:"target,omitempty"`
	Parameters alias.Parameters `json:"parameters,omitzero"` // on top of the alias's
	Prompt     *ArmPrompt       `json:"prompt,omitempty"`    // nil: the prompt as the call asks for it
	// Ranges are the arm's buckets. Promotion adds ranges to the arms that are left and takes none away, so that a unit never changes
	// between them.
	Ranges []Range `json:"ranges"`
}

// ArmPrompt is a version of a prompt that takes the place of the one for which the call, or its alias, asks. Calls that ask for another
// prompt, or for none, keep what they ask for.
type ArmPrompt struct {
	Prompt  id.Prompt `json:"prompt"`
	Version int       `json:"version"`
}

// Range is buckets from From up to and without To.
type Range struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Holds reports whether bucket b is in the range.
func (r Range) Holds(b int) bool { return r.From <= b && b < r.To }

// Bucket deals a unit, the same everywhere and always: FNV-1a over the salt, a zero byte and the unit, finished by a mixer so that near
// units land far apart.
func Bucket(salt, unit string) int { return int(Unit(salt, unit) % Buckets) }

// Unit is the hash of a unit in an experiment; never 0.
func Unit(salt, unit string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(salt))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(unit))
	return max(mix(binary.BigEndian.Uint64(h.Sum(nil))), 1)
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Assign is the index of the arm whose buckets hold the unit; -1 for a unit that takes no part.
func (r *Running) Assign(unit string) int {
	b := Bucket(r.Salt, unit)
	for i := range r.Arms {
		for _, part := range r.Arms[i].Ranges {
			if part.Holds(b) {
				return i
			}
		}
	}
	return -1
}
