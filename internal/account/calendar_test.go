package account_test

import (
	"errors"
	"testing"

	"tollgate/internal/account"
	"tollgate/internal/fault"
)

func TestAnOrganizationCountsDaysByItsOwnClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signUp(t, "ann")
	in := w.enter(t, ann.Value).Scope
	was, err := w.Organization(t.Context(), in)
	if err != nil || was.TimeZone != "UTC" || was.FiscalDay != 1 {
		t.Fatalf("%+v, %v", was, err)
	}
	zone, day := "Europe/Berlin", 28
	is, err := w.UpdateOrganization(t.Context(), in, was, account.OrganizationChange{TimeZone: &zone, FiscalDay: &day})
	if err != nil || is.TimeZone != zone || is.FiscalDay != day || is.Name != was.Name || is.Zone().String() != zone {
		t.Fatalf("%+v, %v", is, err)
	}
	if _, err := w.UpdateOrganization(t.Context(), in, was, account.OrganizationChange{FiscalDay: &day}); !errors.Is(err, account.ErrChanged) {
		t.Errorf("what was read has changed: %v", err)
	}
	if login := w.enter(t, ann.Value); login.Organization != is {
		t.Errorf("a session tells of %+v, want %+v", login.Organization, is)
	}
	if all, err := w.Memberships(t.Context(), in); err != nil || all[0].Organization != is {
		t.Errorf("memberships tell of %+v, %v", all, err)
	}
	name := "Renamed"
	is, err = w.UpdateOrganization(t.Context(), in, is, account.OrganizationChange{Name: &name})
	if err != nil || is.Name != name || is.TimeZone != zone || is.FiscalDay != day {
		t.Errorf("%+v, %v", is, err)
	}
	for _, bad := range []string{"", "Local", "Europe/Atlantis", "../etc/passwd", "UTC+2"} {
		_, err := w.UpdateOrganization(t.Context(), in, is, account.OrganizationChange{TimeZone: &bad})
		var f *fault.Error
		if !errors.As(err, &f) || !errors.Is(err, account.ErrTimeZone) || f.Field != "time_zone" {
			t.Errorf("zone %q: %v", bad, err)
		}
	}
	for _, bad := range []int{0, 29, -1} {
		if _, err := w.UpdateOrganization(t.Context(), in, is, account.OrganizationChange{FiscalDay: &bad}); !errors.Is(err, account.ErrFiscalDay) {
			t.Errorf("day %d: %v", bad, err)
		}
	}
}
