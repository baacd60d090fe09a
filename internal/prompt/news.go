package prompt

import (
	"fmt"
	"strconv"
	"time"

	"tollgate/internal/id"
)

// News is what is told of a change: on the dashboard, by e-mail, and to webhooks, for which Data is.
type News struct {
	Kind  string // of those below, which are kinds of notices
	About id.Prompt
	Title string // one line, without a full stop
	Text  string // what it means, in sentences
	Path  string // on the dashboard
	Data  map[string]any
	At    time.Time
}

// The kinds of news.
const (
	NewsCreated = "prompt.created"     // a prompt, or a version of one
	NewsMoved   = "prompt.label_moved" // a label stands elsewhere, or begins to move or stops
	NewsDeleted = "prompt.deleted"     // a prompt was archived, or deleted for good
	NewsAsked   = "prompt.approval"    // a move waits for an approval, or has been answered
	NewsFailed  = "prompt.move_failed" // a move that was planned was not made, or a gradual one stopped by itself
)

func (p *Prompt) path() string { return "/prompts/" + string(p.ID) }

// data is what every piece of news has.
func (p *Prompt) data(h hand) map[string]any {
	return map[string]any{"prompt_id": string(p.ID), "name": p.Name, "kind": string(p.Kind), "by": h.in.Actor().ID()}
}

func published(p Prompt, v Version, h hand) News {
	data := p.data(h)
	data["version"], data["hash"], data["message"], data["author"] = v.Number, v.Hash, v.Message, v.Author
	title, text := fmt.Sprintf("The prompt %s has a version %d", p.Name, v.Number), "Calls get it where a label stands on it, or where they name it."
	if v.Number == 1 {
		title = "A new prompt: " + p.Name
	}
	if v.Message != "" {
		text = v.Message + "\n" + text
	}
	return News{Kind: NewsCreated, About: p.ID, Title: title, Text: text, Path: p.path(), Data: data, At: h.at}
}

func restored(p Prompt, h hand) News {
	data := p.data(h)
	data["version"], data["restored"] = p.Latest, true
	return News{
		Kind: NewsCreated, About: p.ID, Title: "The prompt " + p.Name + " is back", Text: "It was restored; calls can use it again.",
		Path: p.path(), Data: data, At: h.at,
	}
}

// moved tells of a move with both of its sides: the version that gains the label, and the one that loses it. Sides that are nowhere are null.
func moved(d Desk, p Prompt, m Move) (News, error) {
	data := map[string]any{"prompt_id": string(p.ID), "name": p.Name, "kind": string(p.Kind), "by": m.By, "label": m.Label, "why": m.Why}
	for side, number := range map[string]int{"from": m.Was, "to": m.Is} {
		data[side], data[side+"_hash"] = nil, nil
		if c, ok := d.Content(p.ID, number); ok && number > 0 {
			hash, err := HashOf(c)
			if err != nil {
				return News{}, err
			}
			data[side], data[side+"_hash"] = number, hash
		}
	}
	data["version"] = data["to"]
	n := News{Kind: NewsMoved, About: p.ID, Path: p.path(), Data: data, At: m.At, Text: "The next call on every proxy uses it."}
	switch {
	case m.Share > 0:
		data["share"] = m.Share
		n.Title = fmt.Sprintf("The label %s of %s begins to move from version %d to %d", m.Label, p.Name, m.Was, m.Is)
		n.Text = percent(m.Share) + " of the units get the new version now. It can be held, or taken back at once."
	case m.Was == m.Is:
		n.Title = fmt.Sprintf("The label %s of %s stays on version %d", m.Label, p.Name, m.Is)
	case m.Is == 0:
		n.Title = fmt.Sprintf("The label %s of %s was taken off", m.Label, p.Name)
		n.Text = "Calls that ask for it are refused. It stood on version " + strconv.Itoa(m.Was) + "."
	case m.Was == 0:
		n.Title = fmt.Sprintf("The label %s of %s stands on version %d", m.Label, p.Name, m.Is)
	default:
		n.Title = fmt.Sprintf("The label %s of %s moved from version %d to %d", m.Label, p.Name, m.Was, m.Is)
	}
	if m.Why != "" {
		n.Text = m.Why + "\n" + n.Text
	}
	return n, d.Err()
}

func gone(p Prompt, h hand, forGood deletion) News {
	data := p.data(h)
	data["for_good"] = bool(forGood)
	n := News{Kind: NewsDeleted, About: p.ID, Title: "The prompt " + p.Name + " was archived", Text: "Calls that name it are refused. It can be restored.", Path: p.path(), Data: data, At: h.at}
	if forGood {
		n.Title, n.Text, n.Path = "The prompt "+p.Name+" was deleted", "It was archived before, and its versions are gone now.", "/prompts"
	}
	return n
}

// deletion says whether a prompt is gone for good.
type deletion bool

// asked tells of a request that waits, or has been answered.
func asked(p Prompt, r Request, h hand) News {
	data := p.data(h)
	data["request_id"], data["label"], data["from"], data["to"], data["why"], data["state"] = string(r.ID), r.Label, orNull(r.From), orNull(r.To), r.Why, string(r.State)
	n := News{Kind: NewsAsked, About: p.ID, Path: p.path(), Data: data, At: h.at}
	what := fmt.Sprintf("the label %s of %s to %s", r.Label, p.Name, target(r.To))
	switch r.State {
	case Waiting:
		n.Title, n.Text = "Somebody asks to move "+what, "Another person approves or declines it on the prompt's page."
		if r.Why != "" {
			n.Text = r.Why + "\n" + n.Text
		}
	case Declined:
		n.Title, n.Text = "Declined: to move "+what, r.Answer
	case Planned, Done, Withdrawn, Failed: // answered with yes
		n.Title, n.Text = "Approved: to move "+what, r.Answer
	}
	if n.Text == "" {
		n.Text = "No reason was given."
	}
	if !r.At.IsZero() {
		data["at"] = r.At.Format(time.RFC3339)
	}
	return n
}

func orNull(number int) any {
	if number == 0 {
		return nil
	}
	return number
}

func target(number int) string {
	if number == 0 {
		return "nowhere"
	}
	return "version " + strconv.Itoa(number)
}

func on(number int) string {
	if number == 0 {
		return "nowhere"
	}
	return "on version " + strconv.Itoa(number)
}

// stuck tells of a move that was not made, or not brought to its end.
func stuck(p Prompt, label string, to int, what, reason string, h hand) News {
	data := p.data(h)
	data["label"], data["from"], data["to"], data["reason"] = label, orNull(p.Labels[label]), orNull(to), reason
	return News{
		Kind: NewsFailed, About: p.ID, Path: p.path(), Data: data, At: h.at,
		Title: fmt.Sprintf("%s: the label %s of %s to %s", what, label, p.Name, target(to)),
		Text:  reason + "\nThe label stands " + on(p.Labels[label]) + ".",
	}
}
