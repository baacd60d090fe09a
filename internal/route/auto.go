package route

import (
	"slices"
	"strings"

	"tollgate/internal/key"
	"tollgate/internal/provider/traits"
	"tollgate/internal/snapshot"
)

// auto resolves a call of model "auto": the local classifier decides where it is sure; else the organization's own is asked, if it has
// one; else the default holds.
func (r Router) auto(org *snapshot.Org, k *key.Key, ask *Ask) (Plan, error) {
	tasks := Tasks(org, k)
	if len(tasks) == 0 {
		return Plan{}, ErrTask.Say("This key may call no task of the organization's routing file, and the model \"auto\" chooses among them.").At("model")
	}
	var seen traits.Traits
	if ask.Prompt != nil {
		seen = ask.Prompt()
	}
	v := classify(&seen, tasks)
	f := found{by: byWords.how, features: v.features}
	switch {
	case v.sure:
		f.task = v.task
	case ask.Asked != nil && org.Tasks[ask.Asked.Task] != "":
		f.task, f.by = ask.Asked.Task, byAsking.how
		f.notes = append(f.notes, "the local classifier was not sure: "+org.Auto.Classifier+" was asked")
	case ask.Asked == nil && org.Auto.Classifier != "" && len(tasks) > 1 && k.AllowAlias(org.Auto.Classifier) == nil:
		return Plan{Classify: &Classify{Alias: org.Auto.Classifier, Tasks: tasks, Text: question(&seen)}}, nil
	case slices.Contains(tasks, org.Auto.Default):
		f.task = org.Auto.Default
		f.notes = append(f.notes, "the classifier was not sure: the default holds")
	default:
		return Plan{}, ErrUnclear.Say("What this call is for could not be told from its text. Name the task as model task:<name>.%s", known(org, k))
	}
	if ask.Asked != nil && ask.Asked.Note != "" {
		f.notes = append(f.notes, ask.Asked.Note)
	}
	a, ok := org.Aliases[org.Tasks[f.task]]
	if !ok || k.AllowAlias(a.Name) != nil {
		return Plan{}, unknownTask(org, k, f.task, byWords)
	}
	return r.alias(org, k, ask, a, &f)
}

// questionMax bounds the text that is classified by a model.
const questionMax = 4096

func question(p *traits.Traits) string {
	text := p.Text
	if p.System != "" {
		text = p.System + "\n\n" + text
	}
	if len(text) > questionMax {
		text = strings.ToValidUTF8(text[:questionMax], "")
	}
	return text
}
