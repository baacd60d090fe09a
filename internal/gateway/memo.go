package gateway

import "sync"

// memo remembers what is found anew for each call and never changes while the process runs. Clients choose the names of models, so
// beyond memoMax it starts over. The zero memo is empty and ready.
type memo[K comparable, V any] struct {
	mu    sync.RWMutex
	known map[K]V
}

// memoMax is the most entries of a memo.
const memoMax = 10_000

func (m *memo[K, V]) find(k K) (V, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.known[k]
	return v, ok
}

func (m *memo[K, V]) keep(k K, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= memoMax {
		m.known = make(map[K]V)
	}
	m.known[k] = v
}
