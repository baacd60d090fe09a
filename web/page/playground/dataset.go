package playground

import (
	"context"
	"io"
	"slices"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/playground"
	"tollgate/web/page"
)

// datasetView is the form that starts a run.
type datasetView struct{ Trouble page.Trouble }

var errDataset = fault.New(fault.Invalid, "playground.no_dataset", "Choose a CSV or JSONL file of at most 1 MiB, or paste its rows.")

// start starts a run of the columns over the dataset that was sent.
func (p Page) start(ctx context.Context, v *page.Visit, f form) (page.Reply, error) {
	data, err := datasetOf(v)
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	set, err := p.setup(ctx, v.Scope(), &f)
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	n := playground.NewRun{Name: strings.TrimSpace(v.Form("run_name")), Team: id.Team(f.Team), Setup: set, Dataset: data, Checks: checks(v)}
	if alias := strings.TrimSpace(v.Form("judge")); alias != "" {
		n.Judge = &playground.Judge{Alias: alias, Rubric: strings.TrimSpace(v.Form("rubric"))}
	}
	r, err := p.Bench.Start(ctx, v.Scope(), n)
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	return page.See(runPath(r.ID)), nil
}

// checks are those that were marked. A check of a kind that takes a value has it beside it.
func checks(v *page.Visit) []playground.Check {
	var out []playground.Check
	for _, kind := range playground.CheckKinds {
		if slices.Contains(v.HTTP.PostForm["check"], kind) {
			out = append(out, playground.Check{Kind: kind, Value: strings.TrimSpace(v.Form("check_" + kind))})
		}
	}
	return out
}

func datasetOf(v *page.Visit) ([]byte, error) {
	if v.HTTP.MultipartForm != nil {
		for _, h := range v.HTTP.MultipartForm.File["rows_file"] {
			if h.Size == 0 {
				continue
			}
			file, err := h.Open()
			if err != nil {
				return nil, errDataset
			}
			raw, err := io.ReadAll(io.LimitReader(file, playground.DatasetMax+1))
			_ = file.Close()
			if err != nil {
				return nil, errDataset
			}
			return raw, nil
		}
	}
	if text := v.Form("rows"); strings.TrimSpace(text) != "" {
		return []byte(text), nil
	}
	return nil, errDataset
}

func runPath(which id.PlaygroundRun) string { return RunsPath + "/" + string(which) }
