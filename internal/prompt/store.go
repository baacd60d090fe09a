package prompt

import (
	"context"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Filter selects prompts. The zero Filter selects all that are not archived.
type Filter struct {
	Text     string // part of the name
	Folder   string // what is below it
	Label    string // that stands somewhere
	Tag      string
	Archived bool // those that are, instead
}

// Move is one move of a label, or one step of a gradual one.
type Move struct {
	Label   string
	Was, Is int // 0: nowhere
	Share   int // of ShareMax units that get Is from then on, while the others keep Was; 0: all of them
	At      time.Time
	By      string
	Why     string // what was said of it; of a gradual move that was stopped, the reason
}

// Store is what Service needs from storage; package promptpg provides it.
type Store interface {
	Prompt(ctx context.Context, in tenant.Scope, which id.Prompt) (Prompt, error)
	Named(ctx context.Context, in tenant.Scope, name string) (Prompt, error)
	// Prompts lists by name those behind after (empty: from the start), at most limit.
	Prompts(ctx context.Context, in tenant.Scope, f Filter, after string, limit int) ([]Prompt, error)
	// Versions lists newest first those before number (0: from the newest), at most limit. ErrNotFound.
	Versions(ctx context.Context, in tenant.Scope, which id.Prompt, before, limit int) ([]Version, error)
	// Version finds one. ErrNotFound, ErrVersion.
	Version(ctx context.Context, in tenant.Scope, which id.Prompt, number int) (Version, error)
	// Moves lists newest first the latest moves of labels, at most limit.
	Moves(ctx context.Context, in tenant.Scope, which id.Prompt, limit int) ([]Move, error)
	// Rules are what the organization says of labels.
	Rules(ctx context.Context, in tenant.Scope) (Rules, error)
	// Requests lists newest first those before one ("": from the newest), at most limit.
	Requests(ctx context.Context, in tenant.Scope, f RequestFilter, before id.PromptRequest, limit int) ([]Request, error)
	// Comments lists newest first those before one ("": from the newest), at most limit. ErrNotFound.
	Comments(ctx context.Context, in tenant.Scope, which id.Prompt, before id.PromptComment, limit int) ([]Comment, error)
	// Names are those of all prompts that are not archived, sorted by bytes.
	Names(ctx context.Context, in tenant.Scope) ([]string, error)
	// Change runs fn while nobody else changes prompts of the organization. What fn puts is written when it returns nil.
	Change(ctx context.Context, in tenant.Scope, fn func(Desk) error) error
	// Read runs fn on one state of the organization's prompts. Nothing can be put.
	Read(ctx context.Context, in tenant.Scope, fn func(Desk) error) error
}

// Desk is what a change works on.
type Desk interface {
	Library
	// Count is how many prompts are not archived.
	Count() (int, error)
	Rules() (Rules, error)
	PutRules(r Rules) error
	// Users are the versions that name the prompt, and are the newest of theirs, or have a label, or get one by and by.
	Users(which id.Prompt) ([]Use, error)
	// Pinned are all versions of prompts that are not archived that name the prompt.
	Pinned(which id.Prompt) ([]Use, error)
	// LastMove is the last whole move of a label; false: there was none.
	LastMove(which id.Prompt, label string) (Move, bool, error)
	// Below are the prompts in a folder and those below it that are not archived.
	Below(folder string) ([]Prompt, error)
	// Put writes a prompt as it then stands: its labels by the moves, its ramps as they are in it.
	Put(p Prompt, moves []Move) error
	// Add writes a new version.
	Add(which id.Prompt, v Version) error
	// Delete removes a prompt with all that belongs to it.
	Delete(which id.Prompt) error
	// Request finds one of a prompt's; false: there is none.
	Request(of id.Prompt, which id.PromptRequest) (Request, bool, error)
	// Open counts a prompt's requests that have not ended.
	Open(of id.Prompt) (int, error)
	PutRequest(r Request) error
	// Comment finds one of a prompt's; false: there is none.
	Comment(of id.Prompt, which id.PromptComment) (Comment, bool, error)
	// Said counts a prompt's comments.
	Said(of id.Prompt) (int, error)
	PutComment(c Comment) error
	DeleteComment(which id.PromptComment) error
	// Person is the user behind an actor's id: of a token, who made it. "": nobody knows.
	Person(actor string) (id.User, error)
	// Tell keeps what is to be told of the change, once it is made.
	Tell(n News) error
	// Numbers are the versions of a prompt whose content has the hash, from the oldest.
	Numbers(which id.Prompt, hash string) ([]int, error)
	// Try runs fn; what it wrote is taken back when it fails.
	Try(fn func() error) error
	// Err is the first failure of reading from the Library.
	Err() error
}

// Use is a version that names another prompt.
type Use struct {
	Prompt id.Prompt
	Number int
}

// User is a version that names another prompt, with its name.
type User struct {
	Use
	Name string
}
