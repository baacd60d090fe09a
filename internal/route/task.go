package route

import (
	"slices"
	"strings"

	"tollgate/internal/calllog"
	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/snapshot"
)

// TaskPrefix begins the names that stand for a task: "task:classification".
const TaskPrefix = "task:"

// Auto is the model name of calls whose task the router finds.
const Auto = "auto"

// taskModel is the model name of calls whose key says what they are for.
const taskModel = "task"

// How a call came by its task, and which field is at fault when it is none.
type taskBy struct{ how, field string }

var (
	byModel  = taskBy{calllog.TaskModel, "model"}
	byHeader = taskBy{calllog.TaskHeader, "x-tollgate-task"}
	byKey    = taskBy{calllog.TaskKey, "model"}
	byWords  = taskBy{calllog.TaskLocal, "model"}
	byAsking = taskBy{calllog.TaskAsked, "model"}
)

// task resolves what the routing file says of a task.
func (r Router) task(org *snapshot.Org, k *key.Key, ask *Ask, name string, by taskBy) (Plan, error) {
	a, ok := org.Aliases[org.Tasks[name]]
	if !ok || k.AllowAlias(a.Name) != nil { // the same words for both: a narrow key does not learn what else there is
		return Plan{}, unknownTask(org, k, name, by)
	}
	return r.alias(org, k, ask, a, &found{task: name, by: by.how})
}

// found is a task that is known, and what told it.
type found struct {
	task, by string
	features []calllog.Feature
	notes    []string
}

// open resolves a call that names neither a task nor a model: the key's task, or with "auto" the one that the text tells.
func (r Router) open(org *snapshot.Org, k *key.Key, ask *Ask) (Plan, error) {
	switch {
	case k.Task != "":
		return r.task(org, k, ask, k.Task, byKey)
	case ask.Name != Auto:
		return Plan{}, ErrModel.Say("The model %q stands for the key's task, and this key has none. Name one as task:<name>.%s", fault.Clip(ask.Name), known(org, k))
	case !org.Auto.On:
		return Plan{}, ErrModel.Say("The model \"auto\" is not switched on in the organization's routing file (auto: on). Name a model, an alias or task:<name>.")
	}
	return r.auto(org, k, ask)
}

// Tasks are those of the routing file that a key may call, sorted.
func Tasks(org *snapshot.Org, k *key.Key) []string {
	var out []string
	for task, alias := range org.Tasks {
		if _, ok := org.Aliases[alias]; ok && k.AllowAlias(alias) == nil {
			out = append(out, task)
		}
	}
	slices.Sort(out)
	return out
}

func unknownTask(org *snapshot.Org, k *key.Key, name string, by taskBy) error {
	return ErrTask.Say("There is no task %q in the organization's routing file that this key may call.%s", fault.Clip(name), known(org, k)).At(by.field)
}

// known tells which tasks there are, for the end of an error's sentence.
func known(org *snapshot.Org, k *key.Key) string {
	const most = 20
	tasks := Tasks(org, k)
	switch {
	case len(tasks) == 0:
		return " This key may call no task."
	case len(tasks) > most:
		return " Tasks are " + strings.Join(tasks[:most], ", ") + " and others."
	}
	return " Tasks are " + strings.Join(tasks, ", ") + "."
}
