package aliashttp

import (
	"context"
	"io"
	"strconv"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliasfile"
	"tollgate/internal/fault"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Auto says what the model name auto means.
type Auto struct {
	On         bool   `json:"on,omitempty"`
	Classifier string `json:"classifier,omitempty" maxLength:"64" doc:"Alias that is asked for the task where the local classifier is not sure"`
	Default    string `json:"default,omitempty" maxLength:"64" doc:"Task of calls that fit none; left out: such calls are refused"`
}

// Document is the routing file as JSON.
type Document struct {
	Tasks   map[string]string `json:"tasks,omitempty" doc:"Task to alias"`
	Auto    *Auto             `json:"auto,omitempty"`
	Aliases map[string]Route  `json:"aliases,omitempty" doc:"By name"`
}

func toDocument(f alias.File) Document {
	out := Document{Tasks: f.Tasks, Aliases: make(map[string]Route, len(f.Aliases))}
	if f.Auto.On {
		out.Auto = &Auto{On: true, Classifier: f.Auto.Classifier, Default: f.Auto.Default}
	}
	for name, r := range f.Aliases {
		out.Aliases[name] = toRoute(r)
	}
	return out
}

func fromDocument(d Document) alias.File {
	f := alias.File{Tasks: d.Tasks, Aliases: make(map[string]alias.Route, len(d.Aliases))}
	if d.Auto != nil {
		f.Auto = alias.Auto{On: d.Auto.On, Classifier: d.Auto.Classifier, Default: d.Auto.Default}
	}
	for name, r := range d.Aliases {
		f.Aliases[name] = fromRoute(r)
	}
	return f
}

// Routing is a version of the routing file.
type Routing struct {
	Version   int        `json:"version" doc:"0: nothing was saved yet"`
	Document  Document   `json:"document"`
	YAML      string     `json:"yaml" doc:"As it was applied, with its comments; otherwise in canonical form"`
	Author    string     `json:"author,omitempty" doc:"Id of the user or token"`
	Message   string     `json:"message,omitempty"`
	CreatedAt *time.Time `json:"created_at,omitempty"`
}

// Tag implements rest.Tagged.
func (r Routing) Tag() string { return strconv.Itoa(r.Version) }

func toRouting(v alias.FileVersion) Routing {
	out := Routing{Version: v.Number, Document: toDocument(v.File), YAML: aliasfile.Text(v), Author: v.Author, Message: v.Message}
	if v.Number > 0 {
		out.CreatedAt = &v.CreatedAt
	}
	return out
}

// Input is a routing file as a request holds it: as YAML or as a document.
type Input struct {
	YAML     string    `json:"yaml,omitempty" maxLength:"1048576" doc:"The file as text; or"`
	Document *Document `json:"document,omitempty" doc:"the file as JSON"`
}

// read gives the file, its text, and what is wrong with the latter's form. With problems the file is not fit to be applied.
func (i Input) read() (d *aliasfile.Document, problems []aliasfile.Problem, err error) {
	switch {
	case i.YAML != "" && i.Document != nil, i.YAML == "" && i.Document == nil:
		return nil, nil, alias.ErrFile.Say("Send the file as yaml or as document: one of both.")
	case i.Document != nil:
		return &aliasfile.Document{File: fromDocument(*i.Document)}, nil, nil
	}
	d, problems = aliasfile.Parse([]byte(i.YAML))
	return d, problems, nil
}

// ReadRouting is the file as it stands.
func ReadRouting(s *alias.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read the routing file", Description: "Tasks, aliases and their routes in one document."},
		func(ctx context.Context, in tenant.Scope, _ struct{}) (Routing, error) {
			v, err := s.Routing(ctx, in)
			return toRouting(v), err
		})
}

// ReadRoutingFile is the file as it stands, as YAML.
func ReadRoutingFile(s *alias.Service) rest.Endpoint {
	return rest.HandleStream(rest.About{
		Summary: "Download the routing file", Description: "As YAML. Its first line names the version, so that applying it overwrites nobody's change.",
	}, "application/yaml", func(ctx context.Context, in tenant.Scope, _ struct{}) (rest.Stream, error) {
		v, err := s.Routing(ctx, in)
		return stream("application/yaml", []byte(aliasfile.Stamped(aliasfile.Text(v), v.Number))), err
	})
}

// RoutingSchema is the JSON Schema of the YAML form.
func RoutingSchema() rest.Endpoint {
	return rest.HandleStream(rest.About{Summary: "Read the JSON Schema of the routing file", Description: "Of its YAML form, for editors and CI."}, "application/schema+json",
		func(context.Context, tenant.Scope, struct{}) (rest.Stream, error) {
			return stream("application/schema+json", aliasfile.Schema()), nil
		})
}

func stream(contentType string, text []byte) rest.Stream {
	return rest.Stream{ContentType: contentType, Write: func(_ context.Context, w io.Writer, flush func()) error {
		_, err := w.Write(text)
		flush()
		return err
	}}
}

type applyRequest struct {
	rest.Match
	Body struct {
		Input
		Message string `json:"message,omitempty" maxLength:"2000" doc:"What the change is for; left out: the changes in words"`
	}
}

