//go:build unix

package embedded

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/xi2/xz"
)

// unpackFile unpacks a .txz archive into a new folder.
func unpackFile(archive, into string) error {
	f, err := os.Open(archive) //nolint:gosec // our own download
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	z, err := xz.NewReader(f, 0)
	if err != nil {
		return err
	}
	if err := makeOpen(into); err != nil {
		return err
	}
	// A root confines every write: an entry that points out of the folder is an error.
	root, err := os.OpenRoot(into)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return unpack(tar.NewReader(z), root)
}

// unpack writes every entry of the archive below root. All is world-readable: the server's account is not ours.
func unpack(t *tar.Reader, root *os.Root) error {
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := unpackEntry(t, h, root); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

func unpackEntry(t *tar.Reader, h *tar.Header, root *os.Root) error {
	if err := openDir(root, filepath.Dir(h.Name)); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return openDir(root, filepath.Clean(h.Name))
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, h.Name)
	case tar.TypeReg:
		mode := os.FileMode(0o644)
		if h.Mode&0o111 != 0 {
			mode = 0o755
		}
		f, err := root.OpenFile(h.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, t); err != nil { // its size needs no bound: the archive's checksum is known
			_ = f.Close()
			return err
		}
		return errors.Join(f.Chmod(mode), f.Close()) // again, since the umask may have narrowed it
	}
	return nil
}

// openDir makes a folder that everybody may read, whatever the umask.
func openDir(root *os.Root, dir string) error {
	if err := root.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return root.Chmod(dir, 0o755)
}
