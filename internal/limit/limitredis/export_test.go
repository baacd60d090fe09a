package limitredis

// Untold is how much the server is yet to be told.
func (m *Meter) Untold() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.pending) + len(m.freed) + int(m.telling.Load())
}

// Away is how many others count by themselves.
func (m *Meter) Away() int64 { return m.away.Load() }
