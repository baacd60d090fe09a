package flags_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tollgate/internal/provider/flags"
)

const (
	first  = `{"headers":{"anthropic-beta":{"v":{"default":"drop","allow":["a"]}}}}`
	second = `{"headers":{"anthropic-beta":{"v":{"default":"drop","allow":["a","bb"]}}}}`
)

func takes(f *flags.Follower, flag string) bool {
	kept, _ := f.Policy().Filter(header, flags.Destination{Vendor: "v"}, []string{flag})
	return len(kept) == 1
}

func put(t *testing.T, path, text string) {
	t.Helper()
	next := path + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil { // as a careful operator does
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestAFileIsFollowedAndABadOneKeepsTheLastGood(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "flags.json")
	put(t, path, first)
	f, err := flags.Follow(path, time.Millisecond, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if !takes(f, "a") || takes(f, "bb") || f.Err() != nil {
		t.Fatalf("the file is not in force at once: %v", f.Err())
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()

	put(t, path, second)
	eventually(t, "the changed file is in force", func() bool { return takes(f, "bb") })
	put(t, path, `{"headers":`)
	eventually(t, "the bad file is reported", func() bool { return f.Err() != nil })
	if !takes(f, "bb") {
		t.Error("a bad file took the good rules away")
	}
	put(t, path, first)
	eventually(t, "the mended file is in force", func() bool { return !takes(f, "bb") && f.Err() == nil })
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the rules went with the file", func() bool { return takes(f, "bb") }) // no rule for v: everything goes

	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAProgramStartsWithABadFileAndWithNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "flags.json")
	put(t, path, "nonsense")
	f, err := flags.Follow(path, time.Hour, slog.New(slog.DiscardHandler))
	if err != nil || f.Err() == nil || f.Policy() == nil {
		t.Errorf("a bad file: %v, %v", err, f.Err())
	}
	none, err := flags.Follow("", time.Hour, slog.New(slog.DiscardHandler))
	if err != nil || none.Err() != nil {
		t.Fatal(err, none.Err())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := none.Run(ctx); err != nil {
		t.Error(err)
	}
}
