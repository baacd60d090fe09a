// Package traits reads what routing asks of a request's body: how long it is, what it holds beside text, and the words that tell what
// it is for. One scan serves every chat dialect: the names of their fields do not clash, and what is of no known dialect has no traits.
//
// Nothing here judges whether a body is valid; what cannot be read is passed over.
package traits

// Traits are what a body shows.
type Traits struct {
	Messages  int64 // turns; 1 for a plain prompt
	TextBytes int64 // of all text and of tool definitions, as it stands in the body
	Images    bool
	Audio     bool
	Documents int64 // files and documents
	Tools     int64 // offered
	JSON      bool  // an answer in JSON is demanded
	Enum      bool  // and its schema lets choose from a list
	Fields    int64 // named in the schema of the answer, at all depths

	System string // the beginning of the instructions, at most SystemMax bytes
	Text   string // the newest turn of the user, at most TextMax bytes: its beginning and, where it is longer, its end
}

// The bounds of what is kept of a prompt.
const (
	SystemMax = 1024
	TextMax   = 4096
)
