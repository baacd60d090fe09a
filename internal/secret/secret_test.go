package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/secret"
)

func TestTextNeverPrints(t *testing.T) {
	t.Parallel()
	v := struct{ S secret.Text }{secret.NewText("hunter2")}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", v.S, "v", v)
	j, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{fmt.Sprint(v), fmt.Sprintf("%+v %#v %s %q", v, v, v.S, v.S), string(j), log.String()} {
		if strings.Contains(out, "hunter2") {
			t.Errorf("printed: %s", out)
		}
	}
}

func TestKeyringIsMadeOncePrivateAndKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sub", "kek")
	a, err := secret.OpenKeyring(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := secret.OpenKeyring(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Derive("x"), b.Derive("x")) || a.ID() != b.ID() {
		t.Error("a second open gave another key")
	}
	if bytes.Equal(a.Derive("x"), a.Derive("y")) {
		t.Error("two purposes share a key")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.OpenKeyring(path); err == nil {
		t.Error("a key that others can read was accepted")
	}
}
