package ui

import "unicode"

// HeadView is the top of a page.
type HeadView struct {
	Title  string
	Badges []BadgeView // behind the title
	Crumbs []Link
	Lede   string
	Fresh  *Freshness
}

// BadgeView is a badge: a short word, and where it leads if it leads anywhere.
type BadgeView struct {
	Tone Tone
	Text string
	Href string
}

// Density is how much room figures take.
type Density string

// Roomy is for the overview, Compact for pages whose table is the answer, Flat for figures inside a card.
const (
	Roomy   Density = ""
	Compact Density = "compact"
	Flat    Density = "flat"
)

// FigureView is one number. Value is formatted already.
type FigureView struct {
	Name   string
	Aside  string // what the name leaves open: "first token"
	Badge  string // "exact 99.2%"
	Value  string
	Unit   string
	Past   []int64 // drawn as a line; fewer than two are not drawn
	Colour Colour
}

// Look is how a picker's face looks.
type Look string

// Boxed is for the bar, Bare for names in the bar, Small for filters and cards.
const (
	Boxed Look = ""
	Bare  Look = "bare"
	Small Look = "small"
)

func (l Look) class() string {
	if l == Bare {
		return "ghost"
	}
	return string(l)
}

// Pick is a picker: a label and choices. Shown writes the label before it.
type Pick struct {
	Label   string
	Shown   bool
	Look    Look
	Choices []Choice
}

// Filter is one filter that is on. Verb is "is" when empty.
type Filter struct {
	Name, Verb, Value string
	Remove            string // this page without it
}

func (f Filter) verb() string {
	if f.Verb == "" {
		return "is"
	}
	return f.Verb
}

// icon is the shape that says the same as the tone.
func (t Tone) icon() string {
	switch t {
	case OK:
		return "check"
	case Warn:
		return "warn"
	case Bad:
		return "stop"
	case Plain, Info, Outline:
		return "info"
	default:
		return "info"
	}
}

// EmptyView is an empty state. Links without an address are left away.
type EmptyView struct {
	Title, Text     string
	Primary, Second Link
}

// Toast is a notice of what was done. UndoAction is where its undo posts to.
type Toast struct{ Text, UndoAction string }

// Sorted is the order of a column, in the words of aria-sort.
type Sorted string

// The orders.
const (
	Unsorted   Sorted = ""
	Ascending  Sorted = "ascending"
	Descending Sorted = "descending"
)

// Room is how early a column is dropped when there is little room: Last first.
type Room string

// Always stays; Second, Third and Fourth go at less and less narrow tables.
const (
	Always Room = ""
	Second Room = "p2"
	Third  Room = "p3"
	Fourth Room = "p4"
)

// ColumnView is the head of a column. Its cells carry the same classes: n for Number, and the room.
type ColumnView struct {
	Text   string
	Number bool // right-aligned
	Room   Room
	Href   string // sorts by it
	Sorted Sorted
	Hidden bool // only read aloud: the column of actions
}

func (c ColumnView) class() string {
	class := string(c.Room)
	if c.Number {
		class = "n " + class
	}
	return class
}

// PagerView is the foot of a keyset page. The words are Newer and Older unless given.
type PagerView struct {
	Text                 string
	Newer, Older         string
	NewerText, OlderText string
}

func (p PagerView) newer() string {
	if p.NewerText != "" {
		return p.NewerText
	}
	return "Newer"
}

func (p PagerView) older() string {
	if p.OlderText != "" {
		return p.OlderText
	}
	return "Older"
}

// StepState is how far a step of a checklist is.
type StepState string

// The states of a step.
const (
	StepOpen StepState = ""
	StepNow  StepState = "now"
	StepDone StepState = "done"
)

// StepView is one step of a checklist.
type StepView struct {
	State       StepState
	Title, Text string
	Action      Link
}

// Fact is one pair of a Facts list.
type Fact struct {
	Name, Text string
	Code       bool // the text is for machines
	Copy       bool // with a copy button
	Href       string
}

// monogram is the first letter of the name, large, and the next one, small.
func monogram(name string) string {
	var out []rune
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		if len(out) == 0 {
			r = unicode.ToUpper(r)
		}
		if out = append(out, r); len(out) == 2 {
			break
		}
	}
	return string(out)
}
