package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tollgate/internal/calllog/spool"
	"tollgate/internal/fault"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/embedded"
	"tollgate/internal/snapshot/snapshotpg"
)

// errKey means that the root key is not the one that the installation began with.
var errKey = fmt.Errorf("%w: the root key", ErrConfig)

// fitPatience bounds the questions to the database before a part works.
const fitPatience = 10 * time.Second

// fit asks whether program, root key and database belong together, so that a mistake is one sentence at start and not a riddle
// in every request.
func (h *house) fit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fitPatience)
	defer cancel()
	if err := h.db.UpToDate(ctx); err != nil {
		var f *fault.Error
		if errors.Is(err, postgres.ErrBehind) && errors.As(err, &f) {
			return advice{f.Message, err}
		}
		return err
	}
	ids, err := snapshotpg.New(h.db, nil).KEKs(ctx)
	if err != nil {
		return err
	}
	if len(ids) > 0 && !slices.Contains(ids, h.ring.ID()) {
		return fmt.Errorf("%w of %s is %s, but the provider secrets in the database are sealed under %s: "+
			"give the key that this installation was made with (TOLLGATE_KEK or TOLLGATE_KEK_FILE)",
			errKey, h.cfg.keySource(), h.ring.ID(), strings.Join(ids, ", "))
	}
	return nil
}

// advice is an error in the words of who started the process; the cause stays underneath.
type advice struct {
	text  string
	cause error
}

func (a advice) Error() string { return a.text }
func (a advice) Unwrap() error { return a.cause }

// inUse says what to do about a data folder that another process has.
func (c *Config) inUse(err error) error {
	if !errors.Is(err, embedded.ErrInUse) && !errors.Is(err, spool.ErrInUse) {
		return err
	}
	var f *fault.Error
	errors.As(err, &f)
	return advice{fmt.Sprintf("the data folder %s is in use: %s Stop it, or choose another folder with --data-dir or TOLLGATE_DATA_DIR.", c.DataDir, f.Message), err}
}
