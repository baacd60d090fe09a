package key

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// upgradesMax bounds what waits to be told. What finds no room is told at the secret's next use.
const upgradesMax = 10_000

// Upgrades collects the imported secrets that were used and has them stored by their keyed hashes, in batches. A proxy is the only one
// that ever sees the secret, so only it can make that hash.
type Upgrades struct {
	store  func(ctx context.Context, list []Upgrade) error
	logger *slog.Logger
	every  time.Duration

	mu      sync.Mutex
	waiting map[Hash]Hash
}

// NewUpgrades needs who stores them: Service.Upgrade.
func NewUpgrades(store func(ctx context.Context, list []Upgrade) error, every time.Duration, logger *slog.Logger) *Upgrades {
	return &Upgrades{store: store, logger: logger, every: every, waiting: map[Hash]Hash{}}
}

// Note takes one. It never waits.
func (u *Upgrades) Note(one Upgrade) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.waiting) < upgradesMax {
		u.waiting[one.Plain] = one.Keyed
	}
}

// Run stores what was noted until ctx ends, and then what is left. It returns nil.
func (u *Upgrades) Run(ctx context.Context) error {
	tick := time.NewTicker(u.every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			u.tell(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), u.every)
			defer cancel()
			u.tell(last)
			return nil
		}
	}
}

// tell stores what waits. What cannot be stored waits on.
func (u *Upgrades) tell(ctx context.Context) {
	u.mu.Lock()
	list := make([]Upgrade, 0, len(u.waiting))
	for plain, keyed := range u.waiting {
		list = append(list, Upgrade{plain, keyed})
	}
	u.mu.Unlock()
	if len(list) == 0 {
		return
	}
	if err := u.store(ctx, list); err != nil {
		u.logger.Warn("imported secrets of keys keep their plain hashes for now", "secrets", len(list), "error", err)
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, one := range list {
		delete(u.waiting, one.Plain)
	}
}
