package prompts

import (
	"context"
	"io"
	"mime/multipart"
	"strconv"
	"strings"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/exchange"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// Exchange takes prompts in and makes drafts of logged calls; *exchange.Service does.
type Exchange interface {
	Import(ctx context.Context, in tenant.Scope, o exchange.Order) (exchange.Report, error)
	FromCall(ctx context.Context, in tenant.Scope, call id.Call) (exchange.Draft, error)
}

// importView is an import as it is typed, and what a dry run of it found.
type importView struct {
	Source, Folder, Labels string
	Which                  string
	Pasted, Path           string
	URL, PublicKey         string
	Carried                []exchange.File // of an upload, kept until it is imported
	Report                 *exchange.Report
	Trouble                page.Trouble
	Large                  bool // the files are too large to be carried: they are chosen again
}

// carriedBytesMax bounds what a page keeps of an upload between the dry run and the import.
const carriedBytesMax = 400 << 10

// ImportForm asks for files, a paste, or an address.
func (p Prompts) ImportForm(_ context.Context, v *page.Visit) (page.Reply, error) {
	return importing(v, importView{Source: string(exchange.Auto), Labels: string(prompt.NewLabels), Which: string(exchange.EachVersion), Folder: v.Query("folder")}, 0)
}

func importing(v *page.Visit, view importView, status int) (page.Reply, error) {
	return page.Show(layout.Frame{Title: "Import prompts", Active: layout.Prompts, Toasts: done(v)}, importPage(view)).As(status), nil
}

// Import tells what an import would do, or does it, by the button.
func (p Prompts) Import(ctx context.Context, v *page.Visit) (page.Reply, error) {
	typed := func(name string) string { return strings.TrimSpace(v.Form(name)) }
	view := importView{
		Source: v.Form("source"), Folder: typed("folder"), Labels: v.Form("labels"), Which: v.Form("versions"), Pasted: lines(v.Form("pasted")), Path: typed("path"),
		URL: typed("url"), PublicKey: typed("public_key"),
	}
	o, err := view.order(v)
	if err == nil {
		o.DryRun = v.Form("do") != "import"
		var got exchange.Report
		if got, err = p.Exchange.Import(ctx, v.Scope(), o); err == nil {
			view.Report = &got
			return importing(v, view, 0)
		}
	}
	trouble, status, mendable := refused(err)
	if !mendable {
		return page.Reply{}, err
	}
	view.Trouble = trouble
	return importing(v, view, status)
}

// order is what the form asks for. Files that were sent stay with the form.
func (v *importView) order(visit *page.Visit) (exchange.Order, error) {
	o := exchange.Order{Source: exchange.Source(v.Source), Folder: v.Folder, Which: exchange.Which(v.Which)}
	o.Labels = prompt.LabelRule(v.Labels)
	if v.URL != "" {
		o.Source, o.Langfuse = exchange.Langfuse, &exchange.Address{URL: v.URL, PublicKey: v.PublicKey, SecretKey: secret.NewText(strings.TrimSpace(visit.Form("secret_key")))}
		return o, nil
	}
	files, err := uploaded(visit)
	if err != nil {
		return o, err
	}
	if len(files) == 0 {
		files = carriedBy(visit)
	}
	v.carry(files)
	if v.Pasted != "" {
		path := v.Path
		if path == "" {
			path = "pasted.json"
			if !strings.HasPrefix(strings.TrimSpace(v.Pasted), "{") && !strings.HasPrefix(strings.TrimSpace(v.Pasted), "[") {
				path = "pasted.md"
			}
		}
		files = append(files, exchange.File{Path: path, Text: v.Pasted})
	}
	if len(files) == 0 {
		return o, exchange.ErrUnreadable.Say("Choose files, paste one, or name a Langfuse to read from.").At("files")
	}
	o.Files = files
	return o, nil
}

func (v *importView) carry(files []exchange.File) {
	size := 0
	for _, f := range files {
		size += len(f.Text)
	}
	if v.Large = size > carriedBytesMax; !v.Large {
		v.Carried = files
	}
}

// uploaded are the files that were chosen; an archive is opened.
func uploaded(v *page.Visit) ([]exchange.File, error) {
	if v.HTTP.MultipartForm == nil {
		return nil, nil
	}
	var out []exchange.File
	for _, h := range v.HTTP.MultipartForm.File["files"] {
		raw, err := content(h)
		switch {
		case err != nil:
			return nil, exchange.ErrUnreadable.Because(err)
		case len(raw) == 0:
			continue // no file was chosen
		case strings.HasSuffix(strings.ToLower(h.Filename), ".zip"):
			inside, err := exchange.Unzip(raw)
			if err != nil {
				return nil, err
			}
			out = append(out, inside...)
		default:
			out = append(out, exchange.File{Path: h.Filename, Text: string(raw)})
		}
	}
	return out, nil
}

func content(h *multipart.FileHeader) ([]byte, error) {
	f, err := h.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f) // the form as a whole is bounded
}

