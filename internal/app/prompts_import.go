package app

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/prompt/exchange"
	"tollgate/internal/prompt/prompthttp"
	"tollgate/internal/secret"
)

// take sends prompts of another place and tells what became of each.
func (t *promptsTool) take(ctx context.Context) error {
	files, err := t.given(ctx)
	if err != nil {
		return err
	}
	req := promptsImport{Source: t.source, Files: files, Versions: t.versions, Folder: t.folder, Labels: t.labels, Message: t.message, DryRun: t.dryRun}
	if t.langfuse != "" {
		req.Source = string(exchange.Langfuse)
	}
	var got prompthttp.PromptImport
	if err := t.client.do(ctx, http.MethodPost, "/prompts/import", "", req, &got); err != nil {
		return err
	}
	for i := range got.Rows {
		r := &got.Rows[i]
		fmt.Fprintf(t.out, "%s: %s\n", r.Name, says(r))
		for _, n := range r.Notes {
			fmt.Fprintf(t.out, "  %s\n", n)
		}
	}
	done := "done"
	if got.DryRun {
		done = "would be done"
	}
	count := func(s exchange.State) int { return got.Counts[string(s)] }
	_, _ = fmt.Fprintf(t.out, "%s: %d created, %d with new versions, %d changed, %d unchanged, %d refused\n", done,
		count(exchange.Created), count(exchange.NewVersion), count(exchange.Changed), count(exchange.Unchanged), count(exchange.Refused))
	if count(exchange.Refused) > 0 {
		return &exit{code: exitDiffers}
	}
	return nil
}

// given are the files that are taken in: those of a folder, one, standard input, or what Langfuse answers.
func (t *promptsTool) given(ctx context.Context) ([]prompthttp.PromptFile, error) {
	if t.langfuse != "" {
		return t.pulled(ctx)
	}
	switch info, err := os.Stat(t.dir); {
	case t.dir == "":
		return nil, errors.New("name a file or a folder, or --langfuse-url")
	case t.dir == "-":
	case err != nil:
		return nil, err
	case info.IsDir():
		found, err := local(t.dir)
		var out []prompthttp.PromptFile
		for _, path := range sortedKeys(found) {
			out = append(out, prompthttp.PromptFile{Path: path, Text: found[path]})
		}
		return out, err
	}
	data, err := readAll(t.dir, t.in)
	if err != nil {
		return nil, err
	}
	name := t.dir[strings.LastIndexAny(t.dir, `/\`)+1:]
	switch {
	case t.dir == "-":
		return []prompthttp.PromptFile{{Path: "stdin.json", Text: string(data)}}, nil
	case strings.HasSuffix(name, ".zip"):
		return []prompthttp.PromptFile{{Path: name, Base64: base64.StdEncoding.EncodeToString(data)}}, nil
	}
	return []prompthttp.PromptFile{{Path: name, Text: string(data)}}, nil
}

// pulled reads from Langfuse. Its keys do not leave this machine but for Langfuse.
func (t *promptsTool) pulled(ctx context.Context) ([]prompthttp.PromptFile, error) {
	from := exchange.Address{URL: t.langfuse, PublicKey: os.Getenv("LANGFUSE_PUBLIC_KEY"), SecretKey: secret.NewText(os.Getenv("LANGFUSE_SECRET_KEY"))}
	if from.PublicKey == "" || from.SecretKey.Empty() {
		return nil, errors.New("set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY to the keys of the project")
	}
	client := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	found, err := exchange.Pull(ctx, client, from, exchange.Which(t.versions), func(done, all int) {
		if t.chatter {
			fmt.Fprintf(t.err, "\rread %d of %d prompts", done, all)
			if done == all {
				fmt.Fprintln(t.err)
			}
		}
	})
	if err != nil {
		return nil, plainError(err)
	}
	var out []prompthttp.PromptFile
	for _, f := range found {
		out = append(out, prompthttp.PromptFile{Path: f.Path, Text: f.Text})
	}
	return out, nil
}

// plainError is what a declared failure says to people.
func plainError(err error) error {
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return errors.New(f.Message)
	}
	return err
}
