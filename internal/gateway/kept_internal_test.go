package gateway

import (
	"testing"
	"time"
)

func kernel(n byte, size int) *keptAnswer {
	return &keptAnswer{key: keptKey{n}, org: "org_1", body: make([]byte, size), until: noon.Add(time.Minute)}
}

func TestKeptAnswersAreBounded(t *testing.T) {
	t.Parallel()
	k := newKept(10 * (1000 + keptCost))
	for n := range byte(20) {
		k.keep(kernel(n, 1000))
		k.find(keptKey{0}, "org_1", noon) // the first is asked for all the time
	}
	if k.bytes() > k.limit || len(k.byKey) != 10 || k.recent.Len() != 10 {
		t.Errorf("%d bytes in %d answers", k.bytes(), len(k.byKey))
	}
	if k.find(keptKey{0}, "org_1", noon) == nil || k.find(keptKey{1}, "org_1", noon) != nil || k.find(keptKey{19}, "org_1", noon) == nil {
		t.Error("the least used was not the one to go")
	}
	k.keep(kernel(19, 500))
	if got := k.find(keptKey{19}, "org_1", noon); len(got.body) != 500 || k.recent.Len() != 10 {
		t.Error("a second answer to the same call does not take the place of the first")
	}
	k.keep(kernel(99, 100_000))
	if k.find(keptKey{99}, "org_1", noon) != nil || k.recent.Len() != 10 {
		t.Error("an answer larger than all memory pushes the others out")
	}
	for n := range byte(100) {
		k.find(keptKey{n}, "org_1", noon.Add(time.Hour))
	}
	if k.bytes() != 0 || len(k.byKey) != 0 {
		t.Errorf("%d bytes are left of answers that are too old", k.bytes())
	}
}

// Whatever a hash may do, nobody gets what another organization paid for.
func TestAKeptAnswerIsItsOrganizations(t *testing.T) {
	t.Parallel()
	k := newKept(keptMax)
	k.keep(kernel(1, 10))
	if k.find(keptKey{1}, "org_2", noon) != nil || k.find(keptKey{1}, "org_1", noon) == nil {
		t.Error("an answer is given to another organization")
	}
}