// carriedBy are the files of an earlier upload, which came back with the form.
func carriedBy(v *page.Visit) []exchange.File {
	var out []exchange.File
	for i := range 10_000 {
		n := strconv.Itoa(i)
		if !posted(v, "file-path-"+n) {
			return out
		}
		out = append(out, exchange.File{Path: v.Form("file-path-" + n), Text: lines(v.Form("file-text-" + n))})
	}
	return out
}

func (v importView) above() string {
	return v.Trouble.Above("source", "files", "pasted", "langfuse", "folder", "labels")
}

func (v importView) sources() ui.SelectView {
	return ui.SelectView{FieldView: ui.FieldView{Name: "source", Label: "From", Error: v.Trouble.At("source")}, Value: v.Source, Options: []ui.Option{
		{Value: string(exchange.Auto), Text: "Whatever the files are"},
		{Value: string(exchange.Files), Text: "Tollgate’s files, Markdown, dotprompt"},
		{Value: string(exchange.Langfuse), Text: "Langfuse"},
		{Value: string(exchange.Portkey), Text: "Portkey"},
		{Value: string(exchange.Helicone), Text: "Helicone"},
		{Value: string(exchange.OpenAI), Text: "OpenAI’s stored prompts"},
	}}
}

func (v importView) rules() ui.SelectView {
	return ui.SelectView{FieldView: ui.FieldView{Name: "labels", Label: "Labels", Error: v.Trouble.At("labels")}, Value: v.Labels, Options: []ui.Option{
		{Value: string(prompt.NewLabels), Text: "New ones", Note: "Nothing that is live changes"}, {Value: string(prompt.AllLabels), Text: "All", Note: "From wherever they stand here"}, {Value: string(prompt.NoLabels), Text: "None", Note: "Versions only"},
	}}
}

func (v importView) versions() ui.SelectView {
	return ui.SelectView{FieldView: ui.FieldView{Name: "versions", Label: "Versions"}, Value: v.Which, Options: []ui.Option{
		{Value: string(exchange.EachVersion), Text: "All"}, {Value: string(exchange.Labelled), Text: "Labelled", Note: "And the newest"}, {Value: string(exchange.Newest), Text: "The newest"},
	}}
}

func (v importView) field(name, at, label, help, value string) ui.InputView {
	in := ui.InputView{FieldView: ui.FieldView{Name: name, Label: label, Help: help, Error: v.Trouble.At(at)}, Value: value}
	in.Optional = true
	return in
}

// paste is the field of a document. It keeps its lines.
func (v importView) paste() ui.InputView {
	in := v.field("pasted", "pasted", "Or paste one", "JSON as another registry exports it, or a file of Tollgate’s own.", v.Pasted)
	in.Mono, in.Rows = true, 6
	return in
}

// stateText is what became of a prompt, in a word and its shape.
func stateText(r exchange.Row, dry bool) (ui.State, string) {
	switch r.State {
	case exchange.Created:
		if dry {
			return ui.Live, "Would be made"
		}
		return ui.Fine, "Made"
	case exchange.NewVersion:
		if dry {
			return ui.Live, "Would get " + ui.Plural(int64(max(len(r.Made), 1)), "version", "versions")
		}
		return ui.Fine, ui.Plural(int64(len(r.Made)), "new version", "new versions")
	case exchange.Changed:
		return ui.Live, "Labels or tags"
	case exchange.Refused:
		return ui.Act, "Refused"
	case exchange.Unchanged:
	}
	return ui.Idle, "Unchanged"
}

// notes are what somebody should know of a row.
func notes(r exchange.Row) []string {
	out := append([]string{}, r.Notes...)
	for _, m := range r.Moves {
		out = append(out, moveRow{Move: m}.moved())
	}
	for _, h := range r.Held {
		out = append(out, h.Label+" stays where it is: "+h.Reason)
	}
	if f := faultOf(r.Err); f != nil {
		out = append(out, f.Message)
	} else if r.Err != nil {
		out = append(out, "It could not be read.")
	}
	return out
}

// fresh is how many prompts an import changes or would change.
func (v importView) fresh() int {
	if v.Report == nil {
		return 0
	}
	return v.Report.Count(exchange.Created) + v.Report.Count(exchange.NewVersion) + v.Report.Count(exchange.Changed)
}

func (v importView) filesHelp() string {
	if v.Large {
		return "These are too large to be kept in the page: choose them again, then import."
	}
	return "Up to 2 MiB here; more through the API or the command line."
}
