package langfusehttp

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/langfuse"
	"tollgate/internal/tenant"
)

// read answers one version: production where neither label nor version is asked for.
func (s *server) read(ctx context.Context, in tenant.Scope, r *http.Request) (reply, error) {
	q := r.URL.Query()
	number := 0
	if given := q.Get("version"); given != "" {
		var err error
		if number, err = strconv.Atoi(given); err != nil || number < 1 {
			return reply{}, errQuery.Say("A version is a number from 1.").At("version")
		}
	}
	p, err := s.Prompts.Find(ctx, in, r.PathValue("rest"))
	if err != nil {
		return reply{}, err
	}
	if !p.ArchivedAt.IsZero() {
		return reply{}, prompt.ErrNotFound
	}
	if number, err = p.Standing(number, q.Get("label")); err != nil {
		return reply{}, err
	}
	out, err := s.version(ctx, in, p, number, q.Get("resolve") != "false")
	return reply{http.StatusOK, out}, err
}

// version is one in Langfuse's words.
func (s *server) version(ctx context.Context, in tenant.Scope, p prompt.Prompt, number int, resolve bool) (langfuse.Prompt, error) {
	v, err := s.Prompts.Version(ctx, in, p.ID, number)
	if err != nil {
		return langfuse.Prompt{}, err
	}
	var out langfuse.Prompt
	err = s.Prompts.Library(ctx, in, func(lib prompt.Library) (err error) {
		if !resolve {
			out, err = langfuse.Raw(lib, p, v)
			return err
		}
		out, err = langfuse.Resolved(lib, p, v)
		return err
	})
	return out, err
}

const (
	pageDefault = 50
	pageMax     = 100
)

// list answers prompts by name, each with its versions.
func (s *server) list(ctx context.Context, in tenant.Scope, r *http.Request) (reply, error) {
	q := r.URL.Query()
	if q.Get("filter") != "" {
		return reply{}, errQuery.Say("filter is not known here: use name, label, tag, fromUpdatedAt and toUpdatedAt.").At("filter")
	}
	page, err := number(q.Get("page"), "page", 1, 1<<20)
	if err != nil {
		return reply{}, err
	}
	limit, err := number(q.Get("limit"), "limit", pageDefault, pageMax)
	if err != nil {
		return reply{}, err
	}
	from, err := moment(q.Get("fromUpdatedAt"), "fromUpdatedAt")
	if err != nil {
		return reply{}, err
	}
	to, err := moment(q.Get("toUpdatedAt"), "toUpdatedAt")
	if err != nil {
		return reply{}, err
	}
	label := q.Get("label")
	found, err := s.found(ctx, in, prompt.Filter{Label: listed(label), Tag: q.Get("tag")}, func(p prompt.Prompt) bool {
		return (q.Get("name") == "" || p.Name == q.Get("name")) && !p.UpdatedAt.Before(from) && (to.IsZero() || p.UpdatedAt.Before(to))
	})
	if err != nil {
		return reply{}, err
	}
	out := langfuse.List{Data: []langfuse.Meta{}, Meta: langfuse.Page{Page: page, Limit: limit, TotalItems: len(found), TotalPages: (len(found) + limit - 1) / limit}}
	start := min((page-1)*limit, len(found))
	for _, p := range found[start:min(start+limit, len(found))] {
		newest, err := s.Prompts.Version(ctx, in, p.ID, p.At(cmp.Or(label, prompt.Latest)))
		if err != nil {
			return reply{}, err
		}
		m, err := langfuse.MetaOf(p, label, newest)
		if err != nil {
			return reply{}, err
		}
		out.Data = append(out.Data, m)
	}
	return reply{http.StatusOK, out}, nil
}

// listed is the label by which storage selects: every prompt has a latest version.
func listed(label string) string {
	if label == prompt.Latest {
		return ""
	}
	return label
}

// found are all prompts that match: Langfuse's lists tell how many there are, and an organization has a bounded number.
func (s *server) found(ctx context.Context, in tenant.Scope, f prompt.Filter, keep func(prompt.Prompt) bool) ([]prompt.Prompt, error) {
	var out []prompt.Prompt
	for after := ""; ; {
		part, more, err := s.Prompts.List(ctx, in, f, after, 500)
		if err != nil {
			return nil, err
		}
		for _, p := range part {
			if keep(p) {
				out = append(out, p)
			}
		}
		if !more || len(part) == 0 {
			return out, nil
		}
		after = part[len(part)-1].Name
	}
}

func number(given, field string, otherwise, most int) (int, error) {
	if given == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 || n > most {
		return 0, errQuery.Say("%s is a number from 1 to %d.", field, most).At(field)
	}
	return n, nil
}

func moment(given, field string) (time.Time, error) {
	if given == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, given)
	if err != nil {
		return t, errQuery.Say("%s is a time like 2030-01-31T12:00:00Z, and not %q.", field, fault.Clip(given)).At(field)
	}
	return t, nil
}
