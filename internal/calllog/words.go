package calllog

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Words tells in whole sentences why the call went where it went: first what decided, then what came of it. It is the one place where
// these sentences are made; pages, the API and headers show them.
func (r *Record) Words() []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	r.sayTask(say)
	r.sayAlias(say)
	r.sayExperiment(say)
	r.sayChoice(say)
	for i := range r.Attempts {
		r.sayAttempt(say, i)
	}
	if d := r.Decision; d != nil {
		for _, note := range d.Notes {
			say("%s", sentence(note))
		}
	}
	if r.Batch != "" {
		say("It is a line of the batch %s.", r.Batch)
	}
	return out
}

type sayer func(format string, args ...any)

func (r *Record) sayTask(say sayer) {
	if r.Task == "" {
		return
	}
	switch r.TaskBy {
	case TaskModel:
		say("The call asked for the task “%s” in place of a model.", r.Task)
	case TaskHeader:
		say("The call named the task “%s” in the header x-tollgate-task.", r.Task)
	case TaskKey:
		say("The call named no task; “%s” is its key’s.", r.Task)
	case TaskLocal:
		say("The call left the task open; the classifier took it for “%s”.", r.Task)
	case TaskAsked:
		say("The call left the task open; the organization’s classifier alias took it for “%s”.", r.Task)
	default:
		say("The call’s task is “%s”.", r.Task)
	}
}

// strategies say what each strategy does; the keys are those of alias.Strategy.
func strategies() map[string]string {
	return map[string]string{
		"":           "tries its targets in their order",
		"ordered":    "tries its targets in their order",
		"weighted":   "draws a target by weight",
		"cheapest":   "tries the target with the lowest price for this call first",
		"fastest":    "tries the target that answers soonest first",
		"least_busy": "tries the target with the fewest calls under way first",
	}
}

func (r *Record) sayAlias(say sayer) {
	d := r.Decision
	if d == nil || r.Alias == "" && d.Strategy == "" && len(d.Candidates) == 0 { // a decision may hold notes alone
		if r.Alias == "" && r.Requested != "" && len(r.Attempts) > 0 {
			say("The call named a model: there was nothing to choose.")
		}
		return
	}
	what, known := strategies()[d.Strategy]
	if !known {
		what = "chooses by the strategy “" + d.Strategy + "”"
	}
	who := "The gateway"
	if r.Alias != "" {
		who = "Alias " + r.Alias + ", version " + strconv.Itoa(r.AliasVersion) + ","
	}
	if d.Rule != "" {
		what = "has the rule “" + d.Rule + "”, which held, and " + what
	}
	if d.Sticky {
		what += ", the same one for the same " + unitWord(r.UnitBy)
	}
	say("%s %s.", who, what)
}

// unitWord is what sticks together, in a word.
func unitWord(by string) string {
	switch by {
	case "header":
		return "x-tollgate-unit"
	case "session":
		return "session"
	case "user":
		return "end user"
	case "workflow_run":
		return "workflow run"
	case "call":
		return "call"
	default:
		return "unit"
	}
}

func (r *Record) sayExperiment(say sayer) {
	if r.Experiment == "" {
		return
	}
	say("The call is part of an experiment: its %s belongs to the arm “%s”.", unitWord(r.UnitBy), r.Arm)
	switch {
	case r.ArmServed == r.Arm:
	case r.ArmServed != "":
		say("A target of the arm “%s” answered; the call counts for “%s” all the same.", r.ArmServed, r.Arm)
	case r.Outcome == OK:
		say("A target of no arm answered; the call counts for “%s” all the same.", r.Arm)
	}
}

// namedMax is how many targets that were passed over are named in a sentence; the table of candidates has them all.
const namedMax = 3

func (r *Record) sayChoice(say sayer) {
	d := r.Decision
	if d == nil {
		return
	}
	if len(d.Filters) > 0 {
		say("The request narrowed the choice: %s.", strings.Join(d.Filters, "; "))
	}
	var dropped []string
	for i := range d.Candidates {
		c := &d.Candidates[i]
		switch c.Place {
		case 0:
			dropped = append(dropped, c.name()+because(c.Why))
		case 1:
			say("First choice: %s%s.", c.name(), because(c.Why))
		}
	}
	if len(dropped) == 0 {
		return
	}
	more := ""
	if n := len(dropped) - namedMax; n > 0 {
		dropped, more = dropped[:namedMax], " and "+strconv.Itoa(n)+" more"
	}
	say("Passed over: %s%s.", strings.Join(dropped, ", "), more)
}

func (c *Candidate) name() string { return c.Provider + "/" + c.Model }

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}

func (r *Record) sayAttempt(say sayer, i int) {
	a := &r.Attempts[i]
	target, took := a.Provider+"/"+a.Model, span(a.Duration)
	if a.ErrorClass == "" {
		if i == 0 && len(r.Attempts) == 1 && r.Decision == nil {
			return // nothing was decided, and nothing went wrong
		}
		say("%s answered after %s.", target, took)
		return
	}
	next := ""
	if i+1 < len(r.Attempts) {
		n := &r.Attempts[i+1]
		next = "; the call went on to " + n.Provider + "/" + n.Model
		if n.Provider == a.Provider && n.Model == a.Model {
			next = "; it was asked again"
		}
	}
	say("%s failed after %s: %s%s.", target, took, a.Failure(), next)
}

// failures are the words for provider.Class, and for what the gateway itself writes as an attempt's error class.
func failures() map[string]string {
	return map[string]string{ //nolint:gosec // words, no credential
		"server_error": "an error of the provider", "rate_limited": "too many requests", "overloaded": "the provider is overloaded", "timeout": "no answer in time",
		"credential_rejected": "the credential was rejected", "quota_exhausted": "the account’s quota is used up", "model_not_found": "the provider does not know the model",
		"invalid_request": "the provider calls the request invalid", "context_length": "the prompt is too long for the model",
		"content_policy": "the provider’s content filter refused it", "connection": "the connection failed", "client_gone": "the client hung up", "cut_off": "the key was taken out of use",
	}
}

// Failure says in words what was wrong with an attempt, with the provider's status; "" when it answered.
func (a *Attempt) Failure() string {
	word := a.What()
	if word != "" && a.Status != 0 {
		word += " (status " + strconv.Itoa(a.Status) + ")"
	}
	return word
}

// What says in words what was wrong with an attempt; "" when it answered.
func (a *Attempt) What() string {
	if word, known := failures()[a.ErrorClass]; known {
		return word
	}
	return strings.ReplaceAll(a.ErrorClass, "_", " ")
}

// span is a duration as sentences tell it.
func span(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "less than 1 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	default:
		return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
	}
}

// sentence is a note as a sentence.
func sentence(note string) string {
	r, size := utf8.DecodeRuneInString(note)
	if size == 0 {
		return ""
	}
	note = string(unicode.ToUpper(r)) + note[size:]
	if !strings.HasSuffix(note, ".") {
		note += "."
	}
	return note
}
