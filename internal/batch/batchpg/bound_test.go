package batchpg_test

import (
	"strconv"
	"strings"
	"testing"

	"tollgate/internal/batch"
	"tollgate/internal/id"
)

// Whatever the length of its lines, a batch takes a bounded part of the worker's memory: pages and parcels count bytes too.
func TestLongLinesComeInSmallPagesAndParcels(t *testing.T) {
	t.Parallel()
	s := newSetting(t)
	s.job(t)
	held := s.take(t, "a")[0]
	long := []byte(`{"model":"m","pad":"` + strings.Repeat("x", batch.PageBytesMax/2) + `"}`)
	var more []batch.Line
	for n := 2; n <= 6; n++ {
		more = append(more, batch.Line{Number: n, CustomID: strconv.Itoa(n), Call: id.NewCall(), Body: long, State: batch.LineWaiting})
	}
	if err := s.store.AddLines(t.Context(), held, more); err != nil {
		t.Fatal(err)
	}
	place := batch.Place{Driver: batch.Inline}
	var pages []int
	for range 6 {
		lines, err := s.store.Waiting(t.Context(), held, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) == 0 {
			break
		}
		pages = append(pages, len(lines))
		if err := s.store.Assign(t.Context(), held, place, lines, 100, batch.PageBytesMax, s.now, s.now); err != nil {
			t.Fatal(err)
		}
	}
	if len(pages) != 3 || pages[0] != 3 || pages[1] != 2 || pages[2] != 1 {
		t.Errorf("pages of %v lines; a short one and five long ones are 3, 2 and 1", pages)
	}
	total := 0
	for _, p := range s.take(t, "b") {
		lines, err := s.store.Lines(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, l := range lines {
			size += len(l.Body)
		}
		if total += len(lines); size > batch.PageBytesMax {
			t.Errorf("a parcel of %d lines has %d bytes", len(lines), size)
		}
	}
	if total != 6 {
		t.Errorf("%d lines in parcels", total)
	}
}
