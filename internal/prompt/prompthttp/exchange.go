package prompthttp

import (
	"context"
	"encoding/base64"
	"io"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/exchange"
	"tollgate/internal/rest"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

// importBytesMax bounds an import as JSON: the files, and what JSON adds to them.
const importBytesMax = exchange.BytesMax + exchange.BytesMax/2

// PromptFile is a file with prompts.
type PromptFile struct {
	Path   string `json:"path" maxLength:"4096" doc:"Below the folder that is taken in: support/greeting.prompt.yaml. Its ending says what it is: .prompt.yaml, .md, .txt, .prompt, .json, .jsonl, .zip"`
	Text   string `json:"text,omitempty"`
	Base64 string `json:"base64,omitempty" doc:"Instead of text, of a zip file"`
}

// LangfuseProject is where prompts are read.
type LangfuseProject struct {
	URL       string `json:"url" maxLength:"500" doc:"https://cloud.langfuse.com"`
	PublicKey string `json:"public_key" maxLength:"200"`
	SecretKey string `json:"secret_key" maxLength:"200" doc:"Used once and never kept"`
}

type importRequest struct {
	Body struct {
		Source   string           `json:"source,omitempty" enum:"auto,files,langfuse,portkey,helicone,openai" doc:"auto finds it out"`
		Files    []PromptFile     `json:"files,omitempty" maxItems:"10000"`
		Langfuse *LangfuseProject `json:"langfuse,omitempty" doc:"Read the prompts there, instead of files"`
		Versions string           `json:"versions,omitempty" enum:"all,labelled,latest" doc:"Of prompts with several versions; all where it is left out"`
		Folder   string           `json:"folder,omitempty" maxLength:"200" doc:"Into which they go"`
		Labels   string           `json:"labels,omitempty" enum:"new,all,none" doc:"new puts on labels that a prompt does not have yet, so that nothing that is live changes; all moves them; new where it is left out"`
		Put      string           `json:"put,omitempty" maxLength:"36" doc:"A label for the newest version of each, instead of its own labels; it is moved from wherever it stands"`
		Strict   bool             `json:"strict,omitempty" doc:"A label that you may not move refuses its prompt; otherwise that label stays where it is"`
		Guard    bool             `json:"guard,omitempty" doc:"A prompt that was changed here since its file was exported is refused"`
		Message  string           `json:"message,omitempty" maxLength:"500" doc:"Of new versions of which nothing is said"`
		DryRun   bool             `json:"dry_run,omitempty" doc:"Everything is tried and nothing is kept"`
	}
}

// PromptImport is what became of an import.
type PromptImport struct {
	DryRun bool                `json:"dry_run"`
	Counts map[string]int      `json:"counts" doc:"Rows by state"`
	Rows   []PromptImportedRow `json:"rows" doc:"In the order in which they were taken"`
}

// PromptImportedRow is what became of one prompt.
type PromptImportedRow struct {
	Name     string            `json:"name"`
	From     string            `json:"from" doc:"The file"`
	State    string            `json:"state" enum:"created,new_version,changed,unchanged,refused"`
	Prompt   string            `json:"prompt_id,omitempty"`
	Revision int               `json:"revision,omitempty"`
	Versions []int             `json:"versions" doc:"Number here of each version that was read"`
	Made     []int             `json:"made" doc:"Those that are new"`
	Moved    []LabelMove       `json:"moved"`
	Held     []PromptLabelHeld `json:"held" doc:"Labels that stayed where they were"`
	Notes    []string          `json:"notes" doc:"What could not be taken over, or is not quite as it was"`
	Code     string            `json:"code,omitempty" doc:"Why it was refused"`
	Detail   string            `json:"detail,omitempty"`
}

// PromptLabelHeld is a label that was not moved.
type PromptLabelHeld struct {
	Label   string `json:"label"`
	Version int    `json:"version" doc:"On which it was to stand"`
	Reason  string `json:"reason"`
}

// Import takes prompts in from elsewhere.
func Import(s *exchange.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary:     "Import prompts",
		Description: "From files, or from what Langfuse, Portkey, Helicone and OpenAI answer and export. Each prompt is taken whole or refused with its reason; the same import again changes nothing.",
		BodyBytes:   importBytesMax,
		Errors:      []*fault.Error{exchange.ErrUnreadable, exchange.ErrTooMuch, exchange.ErrSource, exchange.ErrAddress, exchange.ErrRemote},
	},
		func(ctx context.Context, in tenant.Scope, req importRequest) (PromptImport, error) {
			b := &req.Body
			files, err := fromFiles(b.Files)
			if err != nil {
				return PromptImport{}, err
			}
			o := exchange.Order{
				Source: exchange.Source(b.Source), Files: files, Which: exchange.Which(b.Versions), Folder: b.Folder, Put: b.Put, Message: b.Message,
				Taking: prompt.Taking{DryRun: b.DryRun, Labels: prompt.LabelRule(b.Labels), Strict: b.Strict, Guard: b.Guard},
			}
			if l := b.Langfuse; l != nil {
				o.Langfuse = &exchange.Address{URL: l.URL, PublicKey: l.PublicKey, SecretKey: secret.NewText(l.SecretKey)}
			}
			got, err := s.Import(ctx, in, o)
			return toImport(&got), err
		})
}

