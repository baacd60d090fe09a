package prompt

import (
	"context"
	"maps"
	"slices"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/tenant"
)

// Folder is what stands before slashes in names of prompts.
type Folder struct {
	Name    string // "support/mail"
	Prompts int    // in it and below it, without archived ones
}

// Folders lists all folders by name.
func (s *Service) Folders(ctx context.Context, in tenant.Scope) ([]Folder, error) {
	names, err := s.store.Names(ctx, in)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, name := range names {
		for i := range len(name) {
			if name[i] == '/' {
				counts[name[:i]]++
			}
		}
	}
	out := make([]Folder, 0, len(counts))
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, Folder{name, counts[name]})
	}
	return out, nil
}

// MoveFolder gives all prompts in a folder, and below it, names in another one, in one change; to "" takes the folder away from their names. It tells
// how many were renamed. Archived ones keep their names. ErrNotFound when the folder is empty, ErrTaken, ErrProtected as for renaming one of them.
func (s *Service) MoveFolder(ctx context.Context, in tenant.Scope, from, to string) (int, error) {
	from, to = strings.Trim(strings.TrimSpace(from), "/"), strings.Trim(strings.TrimSpace(to), "/")
	switch {
	case CheckName(from) != nil:
		return 0, invalid("from", "This is no folder.")
	case to != "" && CheckName(to) != nil:
		return 0, invalid("to", "Folders are separated by one slash, and each has a name.")
	case from == to:
		return 0, nil
	case strings.HasPrefix(to, from+"/"):
		return 0, invalid("to", "A folder cannot be moved into itself.")
	}
	h := s.hand(in)
	var n int
	err := s.store.Change(ctx, in, func(d Desk) error {
		list, err := d.Below(from)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return ErrNotFound.Say("There is no folder %q.", fault.Clip(from))
		}
		n = len(list)
		for _, p := range list {
			if err := h.free(d, p); err != nil {
				return err
			}
			p.Name = strings.TrimPrefix(to+strings.TrimPrefix(p.Name, from), "/")
			if err := CheckName(p.Name); err != nil {
				return err
			}
			if _, taken := d.Named(p.Name); taken {
				return ErrTaken.Say("Another prompt has the name %q.", fault.Clip(p.Name)).At("to")
			}
			if err := d.Put(h.touched(p), nil); err != nil {
				return err
			}
		}
		return d.Err()
	})
	return n, err
}
