package keyhttp

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/httperr"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Importer takes keys of other gateways over; issue.Service does.
type Importer interface {
	Import(ctx context.Context, in tenant.Scope, rows []key.Imported, o key.ImportOptions) ([]key.Taken, error)
}

type importRequest struct {
	Body struct {
		Format string            `json:"format,omitempty" enum:"litellm" doc:"litellm when left out"`
		TeamID string            `json:"team_id" maxLength:"64" doc:"Team of keys whose own team is not in teams"`
		Teams  map[string]string `json:"teams,omitempty" doc:"The other gateway's team ids, and the teams here that their keys go to"`
		DryRun bool              `json:"dry_run,omitempty"`
		Keys   json.RawMessage   `json:"keys" doc:"Rows of LiteLLM_VerificationToken, or what /key/list answers with return_full_object=true. With LiteLLM_DeprecatedVerificationToken beside them, secrets in their grace period go on too"`
	}
}

// ImportedKeys is what became of an import.
type ImportedKeys struct {
	DryRun bool       `json:"dry_run"`
	Taken  int        `json:"taken"`
	Failed int        `json:"failed"`
	Rows   []TakenKey `json:"rows"`
}

// TakenKey is what became of one row.
type TakenKey struct {
	Row    int      `json:"row" doc:"In the order sent, from 1"`
	KeyID  string   `json:"key_id,omitempty" doc:"Absent in a dry run, and where it failed"`
	Name   string   `json:"name,omitempty"`
	Notes  []string `json:"notes" doc:"What is not taken over, and what to do"`
	Status int      `json:"status,omitempty"`
	Code   string   `json:"code,omitempty"`
	Detail string   `json:"detail,omitempty"`
	Field  string   `json:"field,omitempty"`
}

// Import takes keys of another gateway over by the hashes of their secrets.
func Import(s Importer) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Import virtual keys by their hashes",
		Description: "The secrets that applications have go on working: a secret is known by its plain SHA-256 until its first use, and by a keyed hash from then on. " +
			"Each row by itself; a repeated import leaves what is there alone (409 key.secret_known).",
		Errors: []*fault.Error{key.ErrImportForm, key.ErrImportRole, key.ErrImportSize},
	},
		func(ctx context.Context, in tenant.Scope, req importRequest) (ImportedKeys, error) {
			rows, err := key.ParseLiteLLM(req.Body.Keys)
			if err != nil {
				return ImportedKeys{}, err
			}
			o := key.ImportOptions{Team: id.Team(req.Body.TeamID), Teams: map[string]id.Team{}, DryRun: req.Body.DryRun}
			for theirs, ours := range req.Body.Teams {
				o.Teams[theirs] = id.Team(ours)
			}
			taken, err := s.Import(ctx, in, rows, o)
			if err != nil {
				return ImportedKeys{}, err
			}
			return toImported(taken, o.DryRun), nil
		})
}

func toImported(list []key.Taken, dry bool) ImportedKeys {
	out := ImportedKeys{DryRun: dry, Rows: make([]TakenKey, len(list))}
	for i, t := range list {
		r := &out.Rows[i]
		r.Row, r.Notes, r.Name = t.Row, texts(t.Notes), t.Key.Name
		if !dry {
			r.KeyID = string(t.Key.ID)
		}
		var f *fault.Error
		if !errors.As(t.Err, &f) {
			out.Taken++
			continue
		}
		out.Failed++
		r.KeyID, r.Code, r.Detail, r.Field = "", f.Code, f.Message, f.Field
		r.Status, _ = httperr.Of(t.Err)
	}
	return out
}

type reportRequest struct {
	Body struct {
		Secret string `json:"secret" minLength:"1" maxLength:"1000" doc:"As it was found, whole"`
		Note   string `json:"note,omitempty" maxLength:"500" doc:"Where it was found"`
	}
}

// ReportedKey is what became of a report.
type ReportedKey struct {
	Known   bool `json:"known" doc:"The secret belongs to a key of your organization"`
	Key     *Key `json:"key,omitempty"`
	Ended   bool `json:"ended" doc:"The secret was ended by this report"`
	Revoked bool `json:"revoked" doc:"And the key with it: it had no other secret"`
}

// Report takes in a secret that a member found in public.
func Report(l *key.Leaks, now func() time.Time) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Report a leaked secret",
		Description: "What is done is the policy of the secret's organization: it is ended at once, or people are told. A secret of another organization is " +
			"answered like one that nobody has.",
		Errors: []*fault.Error{key.ErrNoLeak},
	},
		func(ctx context.Context, in tenant.Scope, req reportRequest) (ReportedKey, error) {
			f, err := l.Report(ctx, in, req.Body.Secret, req.Body.Note)
			switch {
			case errors.Is(err, key.ErrNotFound):
				return ReportedKey{}, nil
			case err != nil:
				return ReportedKey{}, err
			}
			k := toKey(f.Key, now())
			return ReportedKey{true, &k, f.Ended, f.Revoked}, nil
		})
}

// KeySettings are what an organization wants done with keys.
type KeySettings struct {
	OnLeak string `json:"on_leak" enum:"revoke,notify" doc:"revoke: a leaked secret is ended at once and its calls are cut. notify: people are told"`
}

// ReadSettings tells them.
func ReadSettings(l *key.Leaks) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read the settings of keys"},
		func(ctx context.Context, in tenant.Scope, _ struct{}) (KeySettings, error) {
			p, err := l.Policy(ctx, in)
			return KeySettings{string(p)}, err
		})
}

// WriteSettings changes them.
func WriteSettings(l *key.Leaks) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Set the settings of keys", Errors: []*fault.Error{key.ErrLeakPolicy, key.ErrLeakRole}},
		func(ctx context.Context, in tenant.Scope, req struct{ Body KeySettings }) (KeySettings, error) {
			return req.Body, l.SetPolicy(ctx, in, key.OnLeak(req.Body.OnLeak))
		})
}
