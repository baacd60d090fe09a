package snapshot

import (
	"sync"

	"tollgate/internal/id"
)

// index finds keys by their ids. It is made when first asked for: calls find keys by their hash.
type index struct {
	once sync.Once
	keys map[id.Key]*Key
}

// KeyByID finds a live or dead virtual key by its id. The first question to a snapshot looks at every key.
func (s *Snapshot) KeyByID(which id.Key) (*Key, bool) {
	s.ids.once.Do(func() {
		s.ids.keys = make(map[id.Key]*Key, s.Keys())
		for _, part := range s.keys {
			for _, k := range part {
				s.ids.keys[k.ID] = k
			}
		}
	})
	k, ok := s.ids.keys[which]
	return k, ok
}
