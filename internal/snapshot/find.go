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

// Same finds a key that another snapshot had, as it is in this one: by its secret where that is here, or else by its id.
func (s *Snapshot) Same(was *Key) (*Key, bool) {
	if k, ok := s.Key(was.Hash); ok && k.ID == was.ID {
		return k, true
	}
	if k, ok := s.Plain(was.Hash); ok && k.ID == was.ID {
		return k, true
	}
	return s.KeyByID(was.ID)
}

// KeyByID finds a live or dead virtual key by its id, by any of its secrets. The first question to a snapshot looks at every key.
func (s *Snapshot) KeyByID(which id.Key) (*Key, bool) {
	s.ids.once.Do(func() {
		s.ids.keys = make(map[id.Key]*Key, s.Keys())
		for _, part := range s.keys {
			for _, k := range part {
				s.ids.keys[k.ID] = k
			}
		}
		for _, k := range s.plain {
			s.ids.keys[k.ID] = k
		}
	})
	k, ok := s.ids.keys[which]
	return k, ok
}
