// Package key holds virtual keys: what an application sends as its API key, and what it may do with it.
//
// A key is an id, a policy and one or two secrets: two while it is rotated. A secret is 256 random bits, shown once; only its keyed
// hash is stored. A key is never deleted, only revoked, so that what it spent keeps its name. Whether a call may use a key is decided by
// Allow, AllowAlias and AllowModel: pure functions of the key as it stands in the snapshot. A key without a restriction of some kind is
// free in that respect.
//
// Secrets that were made elsewhere can be brought along by their plain SHA-256 (import.go): at its first use such a secret gets the
// keyed hash that ours have from the start, and the plain one is forgotten.
package key

import (
	"net/netip"
	"time"

	"tollgate/internal/id"
)

// Privacy says how much of a call's payload is kept.
type Privacy string

// The privacy levels.
const (
	PrivacyNone     Privacy = "none"     // no payload and no end-user id
	PrivacyMetadata Privacy = "metadata" // tags and counts, no bodies (the default)
	PrivacyFull     Privacy = "full"     // request and answer bodies too
)

// Endpoint is a group of data-plane routes that a key may be confined to, whichever client's surface they belong to. It is also what
// the call log and costs call the endpoint of a call.
type Endpoint string

// The endpoints. A key that lists some has those only: one that is made later is not among them.
const (
	ChatEndpoint        Endpoint = "chat"        // chat/completions, completions, responses, messages and their count_tokens, Gemini's generateContent
	EmbeddingsEndpoint  Endpoint = "embeddings"  // embeddings, Gemini's embedContent
	ImagesEndpoint      Endpoint = "images"      // images/generations, images/edits
	AudioEndpoint       Endpoint = "audio"       // audio/speech, audio/transcriptions, audio/translations
	ModerationsEndpoint Endpoint = "moderations" // moderations
	FilesEndpoint       Endpoint = "files"       // files
	RerankEndpoint      Endpoint = "rerank"      // rerank
	ModelsEndpoint      Endpoint = "models"      // models, in the shape of every client
	BatchesEndpoint     Endpoint = "batches"     // batches, and the jobs of calls that may be answered later
)

// Production is the environment whose keys are "tg_live_…".
const Production = "production"

// Kind says whom a key belongs to.
type Kind string

// The kinds. The zero Kind is ServiceKey.
const (
	ServiceKey  Kind = "service"  // an application's: everybody who may see keys sees it
	PersonalKey Kind = "personal" // a member's own: seen by its owner and admins only, and ends with the owner's membership
	// PlaygroundKey is the playground's of a team. It is used from inside only: nobody has its secret, and the data plane takes none for it.
	PlaygroundKey Kind = "playground"
)

// Key is one virtual key.
type Key struct {
	ID          id.Key
	Team        id.Team
	Name        string
	Kind        Kind
	Owner       id.User  // of a personal key
	Secrets     []Stored // that live or ended lately, newest first; at least one
	Prefix      string   // of the newest secret: "tg_live_AbCd", for people to recognise it
	Last4       string   // of the newest secret
	Environment string   // "production", "staging", "development" or the organization's own word; lower case

	// Aliases and Models together are the scope. Both empty: every alias and every model. Otherwise only what is listed: a key
	// with aliases and no models calls no model directly, and one with models and no aliases calls no alias.
	Aliases []string // alias names
	Models  []string // "provider/model" patterns; "*" stands for any run of characters: "openai/*", "openai/gpt-4o*"

	Endpoints []Endpoint     // empty: every endpoint
	Networks  []netip.Prefix // empty: any network
	ExpiresAt time.Time      // zero: never
	Workflow  string         // default workflow
	Task      string         // default task type of calls that name none and no model of their own: model "auto"; "": none
	Tags      map[string]string
	Privacy   Privacy

	// DropUnsupported lets a call through whose target cannot express all of it: what it cannot is dropped, with a warning. Otherwise
	// such a call is refused.
	DropUnsupported bool

	// BudgetStatus is what calls that a budget refuses are answered with: 402, or 429 for clients that know nothing else.
	BudgetStatus int
	Template     id.Template // that it was made from; "": none

	Revision   int // counts changes from 1; last use is none
	CreatedAt  time.Time
	CreatedBy  string    // id of the user or token
	DisabledAt time.Time // zero: enabled
	RevokedAt  time.Time // zero: live
	LastUsedAt time.Time // zero: never, to the minute
	// Cuts counts how often the calls under way were to be ended: one that was admitted at a smaller count is.
	Cuts int
}