// ApplyRouting makes a file the organization's.
func ApplyRouting(s *alias.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Apply a routing file",
		Description: "All of it or nothing, used by the next call on every proxy within a second. Aliases that it changes get their next version; those it does not " +
			"hold are deleted. A file that says nothing new makes no version.",
		Errors: []*fault.Error{alias.ErrFile, alias.ErrInvalid, rest.ErrNoMatch, rest.ErrStale},
	},
		func(ctx context.Context, in tenant.Scope, req applyRequest) (Routing, error) {
			if req.IfMatch == "" {
				return Routing{}, rest.ErrNoMatch
			}
			d, err := req.Body.Valid(ctx, s, in)
			if err != nil {
				return Routing{}, err
			}
			v, err := s.Apply(ctx, in, alias.Proposal{File: d.File, Text: d.Text, Message: req.Body.Message}, func(now alias.FileVersion) error {
				return req.Check(strconv.Itoa(now.Number))
			})
			return toRouting(v), err
		})
}

// Valid is the file, or why it cannot be applied.
func (i Input) Valid(ctx context.Context, s *alias.Service, in tenant.Scope) (*aliasfile.Document, error) {
	d, problems, err := i.read()
	if err != nil {
		return nil, err
	}
	if problems, err = checked(ctx, s, in, d, problems); err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, refusal(problems)
	}
	return d, nil
}

// checked is everything that is wrong with a file.
func checked(ctx context.Context, s *alias.Service, in tenant.Scope, d *aliasfile.Document, read []aliasfile.Problem) ([]aliasfile.Problem, error) {
	found, err := s.FileProblems(ctx, in, d.File)
	return d.Problems(read, found), err
}

// refusal names the first problem, its place, and how many more there are.
func refusal(problems []aliasfile.Problem) error {
	first := problems[0]
	text := first.Reason
	if first.Path != "" {
		text = first.Path + ": " + text
	}
	if first.Line > 0 {
		text = "Line " + strconv.Itoa(first.Line) + ", column " + strconv.Itoa(first.Column) + ": " + text
	}
	if more := len(problems) - 1; more > 0 {
		text += " (And " + strconv.Itoa(more) + " more; POST /routing/check tells all.)"
	}
	return alias.ErrFile.Say("%s", text).At(first.Path)
}

// RoutingProblem is one reason why a file is refused.
type RoutingProblem struct {
	Line   int    `json:"line,omitempty" doc:"In the YAML, from 1"`
	Column int    `json:"column,omitempty"`
	Path   string `json:"path,omitempty" example:"aliases.fast-classifier.targets[0].model"`
	Reason string `json:"reason"`
}

// RoutingChange is what becomes of one task, one alias or auto.
type RoutingChange struct {
	Kind  string   `json:"kind" enum:"added,removed,changed"`
	Task  string   `json:"task,omitempty"`
	Alias string   `json:"alias,omitempty"`
	Says  []string `json:"says" doc:"In words"`
}

// RoutingVerdict is what a check of a file says.
type RoutingVerdict struct {
	Valid    bool             `json:"valid"`
	Version  int              `json:"version" doc:"Of the file that stands"`
	Problems []RoutingProblem `json:"problems"`
	Warnings []RoutingProblem `json:"warnings,omitempty" doc:"What will not work yet, though the file is valid: a label of a prompt that stands nowhere"`
	Changes  []RoutingChange  `json:"changes" doc:"Against the file that stands; empty when the file is not valid"`
	Diff     string           `json:"diff,omitempty" doc:"Of the canonical forms, with + and - before lines"`
}

type checkRequest struct{ Body Input }

// CheckRouting says what is wrong with a file and what it would change, and changes nothing.
func CheckRouting(s *alias.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Check a routing file", Description: "Tells every problem with its place, and what applying the file would change. Changes nothing.",
		Errors: []*fault.Error{alias.ErrFile},
	},
		func(ctx context.Context, in tenant.Scope, req checkRequest) (RoutingVerdict, error) {
			d, problems, err := req.Body.read()
			if err != nil {
				return RoutingVerdict{}, err
			}
			if problems, err = checked(ctx, s, in, d, problems); err != nil {
				return RoutingVerdict{}, err
			}
			now, err := s.Routing(ctx, in)
			if err != nil {
				return RoutingVerdict{}, err
			}
			out := verdict(now, d.File, problems)
			if out.Valid {
				warnings, err := s.FileWarnings(ctx, in, d.File)
				if err != nil {
					return RoutingVerdict{}, err
				}
				for _, p := range d.Locate(warnings) {
					out.Warnings = append(out.Warnings, RoutingProblem(p))
				}
			}
			return out, nil
		})
}

func verdict(now alias.FileVersion, f alias.File, problems []aliasfile.Problem) RoutingVerdict {
	out := RoutingVerdict{Valid: len(problems) == 0, Version: now.Number, Problems: make([]RoutingProblem, len(problems)), Changes: []RoutingChange{}}
	for i, p := range problems {
		out.Problems[i] = RoutingProblem(p)
	}
	if !out.Valid {
		return out
	}
	for _, c := range alias.Diff(now.File, f) {
		out.Changes = append(out.Changes, RoutingChange(c))
	}
	out.Diff = aliasfile.Patch(string(aliasfile.Format(now.File)), string(aliasfile.Format(f)))
	return out
}
