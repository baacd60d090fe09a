// Package prompts holds the pages of the prompt registry: the list with its folders, the editor, a prompt with its versions, labels,
// figures and snippets, import, and the rules of labels.
package prompts

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/experiment"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// Service manages prompts; *prompt.Service does.
type Service interface {
	Release
	Create(ctx context.Context, in tenant.Scope, n prompt.New) (prompt.Prompt, prompt.Version, error)
	Publish(ctx context.Context, in tenant.Scope, which id.Prompt, c prompt.Content, message string, labels []string, check func(prompt.Prompt) error) (prompt.Prompt, prompt.Version, error)
	Check(ctx context.Context, in tenant.Scope, self id.Prompt, kind prompt.Kind, c prompt.Content) ([]prompt.Mistake, []prompt.Outcome, error)
	Prompt(ctx context.Context, in tenant.Scope, which id.Prompt) (prompt.Prompt, error)
	List(ctx context.Context, in tenant.Scope, f prompt.Filter, after string, limit int) ([]prompt.Prompt, bool, error)
	Versions(ctx context.Context, in tenant.Scope, which id.Prompt, before, limit int) ([]prompt.Version, bool, error)
	Version(ctx context.Context, in tenant.Scope, which id.Prompt, number int) (prompt.Version, error)
	UsedBy(ctx context.Context, in tenant.Scope, which id.Prompt) ([]prompt.User, error)
	Edit(ctx context.Context, in tenant.Scope, which id.Prompt, e prompt.Edit, check func(prompt.Prompt) error) (prompt.Prompt, error)
	MoveFolder(ctx context.Context, in tenant.Scope, from, to string) (int, error)
	Archive(ctx context.Context, in tenant.Scope, which id.Prompt) error
	Restore(ctx context.Context, in tenant.Scope, which id.Prompt) (prompt.Prompt, error)
	Duplicate(ctx context.Context, in tenant.Scope, which id.Prompt, number int, name string) (prompt.Prompt, prompt.Version, error)
	Delete(ctx context.Context, in tenant.Scope, which id.Prompt) error

	Comments(ctx context.Context, in tenant.Scope, which id.Prompt, before id.PromptComment, limit int) ([]prompt.Comment, bool, error)
	Comment(ctx context.Context, in tenant.Scope, which id.Prompt, version int, text string) (prompt.Comment, error)
	ResolveComment(ctx context.Context, in tenant.Scope, which id.Prompt, comment id.PromptComment) (prompt.Comment, error)
	ReopenComment(ctx context.Context, in tenant.Scope, which id.Prompt, comment id.PromptComment) (prompt.Comment, error)
	DeleteComment(ctx context.Context, in tenant.Scope, which id.Prompt, comment id.PromptComment) error
}

// Release moves labels, at once and otherwise; *prompt.Service does.
type Release interface {
	Rules(ctx context.Context, in tenant.Scope) (prompt.Rules, error)
	SetRules(ctx context.Context, in tenant.Scope, e prompt.RulesEdit, check func(prompt.Rules) error) (prompt.Rules, error)
	Moves(ctx context.Context, in tenant.Scope, which id.Prompt, limit int) ([]prompt.Move, error)
	SetLabel(ctx context.Context, in tenant.Scope, which id.Prompt, label string, number int, check func(prompt.Prompt) error) (prompt.Prompt, error)
	Ramp(ctx context.Context, in tenant.Scope, which id.Prompt, label string, to int, plan prompt.Plan, why string, check func(prompt.Prompt) error) (prompt.Prompt, error)
	StepRamp(ctx context.Context, in tenant.Scope, which id.Prompt, label string, check func(prompt.Prompt) error) (prompt.Prompt, error)
	HoldRamp(ctx context.Context, in tenant.Scope, which id.Prompt, label string, check func(prompt.Prompt) error) (prompt.Prompt, error)
	ResumeRamp(ctx context.Context, in tenant.Scope, which id.Prompt, label string, check func(prompt.Prompt) error) (prompt.Prompt, error)
	StopRamp(ctx context.Context, in tenant.Scope, which id.Prompt, label string, check func(prompt.Prompt) error) (prompt.Prompt, error)
	Ask(ctx context.Context, in tenant.Scope, which id.Prompt, w prompt.Wish) (prompt.Request, error)
	Schedule(ctx context.Context, in tenant.Scope, which id.Prompt, w prompt.Wish) (prompt.Request, error)
	Requests(ctx context.Context, in tenant.Scope, f prompt.RequestFilter, before id.PromptRequest, limit int) ([]prompt.Request, bool, error)
	Approve(ctx context.Context, in tenant.Scope, which id.Prompt, request id.PromptRequest, answer string) (prompt.Request, error)
	Decline(ctx context.Context, in tenant.Scope, which id.Prompt, request id.PromptRequest, answer string) (prompt.Request, error)
	Withdraw(ctx context.Context, in tenant.Scope, which id.Prompt, request id.PromptRequest) (prompt.Request, error)
}

// Stats tells what versions carried, and how two differ; *promptstat.Service does.
type Stats interface {
	Metrics(ctx context.Context, in tenant.Scope, q promptstat.Query) (promptstat.Metrics, error)
	Compare(ctx context.Context, in tenant.Scope, q promptstat.Pair) (promptstat.Comparison, error)
	Scores(ctx context.Context, in tenant.Scope, from, to time.Time) (map[id.Prompt]map[string]promptstat.Score, error)
}

