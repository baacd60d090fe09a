package sign

// Kept is how many credentials' tokens are kept.
func (s *Signer) Kept() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.sources)
}
