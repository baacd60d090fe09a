package prompthttp

import (
	"context"
	"net/http"
	"strconv"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// ProtectedLabels are the labels that owners and admins move.
type ProtectedLabels struct {
	Labels   []string `json:"labels" maxItems:"100"`
	Approval *bool    `json:"approval,omitempty" doc:"Moves of these labels want another person's approval; roll-backs do not. Left out of a request: as it is"`
	revision int
}

// Tag implements rest.Tagged.
func (p ProtectedLabels) Tag() string { return strconv.Itoa(p.revision) }

func toProtected(r prompt.Rules) ProtectedLabels {
	return ProtectedLabels{Labels: append([]string{}, r.Protected...), Approval: &r.Approvals, revision: r.Revision}
}

// Maybe is an If-Match that a request may leave out.
type Maybe struct {
	IfMatch string `header:"If-Match" doc:"The ETag that you read; without it, whatever stands now is changed"`
}

func (m Maybe) rules(r prompt.Rules) error {
	if m.IfMatch == "" {
		return nil
	}
	return rest.Match{IfMatch: m.IfMatch}.Check(strconv.Itoa(r.Revision))
}

func (m Maybe) prompt(p prompt.Prompt) error {
	if m.IfMatch == "" {
		return nil
	}
	return rest.Match{IfMatch: m.IfMatch}.Check(toPrompt(p).Tag())
}

// ReadProtected reads the protected labels.
func ReadProtected(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read the protected labels"},
		func(ctx context.Context, in tenant.Scope, _ struct{}) (ProtectedLabels, error) {
			r, err := s.Rules(ctx, in)
			return toProtected(r), err
		})
}

type protectRequest struct {
	Maybe
	Body ProtectedLabels
}

// Protect says which labels are protected.
func Protect(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Set the protected labels", Errors: []*fault.Error{prompt.ErrInvalid, prompt.ErrProtected, rest.ErrStale}},
		func(ctx context.Context, in tenant.Scope, req protectRequest) (ProtectedLabels, error) {
			r, err := s.SetRules(ctx, in, prompt.RulesEdit{Protected: &req.Body.Labels, Approvals: req.Body.Approval}, req.rules)
			return toProtected(r), err
		})
}

// PromptEnvironments are the labels of calls that name none.
type PromptEnvironments struct {
	Environments map[string]string `json:"environments" doc:"Label by environment of the key; latest is one too. Environments that are not here use production"`
	revision     int
}

// Tag implements rest.Tagged.
func (p PromptEnvironments) Tag() string { return strconv.Itoa(p.revision) }

func toEnvironments(r prompt.Rules) PromptEnvironments {
	out := PromptEnvironments{Environments: r.Environments, revision: r.Revision}
	if out.Environments == nil {
		out.Environments = map[string]string{}
	}
	return out
}

// ReadEnvironments reads the labels of environments.
func ReadEnvironments(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read which label the calls of an environment use"},
		func(ctx context.Context, in tenant.Scope, _ struct{}) (PromptEnvironments, error) {
			r, err := s.Rules(ctx, in)
			return toEnvironments(r), err
		})
}

type environmentsRequest struct {
	Maybe
	Body struct {
		Environments map[string]string `json:"environments" doc:"Label by environment; those left out use production again"`
	}
}

// SetEnvironments says which label the calls of an environment use.
func SetEnvironments(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Set which label the calls of an environment use", Description: "For calls that name neither a label nor a version. Where the old or the new label is protected, an owner or admin changes it.",
		Errors: []*fault.Error{prompt.ErrInvalid, prompt.ErrProtected, rest.ErrStale},
	},
		func(ctx context.Context, in tenant.Scope, req environmentsRequest) (PromptEnvironments, error) {
			r, err := s.SetRules(ctx, in, prompt.RulesEdit{Environments: &req.Body.Environments}, req.rules)
			return toEnvironments(r), err
		})
}

// PromptFolder is what stands before slashes in names.
type PromptFolder struct {
	Name    string `json:"name"`
	Prompts int    `json:"prompts" doc:"In it and below it, without archived ones"`
}

// PromptFolders are all folders.
type PromptFolders struct {
	Items []PromptFolder `json:"items"`
}

// ListFolders lists all folders by name.
func ListFolders(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List the folders of prompts", Description: "By name."},
		func(ctx context.Context, in tenant.Scope, _ struct{}) (PromptFolders, error) {
			found, err := s.Folders(ctx, in)
			out := PromptFolders{Items: make([]PromptFolder, len(found))}
			for i, f := range found {
				out.Items[i] = PromptFolder(f)
			}
			return out, err
		})
}

type moveFolderRequest struct {
	Body struct {
		From string `json:"from" maxLength:"255"`
		To   string `json:"to" maxLength:"255" doc:"Empty: the folder goes from the names"`
	}
}

// PromptFolderMove is what became of moving a folder.
type PromptFolderMove struct {
	Renamed int `json:"renamed" doc:"Prompts that have another name now"`
}

// MoveFolder renames a folder.
func MoveFolder(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Rename or move a folder of prompts", Description: "All prompts in it get their new names in one change, or none does. Calls that use the old names are refused from then on.",
		Status: http.StatusOK, Errors: []*fault.Error{prompt.ErrInvalid, prompt.ErrNotFound, prompt.ErrTaken, prompt.ErrProtected},
	},
		func(ctx context.Context, in tenant.Scope, req moveFolderRequest) (PromptFolderMove, error) {
			n, err := s.MoveFolder(ctx, in, req.Body.From, req.Body.To)
			return PromptFolderMove{n}, err
		})
}
