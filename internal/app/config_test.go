package app

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"tollgate/internal/secret"
)

// clean takes away what the machine has set.
func clean(t *testing.T) {
	t.Helper()
	for i := range reflect.TypeFor[Config]().NumField() {
		name := reflect.TypeFor[Config]().Field(i).Tag.Get("env")
		t.Setenv(name, "")
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEverySettingThatCannotBeReadIsNamed(t *testing.T) {
	clean(t)
	wrong := map[string]string{
		"TOLLGATE_RETENTION": "ninety days", "TOLLGATE_PAYLOAD_RETENTION": "x", "TOLLGATE_DRAIN": "x", "TOLLGATE_HEARTBEAT": "x", "TOLLGATE_DATABASE_CONNS": "many",
		"TOLLGATE_TRUSTED_PROXIES": "10.0.0.0/99", "TOLLGATE_EGRESS_ALLOW": "home", "TOLLGATE_SPOOL_QUOTA_BYTES": "2GB", "TOLLGATE_LOG_LEVEL": "loud",
		"TOLLGATE_SNAPSHOT_FORCE": "perhaps", "TOLLGATE_SNAPSHOT_MAX_BYTES": "x",
	}
	for name, value := range wrong {
		t.Setenv(name, value)
	}
	_, err := ReadConfig()
	if !errors.Is(err, ErrConfig) {
		t.Fatalf("%v", err)
	}
	for name := range wrong {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in:\n%v", name, err)
		}
	}
}

func TestEverySettingThatCannotWorkIsNamed(t *testing.T) {
	clean(t)
	for name, change := range map[string]func(*Config){
		"TOLLGATE_ADDR":               func(c *Config) { c.Addr = "8080" },
		"TOLLGATE_GATEWAY_ADDR":       func(c *Config) { c.GatewayAddr = "" },
		"TOLLGATE_METRICS_ADDR":       func(c *Config) { c.MetricsAddr = "here" },
		"TOLLGATE_DATA_DIR":           func(c *Config) { c.DataDir = "" },
		"TOLLGATE_PUBLIC_URL":         func(c *Config) { c.PublicURL = "tollgate.example" },
		"TOLLGATE_GATEWAY_URL":        func(c *Config) { c.GatewayURL = "ftp://tollgate.example" },
		"TOLLGATE_LOG_FORMAT":         func(c *Config) { c.LogFormat = "xml" },
		"TOLLGATE_DATABASE_CONNS":     func(c *Config) { c.DatabaseConns = 1 },
		"TOLLGATE_SPOOL_QUOTA_BYTES":  func(c *Config) { c.SpoolQuota = 1 },
		"TOLLGATE_SNAPSHOT_MAX_BYTES": func(c *Config) { c.SnapshotMax = 1 },
		"TOLLGATE_RETENTION":          func(c *Config) { c.Retention = -1 },
		"TOLLGATE_PAYLOAD_RETENTION":  func(c *Config) { c.PayloadRetention = -1 },
		"TOLLGATE_DRAIN":              func(c *Config) { c.Drain = -1 },
		"TOLLGATE_HEARTBEAT":          func(c *Config) { c.Heartbeat = -1 },
	} {
		c, err := ReadConfig()
		if err != nil {
			t.Fatal(err)
		}
		change(&c)
		if err := c.Check(); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), name+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := ReadConfig()
	if err != nil {
		t.Fatal(err)
	}
	c.KEK = secret.NewText("bm90IGEga2V5")
	if _, err := c.Keyring(); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "TOLLGATE_KEK:") || strings.Contains(err.Error(), "bm90") {
		t.Errorf("a bad key: %v", err)
	}
	c.KEK, c.KEKFile = secret.Text{}, filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(c.KEKFile, []byte("x"), 0o644); err != nil { // what is tested
		t.Fatal(err)
	}
	if _, err := c.Keyring(); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "TOLLGATE_KEK_FILE") || !strings.Contains(err.Error(), c.KEKFile) {
		t.Errorf("a key file that others may read: %v", err)
	}
}

func TestDefaultsNeedNoSetting(t *testing.T) {
	clean(t)
	c, err := ReadConfig()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	wd, _ := os.Getwd()
	dir := filepath.Join(wd, ".tollgate")
	for what, pair := range map[string][2]string{
		"dashboard": {c.PublicURL, "http://127.0.0.1:8080"}, "gateway": {c.GatewayURL, "http://127.0.0.1:8081"}, "metrics": {c.MetricsAddr, ""},
		"data": {c.DataDir, dir}, "key": {c.KEKFile, filepath.Join(dir, "kek")},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
		}
	}
	if c.SnapshotForce || !c.DatabaseURL.Empty() || c.LogLevel != slog.LevelInfo {
		t.Errorf("%+v", c)
	}
}

func TestFlagsOverrideTheEnvironment(t *testing.T) {
	clean(t)
	t.Setenv("TOLLGATE_ADDR", "127.0.0.1:1111")
	t.Setenv("TOLLGATE_GATEWAY_ADDR", "127.0.0.1:2222")
	t.Setenv("TOLLGATE_DATA_DIR", "/from/environment")
	var got Config
	cmd := withConfig("try", "", func(_ *cobra.Command, cfg Config, _ *slog.Logger) error { got = cfg; return nil })
	cmd.SetArgs([]string{"--addr", "127.0.0.1:3333", "--data-dir", "/from/flag", "--snapshot-force", "--metrics-addr=127.0.0.1:4444"})
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got.Addr != "127.0.0.1:3333" || got.PublicURL != "http://127.0.0.1:3333" || got.GatewayAddr != "127.0.0.1:2222" || got.DataDir != "/from/flag" ||
		got.KEKFile != "/from/flag/kek" || !got.SnapshotForce || got.MetricsAddr != "127.0.0.1:4444" {
		t.Errorf("%+v", got)
	}
}

func TestAPrintedConfigurationNamesEverySettingAndShowsNoSecret(t *testing.T) {
	clean(t)
	t.Setenv("DATABASE_URL", "postgres://user:hunter2@db.example/name")
	t.Setenv("TOLLGATE_KEK", "c3dvcmRmaXNo")
	c, err := ReadConfig()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("configuration", "settings", c)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("configuration", "settings", c)
	fmt.Fprintf(&b, "%v %+v %#v", c, c, c)
	for i := range reflect.TypeFor[Config]().NumField() {
		if name := reflect.TypeFor[Config]().Field(i).Tag.Get("env"); strings.Count(b.String(), name) < 2 {
			t.Errorf("%s is not printed", name)
		}
	}
	for _, text := range []string{"hunter2", "c3dvcmRmaXNo"} {
		if strings.Contains(b.String(), text) {
			t.Errorf("%s is printed", text)
		}
	}
}
