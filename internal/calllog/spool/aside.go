package spool

import (
	"encoding/json"
	"errors"
	"os"

	"tollgate/internal/calllog"
)

// asideName is the file of records that can never be shipped, a line of JSON each. Nothing reads it but people.
const asideName = "quarantine.jsonl"

type asideLine struct {
	Reason     string          `json:"reason"`
	Record     *calllog.Record `json:"record,omitempty"`
	Unreadable []byte          `json:"unreadable,omitempty"` // a payload that this program could not decode
}

// SetAside puts a record that cannot be shipped where people find it, durably, so that those behind it are not held up.
func (s *Spool) SetAside(r calllog.Record, reason string) error {
	return s.aside(asideLine{Reason: reason, Record: &r})
}

// SetAsideUnreadable does the same for an entry of Batch.Unreadable.
func (s *Spool) SetAsideUnreadable(payload []byte, reason string) error {
	return s.aside(asideLine{Reason: reason, Unreadable: payload})
}

// aside is called by the one reader only.
func (s *Spool) aside(line asideLine) error {
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	f, err := s.fs.Open(asideName)
	made := errors.Is(err, os.ErrNotExist)
	if made {
		f, err = s.fs.Create(asideName)
	}
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err == nil {
		_, err = f.WriteAt(append(b, '\n'), size)
	}
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil && made {
		err = s.fs.SyncDir()
	}
	s.mu.Lock()
	s.harmed = true // the file itself tells those who come later
	s.mu.Unlock()
	return err
}
