//go:build unix

package embedded

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// version is the release that we run; major is what a cluster's PG_VERSION file says.
const (
	version = "17.11.0"
	major   = "17"
)

// checksums has one line for each platform: the SHA-256 of its archive, a space, its name. An archive that is not
// listed is never unpacked, whatever the place it came from says about it.
//
//go:embed checksums.txt
var checksums string

// programs returns the folder that holds bin/initdb and bin/postgres, fetched once and kept in the cache. Processes
// that start together wait for one of them to do it.
func (a account) programs(ctx context.Context, cacheDir string, log *slog.Logger) (string, error) {
	if cacheDir == "" {
		cacheDir = DefaultCacheDir()
	}
	cacheDir, err := a.reachableCache(ctx, cacheDir)
	if err != nil {
		return "", err
	}
	home := filepath.Join(cacheDir, "postgres-"+version)
	if isDir(home) {
		return home, nil
	}
	lock, err := Lock(filepath.Join(cacheDir, "postgres.lock"))
	if err != nil {
		return "", fmt.Errorf("program cache: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if isDir(home) { // another process was faster
		return home, nil
	}
	log.Info("fetching the database programs, once", "version", version, "into", home)
	return home, install(ctx, cacheDir, home)
}

// reachableCache makes the cache folder and checks that the account can run programs from it.
func (a account) reachableCache(ctx context.Context, dir string) (string, error) {
	for _, try := range []string{dir, rootCache} {
		abs, err := filepath.Abs(try)
		if err != nil {
			return "", fmt.Errorf("program cache: %w", err)
		}
		if err := makeOpen(abs); err != nil {
			return "", fmt.Errorf("program cache: %w", err)
		}
		if a.reaches(ctx, abs) {
			return abs, nil
		}
	}
	return "", fmt.Errorf("program cache: the account that PostgreSQL runs as (uid %d) can reach neither %s nor %s",
		a.uid, dir, rootCache)
}

// install fetches the archive, checks it, unpacks it beside its final name and renames it.
func install(ctx context.Context, cacheDir, home string) error {
	work, err := os.MkdirTemp(cacheDir, "unpack-")
	if err != nil {
		return fmt.Errorf("program cache: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	archive, err := fetch(ctx, work)
	if err != nil {
		return fmt.Errorf("fetch the database programs (set DATABASE_URL to use a server of your own): %w", err)
	}
	if err := checkArchive(archive); err != nil {
		return err
	}
	ready := filepath.Join(work, "ready")
	if err := unpackFile(archive, ready); err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(archive), err)
	}
	if err := os.Rename(ready, home); err != nil {
		return fmt.Errorf("program cache: %w", err)
	}
	return nil
}

// fetch downloads the archive for this platform into work and returns its path.
//
// The library offers no download alone: it unpacks and starts what it got at once. It is therefore given a place
// that cannot be unpacked into (a link to nowhere), so that it ends after the download and the archive can be
// checked before anything of it runs. The library's download knows no context; it is left behind when ctx ends.
func fetch(ctx context.Context, work string) (string, error) {
	nowhere := filepath.Join(work, "nowhere")
	if err := os.Symlink(filepath.Join(work, "missing", "folder"), nowhere); err != nil {
		return "", fmt.Errorf("prepare: %w", err)
	}
	downloads := filepath.Join(work, "download")
	lib := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(embeddedpostgres.PostgresVersion(version)).
		Port(0).
		CachePath(downloads).
		RuntimePath(filepath.Join(work, "runtime")).
		BinariesPath(nowhere).
		Logger(io.Discard))
	ended := make(chan error, 1)
	go func() { ended <- lib.Start() }()
	var cause error
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case cause = <-ended:
	}
	found, err := filepath.Glob(filepath.Join(downloads, "*.txz"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("no archive for %s/%s: %w", runtime.GOOS, runtime.GOARCH, cause)
	}
	return found[0], nil
}

// checkArchive compares the archive with the checksum of its platform.
func checkArchive(path string) error {
	b, err := os.ReadFile(path) //nolint:gosec // our own download
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	sum := sha256.Sum256(b)
	platform, want := wanted(filepath.Base(path))
	switch {
	case want == "":
		return fmt.Errorf("no checksum is known for %s; set DATABASE_URL to use a server of your own", platform)
	case want != hex.EncodeToString(sum[:]):
		return fmt.Errorf("the archive for %s is not the one that this release was made for", platform)
	}
	return nil
}

// wanted finds the platform in the archive's name and its checksum in the list.
func wanted(archive string) (platform, sum string) {
	platform = strings.TrimPrefix(archive, "embedded-postgres-binaries-")
	platform = strings.TrimSuffix(platform, "-"+version+".txz")
	for line := range strings.Lines(checksums) {
		if s, p, ok := strings.Cut(strings.TrimSpace(line), " "); ok && p == platform {
			return platform, s
		}
	}
	return platform, ""
}

func isDir(path string) bool {
	st, err := os.Stat(path) //nolint:gosec // the operator names the folder
	return err == nil && st.IsDir()
}
