package alias

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Routing is an organization's routing as it stands.
type Routing struct {
	Version     FileVersion              // its File holds the aliases' routes; Number 0: never saved
	Aliases     map[string]Alias         // by name
	Credentials map[id.Credential]string // the organization's, with their providers
	Prompts     map[id.Prompt]Shelved    // the organization's, archived ones too
}

// Revision is what one change of the routing writes, all or nothing.
type Revision struct {
	Version FileVersion // the next one
	Made    []Alias     // at version 1
	Changed []Alias     // at their next version
	Gone    []id.Alias

	AliasMessage string // what the versions of Made and Changed say
}

// Proposal is a file that somebody wants to apply.
type Proposal struct {
	File    File
	Text    string // the YAML that File was read from, kept with the version; "": none
	Message string // what the change is for; "": the changes in words
}

// Routing gives the file as it stands. Before the first save its number is 0.
func (s *Service) Routing(ctx context.Context, in tenant.Scope) (FileVersion, error) {
	r, err := s.store.Routing(ctx, in)
	return r.Version, err
}

// FileProblems are all reasons to refuse a file now, credentials included.
func (s *Service) FileProblems(ctx context.Context, in tenant.Scope, f File) ([]Problem, error) {
	r, err := s.store.Routing(ctx, in)
	if err != nil {
		return nil, err
	}
	f = f.Normal()
	_, unbound := f.bind(r.Version.File, r.Prompts)
	return append(append(f.Problems(s.words), f.Missing(r.Credentials)...), unbound...), nil
}

// FileWarnings are what of a good file will not work yet.
func (s *Service) FileWarnings(ctx context.Context, in tenant.Scope, f File) ([]Problem, error) {
	r, err := s.store.Routing(ctx, in)
	if err != nil {
		return nil, err
	}
	f, _ = f.Normal().bind(r.Version.File, r.Prompts)
	return f.warnings(r.Prompts), nil
}

// Apply makes a file the organization's routing: aliases that it changes get their next version, those that it does not hold are
// deleted, and the file itself gets its next version. check sees the version that stands and may refuse (If-Match); nil accepts any. A
// file that says nothing new makes no version, unless it comes with another text. ErrFile.
func (s *Service) Apply(ctx context.Context, in tenant.Scope, p Proposal, check func(FileVersion) error) (FileVersion, error) {
	p.File = p.File.Normal()
	if found := p.File.Problems(s.words); len(found) > 0 {
		return FileVersion{}, fileFault(found)
	}
	return s.change(ctx, in, p.Message, func(now Routing) (*Proposal, error) {
		if check != nil {
			if err := check(now.Version); err != nil {
				return nil, err
			}
		}
		file, found := p.File.bind(now.Version.File, now.Prompts)
		if found = append(p.File.Missing(now.Credentials), found...); len(found) > 0 {
			return nil, fileFault(found)
		}
		p.File = file
		if p.File.Same(now.Version.File) && (p.Text == "" || p.Text == now.Version.Text) {
			return nil, nil
		}
		return &p, nil
	})
}

// fileFault is the first of a file's problems, and how many more there are.
func fileFault(found []Problem) error {
	e := ErrFile.Say("%s", found[0].Reason)
	if more := len(found) - 1; more > 0 {
		e = ErrFile.Say("%s (and %d more)", found[0].Reason, more)
	}
	return e.At(found[0].Field())
}

// FileVersions gives newest first the versions before a number (0: from the newest) without their files, at most limit, and whether
// there are more.
func (s *Service) FileVersions(ctx context.Context, in tenant.Scope, before, limit int) ([]FileVersion, bool, error) {
	list, err := s.store.FileVersions(ctx, in, before, limit+1)
	if err != nil || len(list) <= limit {
		return list, false, err
	}
	return list[:limit], true, nil
}

// FileVersion finds one, with its file. ErrNoFileVersion.
func (s *Service) FileVersion(ctx context.Context, in tenant.Scope, number int) (FileVersion, error) {
	return s.store.FileVersion(ctx, in, number)
}

// RestoreFile makes the next version with the file of an old one. What that needs must still be there. check is as in Apply.
func (s *Service) RestoreFile(ctx context.Context, in tenant.Scope, number int, message string, check func(FileVersion) error) (FileVersion, error) {
	old, err := s.store.FileVersion(ctx, in, number) // immutable: it may be read beforehand
	if err != nil {
		return FileVersion{}, err
	}
	p := Proposal{File: old.File, Text: old.Text, Message: cmp.Or(strings.TrimSpace(message), fmt.Sprintf("Went back to version %d", number))}
	return s.Apply(ctx, in, p, check)
}

// change writes what fn makes of the routing and returns the version that then stands. A nil proposal changes nothing. fn answers for
// the proposal's rules; its File is normal.
func (s *Service) change(ctx context.Context, in tenant.Scope, message string, fn func(Routing) (*Proposal, error)) (FileVersion, error) {
	message, err := oneLine(message)
	if err != nil {
		return FileVersion{}, err
	}
	var stands FileVersion
	err = s.store.Change(ctx, in, func(now Routing) (*Revision, error) {
		stands = now.Version
		p, err := fn(now)
		if err != nil || p == nil {
			return nil, err
		}
		r := s.revision(in, now, *p, message)
		stands = r.Version
		return r, nil
	})
	if err != nil {
		return FileVersion{}, err
	}
	return stands, nil
}

// revision tells what has to be written so that p stands.
func (s *Service) revision(in tenant.Scope, now Routing, p Proposal, message string) *Revision {
	at := instant(s.now())
	r := &Revision{Version: FileVersion{Number: now.Version.Number + 1, File: p.File, Text: p.Text, Author: in.Actor().ID(), CreatedAt: at}, AliasMessage: message}
	r.Version.Message = cmp.Or(message, summary(Diff(now.Version.File, p.File)))
	for _, name := range slices.Sorted(maps.Keys(p.File.Aliases)) {
		route := p.File.Aliases[name]
		a, there := now.Aliases[name]
		switch {
		case !there:
			r.Made = append(r.Made, Alias{ID: id.Alias(id.New("alias")), Name: name, Version: 1, Route: route, CreatedAt: at, UpdatedAt: at})
		case !a.Route.Same(route):
			a.Version, a.Route, a.UpdatedAt = a.Version+1, route, at
			r.Changed = append(r.Changed, a)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now.Aliases)) {
		if !p.File.has(name) {
			r.Gone = append(r.Gone, now.Aliases[name].ID)
		}
	}
	return r
}
