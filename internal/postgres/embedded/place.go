//go:build unix

package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is who the server runs as: the current user, or an unprivileged one when we are root.
type account struct {
	uid, gid uint32
	other    bool // true when it differs from the current user
}

// servants are the accounts that a root process may run the server as, best first.
var servants = []string{"tollgate", "postgres", "nobody"}

// Where a root process keeps what an unprivileged account must reach when the folders that it was given are closed
// to that account (a home folder of mode 0700, say). Not a temporary folder: those are swept.
const (
	rootPlaces = "/var/lib/tollgate"
	rootCache  = "/var/cache/tollgate"
)

// locationFile stands in the data folder and names the place when that lies elsewhere.
const locationFile = "postgres.location"

// chooseAccount picks the account. A cluster that exists keeps its owner, so that an account which appears later on
// the machine does not lock us out of our data.
func chooseAccount(dataDir string) (account, error) {
	if dataDir == "" {
		return account{}, errors.New("embedded postgres: no data folder was given")
	}
	if os.Geteuid() != 0 {
		return account{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	for _, place := range knownPlaces(dataDir) {
		var st syscall.Stat_t
		if syscall.Stat(filepath.Join(place, dataName), &st) == nil && st.Uid != 0 {
			return account{uid: st.Uid, gid: st.Gid, other: true}, nil
		}
	}
	for _, name := range servants {
		if u, err := user.Lookup(name); err == nil && u.Uid != "0" {
			return parseAccount(u)
		}
	}
	return account{}, errors.New("embedded postgres: PostgreSQL does not run as root and none of the accounts " +
		strings.Join(servants, ", ") + " exists; make one, or set DATABASE_URL")
}

func parseAccount(u *user.User) (account, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("account %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("account %s: %w", u.Username, err)
	}
	return account{uid: uint32(uid), gid: uint32(gid), other: true}, nil
}

// knownPlaces lists where an existing cluster of this data folder can be.
func knownPlaces(dataDir string) []string {
	places := []string{filepath.Join(dataDir, "postgres")}
	if b, err := os.ReadFile(filepath.Join(dataDir, locationFile)); err == nil { //nolint:gosec // our own file
		places = append([]string{strings.TrimSpace(string(b))}, places...)
	}
	return places
}

// place returns the folder that holds the cluster, made when missing: <dataDir>/postgres when the account can reach
// it, else a folder under rootPlaces that the data folder's location file names from then on.
func (a account) place(ctx context.Context, dataDir string) (string, error) {
	dataDir, err := filepath.Abs(dataDir)
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	if err := makeOpen(dataDir); err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	note := filepath.Join(dataDir, locationFile)
	if b, err := os.ReadFile(note); err == nil { //nolint:gosec // our own file
		place := strings.TrimSpace(string(b))
		return place, a.makePlace(ctx, place)
	}
	near := filepath.Join(dataDir, "postgres")
	if err := a.makePlace(ctx, near); err == nil || !a.other {
		return near, err
	}
	_ = os.Remove(near) // empty: nothing could be made in it
	sum := sha256.Sum256([]byte(dataDir))
	far := filepath.Join(rootPlaces, hex.EncodeToString(sum[:8]))
	if err := a.makePlace(ctx, far); err != nil {
		return "", err
	}
	if err := os.WriteFile(note, []byte(far+"\n"), 0o644); err != nil { //nolint:gosec // no secret
		return "", fmt.Errorf("note where the database is: %w", err)
	}
	return far, nil
}

func (a account) makePlace(ctx context.Context, place string) error {
	if err := makeOpen(place); err != nil {
		return fmt.Errorf("database folder: %w", err)
	}
	if !a.reaches(ctx, place) {
		return fmt.Errorf("database folder %s: the account that PostgreSQL runs as (uid %d) cannot reach it; "+
			"open its parent folders (chmod a+x) or choose another data folder", place, a.uid)
	}
	return nil
}

// reaches reports whether the account can enter the folder. It asks the kernel by trying, since modes, access lists
// and mount options all have a say.
func (a account) reaches(ctx context.Context, dir string) bool {
	if !a.other {
		return true
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", `cd "$1"`, "sh", dir) //nolint:gosec // an argument, never part of the script
	cmd.Dir = "/"
	cmd.SysProcAttr = a.attributes()
	return cmd.Run() == nil
}

// makeOpen makes a folder and its missing parents so that the server's account can pass through, whatever the umask.
// Folders that exist keep their mode: they are not ours.
func makeOpen(dir string) error {
	if isDir(dir) {
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := makeOpen(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) { //nolint:gosec // see above
		return err
	}
	return os.Chmod(dir, 0o755) //nolint:gosec // see above
}

// attributes makes a child run as the account.
func (a account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true} // Ctrl-C in a terminal is for us: we stop the server when we are done
	if a.other {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// own gives a path to the account.
func (a account) own(path string) error {
	if !a.other {
		return nil
	}
	if err := os.Chown(path, int(a.uid), int(a.gid)); err != nil {
		return fmt.Errorf("hand over: %w", err)
	}
	return nil
}

// DefaultCacheDir is where programs are kept when no folder is named.
func DefaultCacheDir() string {
	if os.Geteuid() == 0 {
		return rootCache
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "tollgate")
	}
	return filepath.Join(os.TempDir(), "tollgate-cache-"+strconv.Itoa(os.Getuid()))
}
