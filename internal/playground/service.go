package playground

import (
	"context"
	"net/http"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/alias"
	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// Caller makes a call of a team's key through a data plane of this process. w gets the answer as it comes; ctx ends the call, and the
// provider with it. An error means that no call was made.
type Caller interface {
	Call(ctx context.Context, c Outgoing, w http.ResponseWriter) error
}

// Outgoing is a call to be made.
type Outgoing struct {
	Org  id.Org
	Key  id.Key
	Call id.Call // the name of the call; calling twice by one name is logged once
	Body []byte  // a chat completion in the form of OpenAI
	Low  bool    // nobody is watching: others' calls go first
}

// Prices tells what tokens cost; experiment.PriceList does.
type Prices interface {
	Cost(ctx context.Context, in tenant.Scope, provider, model string, input, output int64) (cost money.NanoUSD, known bool, err error)
}

// Aliases finds aliases by part of their name; alias.Service does.
type Aliases interface {
	List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, bool, error)
}

// Teams finds a team; account.Service does.
type Teams interface {
	Team(ctx context.Context, in tenant.Scope, which id.Team) (account.Team, error)
	Teams(ctx context.Context, in tenant.Scope, after id.Team, limit int) ([]account.Team, error)
}

// Keys makes the keys of the playground; issue.Service does.
type Keys interface {
	Issue(ctx context.Context, in tenant.Scope, n key.New) (key.Made, error)
}

// KeyRing reads keys, and ends those that are not wanted; key.Service does.
type KeyRing interface {
	Key(ctx context.Context, in tenant.Scope, which id.Key) (key.Key, error)
	Revoke(ctx context.Context, in tenant.Scope, which id.Key, calls key.Streams) (key.Key, error)
}

// Budgets tells how a budget stands; budget.Service does.
type Budgets interface {
	Standing(ctx context.Context, in tenant.Scope, which id.Budget) (budget.Standing, error)
}

// Calls finds logged calls; calllog.Queries does.
type Calls interface {
	Call(ctx context.Context, in tenant.Scope, call id.Call) (calllog.Entry, error)
}

// Deps is what Service stands on. All fields are required.
type Deps struct {
	Store   Store
	Prompts Prompts
	Aliases Aliases
	Prices  Prices
	Teams   Teams
	Issuer  Keys
	Keys    KeyRing
	Budgets Budgets
	Calls   Calls
	Caller  Caller
	// Conforms reports whether a JSON document is what a schema accepts; an error says why nobody can tell.
	Conforms func(schema, document []byte) (bool, error)
	Now      func() time.Time
}

// Service is the playground.
type Service struct{ Deps }

// NewService makes a Service.
func NewService(d Deps) *Service { return &Service{d} }