// Aliases lists aliases, some of which a prompt is bound to; *alias.Service does.
type Aliases interface {
	List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, bool, error)
}

// Experiments tells what is tried; *experiment.Service does.
type Experiments interface {
	List(ctx context.Context, in tenant.Scope, f experiment.Filter, before id.Experiment, limit int) ([]experiment.Experiment, bool, error)
}

// Usage tells what prompts carried.
type Usage interface {
	Costs(ctx context.Context, in tenant.Scope, q usage.Query) (usage.Costs, error)
}

// Prompts answers its pages. All fields are required.
type Prompts struct {
	Prompts     Service
	Aliases     Aliases
	Experiments Experiments
	Usage       Usage
	Stats       Stats
	Exchange    Exchange
	People      people.MemberLister
	Gateway     string // for snippets: how applications reach the gateway
}

// Path is where the list is.
const Path = "/prompts"

// Href is where a prompt's page is.
func Href(which id.Prompt) string { return href(which) }

func href(which id.Prompt) string { return Path + "/" + url.PathEscape(string(which)) }

func versionHref(which id.Prompt, number int) string {
	return href(which) + "/versions/" + strconv.Itoa(number)
}

// folderOf is what stands before the last slash of a name, and leaf what stands behind it.
func folderOf(name string) string {
	folder, _ := cut(name)
	return folder
}

func leaf(name string) string {
	_, last := cut(name)
	return last
}

func cut(name string) (folder, last string) {
	if at := strings.LastIndexByte(name, '/'); at >= 0 {
		return name[:at], name[at+1:]
	}
	return "", name
}

// folderHref is the list of what is in a folder; "" is everything.
func folderHref(folder string) string {
	if folder == "" {
		return Path
	}
	return Path + "?" + url.Values{"folder": {folder}}.Encode()
}

// crumbs lead from the list to the folder of a name.
func crumbs(name string) []ui.Link {
	out := []ui.Link{{Text: "Prompts", Href: Path}}
	folder := folderOf(name)
	if folder == "" {
		return out
	}
	parts := strings.Split(folder, "/")
	for i, part := range parts {
		out = append(out, ui.Link{Text: part, Href: folderHref(strings.Join(parts[:i+1], "/"))})
	}
	return out
}

// inside are the crumbs of a page below that of a prompt.
func inside(p prompt.Prompt) []ui.Link {
	return append(crumbs(p.Name), ui.Link{Text: leaf(p.Name), Href: href(p.ID)})
}

// versionText is how pages call a version.
func versionText(number int) string {
	if number == 0 {
		return "no version"
	}
	return "v" + strconv.Itoa(number)
}

// tone is the ground of a label's badge.
func tone(label string) ui.Tone {
	switch label {
	case prompt.Production:
		return ui.OK
	case "staging":
		return ui.Info
	case prompt.Latest, "rollback":
		return ui.Outline
	}
	return ui.Plain
}

// month is what figures of prompts cover, unless a page says otherwise.
const month = 30 * 24 * time.Hour

// number reads a version from a form or an address; 0: none was given, or no number.
func number(text string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(text), "v"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// refused reports what is wrong with a form: also that a right is missing, which is said in the form and not on a page of its own.
func refused(err error) (page.Trouble, int, bool) {
	if trouble, status, mendable := page.Wrong(err); mendable {
		return trouble, status, true
	}
	if f, ok := protectedFault(err); ok {
		return page.Trouble{Field: f.Field, Message: f.Message}, 403, true
	}
	return page.Trouble{}, 0, false
}

func protectedFault(err error) (*fault.Error, bool) {
	f := faultOf(err)
	return f, f != nil && f.Kind == fault.Forbidden && strings.HasPrefix(f.Code, "prompt.")
}

// done is the notice after a change, by the word that the redirect carries.
func done(v *page.Visit) []ui.Toast {
	said := map[string]string{
		"created": "Prompt created. Calls can name it within a second.", "published": "Published. A label that was put on it acts on the next call, within a second.",
		"same": "Nothing changed, so there is no new version.", "moved": "Moved. The next call on every proxy uses it, within a second.",
		"back": "Rolled back. The next call uses the version before, within a second.", "off": "Label taken off. Calls that name it are refused.",
		"saved": "Saved.", "archived": "Archived. Calls that name it are refused until it is restored.", "restored": "Restored. Calls can name it again.",
		"copied": "Duplicated, without labels.", "deleted": "Deleted for good.", "planned": "Planned. It can be cancelled until then.",
		"asked": "Asked. Whoever may release is told.", "answered": "Answered.", "withdrawn": "Withdrawn. Nothing moved.",
		"ramped": "Begun. A part of the calls gets the new version, and more by and by.", "held": "Held. The share stays as it is.", "resumed": "Going on.",
		"stepped": "One step further.", "stopped": "Stopped. Every call gets the version on which the label stands.",
		"noted": "Comment added.", "resolved": "Resolved.", "reopened": "Open again.", "erased": "Comment deleted.", "folder": "Folder moved. Prompts that name these in braces do not notice; calls by the old names do.",
	}[v.Query("done")]
	if said == "" {
		return nil
	}
	return []ui.Toast{{Text: said}}
}
