package spool

import "slices"

// harmedName is a file whose presence says that records were lost from this spool once: what a proxy held of budgets must then not be
// taken for unspent. Nothing removes it but people, when they have looked.
const harmedName = "harmed"

// Inherited tells of what earlier processes left: whether all of it was shipped, and whether it was whole. It is whole where nothing was
// damaged, unreadable or set aside, now or before. What a kill tears off the end was never acknowledged, so it is no damage.
func (s *Spool) Inherited() (shipped, whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	nothingWaits := s.unread == 0 && s.cursor == s.read
	return nothingWaits || !s.cursor.before(s.inherited), !s.harmed
}

// harm notes that something was lost, for this process and those after it. Called under mu, or before the spool is shared.
func (s *Spool) harm() {
	if s.harmed {
		return
	}
	s.harmed = true
	if err := s.replaceFile(harmedName, []byte("records were lost\n"), durable); err != nil {
		s.log.Error("spool: that records were lost could not be noted", "error", err)
	}
}

// loadHarm finds out what happened to earlier processes.
func (s *Spool) loadHarm(names []string) {
	s.harmed = slices.Contains(names, harmedName) || slices.Contains(names, asideName)
}