// fromFiles unpacks what is packed.
func fromFiles(in []PromptFile) (out []exchange.File, err error) {
	for _, f := range in {
		if f.Base64 == "" {
			out = append(out, exchange.File{Path: f.Path, Text: f.Text})
			continue
		}
		data, err := base64.StdEncoding.DecodeString(f.Base64)
		if err != nil {
			return nil, exchange.ErrUnreadable.Say("%s is no base64.", fault.Clip(f.Path)).At("files")
		}
		if !strings.HasSuffix(strings.ToLower(f.Path), ".zip") {
			out = append(out, exchange.File{Path: f.Path, Text: string(data)})
			continue
		}
		packed, err := exchange.Unzip(data)
		if err != nil {
			return nil, err
		}
		out = append(out, packed...)
	}
	return out, nil
}

func toImport(r *exchange.Report) PromptImport {
	out := PromptImport{DryRun: r.DryRun, Counts: map[string]int{}, Rows: make([]PromptImportedRow, len(r.Rows))}
	for i := range r.Rows {
		row := &r.Rows[i]
		out.Counts[string(row.State)]++
		to := &out.Rows[i]
		*to = PromptImportedRow{
			Name: row.Name, From: row.From, State: string(row.State), Prompt: string(row.Prompt), Revision: row.Revision,
			Versions: append([]int{}, row.Versions...), Made: append([]int{}, row.Made...), Notes: append([]string{}, row.Notes...),
			Moved: []LabelMove{}, Held: []PromptLabelHeld{},
		}
		to.Code, to.Detail = row.Why()
		for _, m := range row.Moves {
			to.Moved = append(to.Moved, LabelMove{Label: m.Label, Was: m.Was, Is: m.Is, At: m.At, By: m.By})
		}
		for _, h := range row.Held {
			to.Held = append(to.Held, PromptLabelHeld(h))
		}
	}
	return out
}

type exportRequest struct {
	Folder   string `query:"folder" maxLength:"255" doc:"What is below it"`
	Label    string `query:"label" maxLength:"36" doc:"The version on which it stands, of prompts that have it"`
	Versions string `query:"versions" enum:"all,labelled,latest" doc:"Where no label is named; latest where it is left out. Of several, each is a file NAME@NUMBER.prompt.yaml"`
}

// Export gives prompts out as files.
func Export(s *exchange.Service) rest.Endpoint {
	return rest.HandleStream(rest.About{Summary: "Export prompts as files", Description: "A zip of NAME.prompt.yaml, which POST /prompts/import takes back."},
		"application/zip", func(_ context.Context, in tenant.Scope, req exportRequest) (rest.Stream, error) {
			sel := exchange.Selection{Folder: req.Folder, Label: req.Label, Which: exchange.Which(req.Versions)}
			return rest.Stream{ContentType: "application/zip", Name: "prompts.zip", Write: func(ctx context.Context, w io.Writer, _ func()) error {
				return s.WriteZip(ctx, in, sel, w)
			}}, nil
		})
}

type fromCallRequest struct {
	Body struct {
		CallID string `json:"call_id" maxLength:"64"`
	}
}

// PromptDraft is a prompt that is not saved.
type PromptDraft struct {
	Kind    string        `json:"kind" enum:"text,chat"`
	Content PromptContent `json:"content"`
	Notes   []string      `json:"notes" doc:"What of the call has no place in it"`
}

// FromCall makes a draft of a logged call.
func FromCall(s *exchange.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Make a draft of a logged call", Description: "Its instructions, messages, parameters, tools and schema, where what was said is kept. Nothing is saved: send the draft to POST /prompts.",
		Errors: []*fault.Error{exchange.ErrCall, exchange.ErrNotKept, exchange.ErrNotChat, tenant.ErrForbidden},
	},
		func(ctx context.Context, in tenant.Scope, req fromCallRequest) (PromptDraft, error) {
			call, err := id.ParseCall(req.Body.CallID)
			if err != nil {
				return PromptDraft{}, exchange.ErrCall
			}
			d, err := s.FromCall(ctx, in, call)
			return PromptDraft{Kind: string(d.Kind), Content: toContent(d.Content), Notes: append([]string{}, d.Notes...)}, err
		})
}
