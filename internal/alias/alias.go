// Package alias holds semantic model names: an alias is a versioned route. Versions are immutable and numbered from 1; the alias
// points at one. Changing an alias makes the next version, and so does going back to an old one.
package alias

import (
	"regexp"
	"time"

	"tollgate/internal/id"
)

// Alias is a name and the version it points at.
type Alias struct {
	ID        id.Alias
	Name      string // what clients send as model: [a-z0-9][a-z0-9._-]{0,63}, no slash. It never changes
	Version   int    // current version, from 1
	Route     Route  // of the current version
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Version is one immutable state of an alias.
type Version struct {
	Number    int
	Route     Route
	Author    string // id of the user or token
	Message   string
	CreatedAt time.Time
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// checkName refuses what no client could send as a model, or could mistake for something else.
func checkName(name string) error {
	if reason := badName(name); reason != "" {
		return ErrInvalid.Say("%s", reason).At("name")
	}
	return nil
}

// badName says why a name is refused; "": it is not.
func badName(name string) string {
	if !nameForm.MatchString(name) {
		return "A name has 1 to 64 lower-case letters, digits, dots, hyphens or underscores, and starts with a letter or digit."
	}
	if name == ReservedAuto {
		return "The name auto asks for the task to be found out; give the alias another one."
	}
	return ""
}

func invalid(field, format string, args ...any) error {
	return ErrInvalid.Say(format, args...).At(field)
}
