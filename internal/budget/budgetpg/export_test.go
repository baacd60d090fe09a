package budgetpg

import "time"

// SetClock gives the authority a clock of the test's instead of the database's.
func (a *Authority) SetClock(now func() time.Time) {
	a.at = func() *time.Time { t := now(); return &t }
}
