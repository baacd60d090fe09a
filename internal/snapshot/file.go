package snapshot

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tollgate/internal/secret"
)

// The form of a file: fileMagic, then nonce and ciphertext of a gob of Config. The magic holds the version of the form and is
// authenticated with the rest.
const (
	fileMagic   = "tollgate snapshot 5\n"
	fileBefore  = "tollgate snapshot 4\n" // of the release before, which had no prompts: what it wrote is read
	filePattern = "config-%016d.snapshot"
	generations = 3
)

// File keeps the last configurations of a proxy on its disk, the newest three. It is encrypted under a key derived from the
// installation's key file, and the provider secrets in it are sealed besides, as they are in the database: who has the file
// alone has nothing. A file is whole or it is not used: it is written beside, synced and renamed, and read with
// authentication; a damaged one gives way to the one before.
type File struct {
	dir    string
	aead   cipher.AEAD
	logger *slog.Logger
}

// OpenFile makes the folder (0700) if it is not there.
func OpenFile(dir string, ring *secret.Keyring, logger *slog.Logger) (*File, error) {
	block, err := aes.NewCipher(ring.Derive("snapshot file"))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &File{dir: dir, aead: aead, logger: logger}, nil
}

// Read gives the newest configuration whose file is whole; nil when there are no files.
func (f *File) Read() (*Config, error) {
	names, err := f.names()
	if err != nil {
		return nil, err
	}
	var damage error
	for _, name := range slices.Backward(names) {
		c, err := f.read(name)
		if err == nil {
			return c, nil
		}
		f.logger.Error("a snapshot file cannot be used; trying the one before", "file", name, "error", err)
		damage = errors.Join(damage, err)
	}
	return nil, damage
}

func (f *File) read(name string) (*Config, error) {
	b, err := os.ReadFile(filepath.Join(f.dir, name)) //nolint:gosec // our own file
	if err != nil {
		return nil, err
	}
	magic := b[:min(len(b), len(fileMagic))]
	if string(magic) != fileMagic && string(magic) != fileBefore {
		return nil, fmt.Errorf("%s: not a snapshot of this version", name)
	}
	plain, err := f.aead.Open(nil, nil, b[len(magic):], magic)
	if err != nil {
		return nil, fmt.Errorf("%s: damaged, or written under another key", name)
	}
	c := &Config{}
	if err := gob.NewDecoder(bytes.NewReader(plain)).Decode(c); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// Write keeps a configuration as the newest and removes what is older than the last three.
func (f *File) Write(c *Config) error {
	var plain bytes.Buffer
	if err := gob.NewEncoder(&plain).Encode(c); err != nil {
		return fmt.Errorf("encode snapshot: %w", err)
	}
	names, err := f.names()
	if err != nil {
		return err
	}
	next := int64(1)
	if len(names) > 0 {
		last, err := number(names[len(names)-1])
		if err != nil {
			return err
		}
		next = last + 1
	}
	b := f.aead.Seal([]byte(fileMagic), nil, plain.Bytes(), []byte(fileMagic)) //nolint:gosec // this AEAD makes the nonce itself, at random
	if err := f.place(fmt.Sprintf(filePattern, next), b); err != nil {
		return err
	}
	for len(names) >= generations {
		if err := os.Remove(filepath.Join(f.dir, names[0])); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		names = names[1:]
	}
	return nil
}

// place makes a file that is whole from the moment it can be seen, also after the power fails.
func (f *File) place(name string, b []byte) error {
	temp, err := os.CreateTemp(f.dir, ".writing-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.Write(b)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), filepath.Join(f.dir, name)); err != nil {
		return err
	}
	dir, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// names are the files, oldest first. What a crash left half written has another name and is removed.
func (f *File) names() ([]string, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if _, err := number(e.Name()); err == nil {
			names = append(names, e.Name())
		} else if strings.HasPrefix(e.Name(), ".writing-") {
			_ = os.Remove(filepath.Join(f.dir, e.Name()))
		}
	}
	slices.Sort(names)
	return names, nil
}

func number(name string) (n int64, err error) {
	if _, err := fmt.Sscanf(name, filePattern, &n); err != nil || fmt.Sprintf(filePattern, n) != name {
		return 0, fmt.Errorf("%s: not a snapshot file", name)
	}
	return n, nil
}
