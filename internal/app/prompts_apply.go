package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/alias/aliasfile"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/exchange"
	"tollgate/internal/prompt/prompthttp"
)

// promptsImport is the body of POST /prompts/import.
type promptsImport struct {
	Source   string                  `json:"source,omitempty"`
	Files    []prompthttp.PromptFile `json:"files"`
	Versions string                  `json:"versions,omitempty"`
	Folder   string                  `json:"folder,omitempty"`
	Labels   string                  `json:"labels,omitempty"`
	Put      string                  `json:"put,omitempty"`
	Message  string                  `json:"message,omitempty"`
	Strict   bool                    `json:"strict,omitempty"`
	Guard    bool                    `json:"guard,omitempty"`
	DryRun   bool                    `json:"dry_run,omitempty"`
}

func refusal(status int, body []byte) error {
	r := &refused{status: status}
	_ = json.Unmarshal(body, r) // what is no problem document has no detail
	return r
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// plan is what files would change.
type plan struct {
	here, there map[string]string // texts by path
	report      prompthttp.PromptImport
	gone        map[string]string // ids by the names of prompts that have no file; only where they are to be archived
	kept        []string          // names of prompts that have no file and stay
}

func (p *plan) refused() (n int) { return p.report.Counts[string(exchange.Refused)] }

func (p *plan) changes() int {
	return len(p.report.Rows) - p.report.Counts[string(exchange.Unchanged)] - p.refused() + len(p.gone)
}

// request is what is sent for files.
func (t *promptsTool) request(files map[string]string, dryRun bool) promptsImport {
	out := promptsImport{Source: "files", Labels: string(prompt.AllLabels), Put: t.label, Message: t.message, Strict: true, Guard: !t.force, DryRun: dryRun}
	for _, path := range sortedKeys(files) {
		if t.folder == "" || strings.HasPrefix(path, strings.Trim(t.folder, "/")+"/") {
			out.Files = append(out.Files, prompthttp.PromptFile{Path: path, Text: files[path]})
		}
	}
	return out
}

// planned asks what the files would change.
func (t *promptsTool) planned(ctx context.Context) (*plan, error) {
	p := &plan{gone: map[string]string{}}
	var err error
	if p.here, err = local(folderOf(t.dir)); err != nil {
		return nil, err
	}
	label := t.label
	t.label = "" // what is compared is what stands, not what gets the label
	p.there, err = t.remote(ctx)
	if t.label = label; err != nil {
		return nil, err
	}
	if err := t.client.do(ctx, http.MethodPost, "/prompts/import", "", t.request(p.here, true), &p.report); err != nil {
		return nil, err
	}
	return p, t.missing(ctx, p)
}

// missing finds prompts without a file.
func (t *promptsTool) missing(ctx context.Context, p *plan) error {
	filed := map[string]bool{}
	for _, r := range p.report.Rows {
		filed[r.Name] = true
	}
	for cursor := ""; ; {
		var page struct {
			Items []struct{ ID, Name string } `json:"items"`
			Next  string                      `json:"next_cursor"`
		}
		q := url.Values{"limit": {"100"}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		if t.folder != "" {
			q.Set("folder", t.folder)
		}
		if err := t.client.do(ctx, http.MethodGet, "/prompts?"+q.Encode(), "", nil, &page); err != nil {
			return err
		}
		for _, one := range page.Items {
			switch {
			case filed[one.Name]:
			case t.prune:
				p.gone[one.Name] = one.ID
			default:
				p.kept = append(p.kept, one.Name)
			}
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

// show prints a plan in words and in lines.
func (t *promptsTool) show(p *plan) {
	for i := range p.report.Rows {
		r := &p.report.Rows[i]
		if r.State == string(exchange.Unchanged) {
			continue
		}
		fmt.Fprintf(t.out, "%s: %s\n", r.Name, says(r))
		if r.State == string(exchange.NewVersion) || r.State == string(exchange.Changed) || r.Code == prompt.ErrStale.Code {
			t.lines(exchange.Unstamped(p.there[r.From]), exchange.Unstamped(p.here[r.From]))
		}
	}
	for _, name := range sortedKeys(p.gone) {
		fmt.Fprintf(t.out, "%s: archived, for it has no file\n", name)
	}
	for _, name := range p.kept {
		fmt.Fprintf(t.out, "%s: has no file, and stays (--prune archives it)\n", name)
	}
}

// says tells of one prompt.
func says(r *prompthttp.PromptImportedRow) string {
	var out []string
	switch exchange.State(r.State) {
	case exchange.Refused:
		return "refused: " + r.Detail
	case exchange.Created:
		out = append(out, "new")
	case exchange.NewVersion:
		for _, n := range r.Made {
			out = append(out, "version "+strconv.Itoa(n))
		}
	case exchange.Changed:
		if len(r.Moved) == 0 {
			out = append(out, "description or tags")
		}
	case exchange.Unchanged:
		out = append(out, "unchanged")
	}
	for _, m := range r.Moved {
		if m.Was == 0 {
			out = append(out, fmt.Sprintf("label %s on version %d", m.Label, m.Is))
		} else {
			out = append(out, fmt.Sprintf("label %s from version %d to %d", m.Label, m.Was, m.Is))
		}
	}
	for _, h := range r.Held {
		out = append(out, fmt.Sprintf("label %s not moved to version %d: %s", h.Label, h.Version, h.Reason))
	}
	return strings.Join(out, ", ")
}

// lines prints what differs between two texts.
func (t *promptsTool) lines(old, is string) {
	for _, l := range aliasfile.Unified(old, is, 3) {
		text := string(l.Kind) + l.Text
		if l.Kind == '@' {
			text = "@@"
		}
		fmt.Fprint(t.out, "  "+t.painted(text+"\n"))
	}
}

func (t *promptsTool) diff(ctx context.Context) error {
	p, err := t.planned(ctx)
	if err != nil {
		return err
	}
	t.show(p)
	if n := p.refused(); n > 0 {
		return &exit{exitError, fmt.Errorf("%s would be refused", counted(n, "prompt"))}
	}
	if p.changes() > 0 {
		return &exit{code: exitDiffers}
	}
	return nil
}

// apply makes the files what stands, all of them or, where one would be refused, none.
func (t *promptsTool) apply(ctx context.Context) error {
	p, err := t.planned(ctx)
	if err != nil {
		return err
	}
	t.show(p)
	if n := p.refused(); n > 0 {
		return &exit{exitError, fmt.Errorf("%s would be refused; nothing was applied", counted(n, "prompt"))}
	}
	if p.changes() == 0 {
		_, err := fmt.Fprintln(t.out, "nothing to change")
		return err
	}
	if t.dryRun {
		_, err := fmt.Fprintf(t.out, "%s would be made\n", counted(p.changes(), "change"))
		return err
	}
	if err := t.agree(p.changes()); err != nil {
		return err
	}
	var made prompthttp.PromptImport
	if err := t.client.do(ctx, http.MethodPost, "/prompts/import", "", t.request(p.here, false), &made); err != nil {
		return err
	}
	if err := t.restamp(p, &made); err != nil {
		return err
	}
	for _, name := range sortedKeys(p.gone) {
		if err := t.client.do(ctx, http.MethodPost, "/prompts/"+p.gone[name]+"/archive", "", nil, nil); err != nil {
			return fmt.Errorf("%s was not archived: %w", name, err)
		}
	}
	if n := made.Counts[string(exchange.Refused)]; n > 0 { // somebody was faster
		for i := range made.Rows {
			if r := &made.Rows[i]; r.State == string(exchange.Refused) {
				fmt.Fprintf(t.err, "%s: %s\n", r.Name, says(r))
			}
		}
		return &exit{exitError, fmt.Errorf("%s refused meanwhile; the others were applied", counted(n, "prompt"))}
	}
	_, err = fmt.Fprintf(t.out, "%s made\n", counted(p.changes(), "change"))
	return err
}

// restamp notes in the files which state they are now.
func (t *promptsTool) restamp(p *plan, made *prompthttp.PromptImport) error {
	for _, r := range made.Rows {
		text, ok := p.here[r.From]
		if !ok || !strings.HasSuffix(r.From, exchange.Suffix) || len(r.Versions) != 1 || r.Revision == 0 {
			continue
		}
		if now := exchange.Stamped(text, r.Versions[0], r.Revision); now != text {
			if err := writeBelow(folderOf(t.dir), filepath.ToSlash(r.From), now); err != nil {
				return err
			}
		}
	}
	return nil
}

// agree asks the person at the terminal.
func (t *promptsTool) agree(changes int) error {
	if t.yes {
		return nil
	}
	if !t.asks {
		return errors.New("nobody is there to ask: --yes applies the files without asking")
	}
	fmt.Fprintf(t.out, "Apply %s? [y/N] ", counted(changes, "change"))
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errors.New("nothing was applied")
	}
	return nil
}
