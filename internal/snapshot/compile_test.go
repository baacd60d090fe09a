package snapshot

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/gob"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tollgate/internal/alias"
	"tollgate/internal/chat"
	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/price"
	"tollgate/internal/prompt"
	"tollgate/internal/provider"
	"tollgate/internal/secret"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func vendors(id string) (provider.Vendor, bool) {
	if id == "openai" || id == "anthropic" {
		return provider.Vendor{ID: id, BaseURL: "https://" + id + ".example"}, true
	}
	return provider.Vendor{}, false
}

// opener opens what begins with "good " and counts.
type opener struct{ opened int }

func (o *opener) open(_ context.Context, _ id.Org, _ credential.Credential, s credential.Sealed) (secret.Text, error) {
	o.opened++
	if text, ok := strings.CutPrefix(string(s.Ciphertext), "good "); ok {
		return secret.NewText(text), nil
	}
	return secret.Text{}, credential.ErrSealed
}

// hashed is a key with a secret for each hash.
func hashed(k key.Key, hashes ...key.Hash) HashedKey {
	for i := range hashes {
		k.Secrets = append(k.Secrets, key.Stored{ID: id.Secret(fmt.Sprintf("sec_%s_%d", k.ID, i)), Scheme: key.HMAC1})
	}
	return HashedKey{Key: k, Hashes: hashes}
}

func hashOf(b ...byte) (h key.Hash) {
	copy(h[:], b)
	return h
}

func orgConfig() *OrgConfig {
	return &OrgConfig{
		ID: "org_a", Name: "A", Teams: map[id.Team]string{"team_1": "One"},
		Aliases: []alias.Alias{{ID: "alias_1", Name: "fast", Version: 1, Route: alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "m"}}}}},
		Credentials: []SealedCredential{{
			Credential: credential.Credential{ID: "cred_1", Provider: "openai", Version: 1, Default: true}, Sealed: credential.Sealed{Ciphertext: []byte("good sk-1")},
		}},
		Keys: []HashedKey{hashed(key.Key{ID: "key_1", Team: "team_1", Privacy: key.PrivacyFull}, hashOf(1, 1))},
		Prompts: []*prompt.Stored{{
			Prompt:   prompt.Prompt{ID: "prompt_1", Name: "p", Kind: prompt.Text, Latest: 1, Labels: map[string]int{"production": 1}, Ramps: map[string]prompt.Ramp{"x": {To: 1, Share: 7}}},
			Versions: []prompt.StoredVersion{{Number: 1, Hash: "h", Content: []byte(`{"text":"Says."}`)}},
		}},
		PromptAt: map[string]string{"staging": "latest"},
	}
}

// TestWhatIsReadAgainIsTheSameInMemory where it did not change, so that a full reading compiles nothing anew.
func TestWhatIsReadAgainIsTheSameInMemory(t *testing.T) {
	t.Parallel()
	was, is, moved := config(1), config(2), config(3)
	moved.Orgs["org_a"].Prompts[0].Prompt.Labels = map[string]int{"production": 2}
	is.share(was)
	moved.share(was)
	old := was.Orgs["org_a"].Prompts[0]
	if is.Orgs["org_a"].Prompts[0] != old || moved.Orgs["org_a"].Prompts[0] == old {
		t.Error("what is held is not what was there, or what changed is")
	}
	for name, change := range map[string]func(*prompt.Stored){
		"name":    func(s *prompt.Stored) { s.Prompt.Name = "q" },
		"latest":  func(s *prompt.Stored) { s.Prompt.Latest = 2 },
		"ramp":    func(s *prompt.Stored) { s.Prompt.Ramps = map[string]prompt.Ramp{"x": {To: 1, Share: 8}} },
		"content": func(s *prompt.Stored) { s.Versions[0].Hash = "i" },
		"archive": func(s *prompt.Stored) { s.Prompt.ArchivedAt = noon },
	} {
		other := config(4)
		change(other.Orgs["org_a"].Prompts[0])
		if other.share(was); other.Orgs["org_a"].Prompts[0] == old {
			t.Errorf("another %s is not seen", name)
		}
	}
	is.share(nil)
}

// TestAChangeOfPromptsIsLaidOverWhatWasThere.
func TestAChangeOfPromptsIsLaidOverWhatWasThere(t *testing.T) {
	t.Parallel()
	stored := func(which id.Prompt, latest int, versions ...prompt.StoredVersion) *prompt.Stored {
		return &prompt.Stored{Prompt: prompt.Prompt{ID: which, Latest: latest}, Versions: versions}
	}
	v1, v2 := prompt.StoredVersion{Number: 1}, prompt.StoredVersion{Number: 2}
	a, b, c := stored("prompt_a", 1, v1), stored("prompt_b", 1, v1), stored("prompt_c", 1, v1)
	was := config(1)
	was.Orgs["org_a"].Prompts = []*prompt.Stored{a, b, c}
	next := was.with(Delta{Rev: 2, Orgs: map[id.Org]*OrgConfig{"org_a": {ID: "org_a"}, "org_b": {ID: "org_b"}}, Prompts: map[id.Org]PromptsDelta{
		"org_a": {"prompt_a": stored("prompt_a", 9), "prompt_b": nil, "prompt_0": stored("prompt_0", 1, v1), "prompt_c": stored("prompt_c", 2, v1, v2)},
	}}, noon)
	want := []*prompt.Stored{stored("prompt_0", 1, v1), stored("prompt_a", 9, v1), stored("prompt_c", 2, v1, v2)}
	if diff := cmp.Diff(want, next.Orgs["org_a"].Prompts); diff != "" || next.Orgs["org_b"].Prompts != nil {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(was.Orgs["org_a"].Prompts) != 3 || was.Orgs["org_a"].Prompts[0] != a || a.Prompt.Latest != 1 {
		t.Error("what is in force was changed")
	}
	same := was.with(Delta{Rev: 2, Orgs: map[id.Org]*OrgConfig{"org_a": {ID: "org_a"}}}, noon)
	if got := same.Orgs["org_a"].Prompts; len(got) != 3 || got[1] != b {
		t.Errorf("a change of something else: %+v", got)
	}
}

func TestABadObjectKeepsItsLastGoodForm(t *testing.T) {
	t.Parallel()
	o := &opener{}
	c := compiler{open: o.open, vendors: vendors}
	good := c.compile(t.Context(), orgConfig(), nil, nil)
	if len(good.bad) != 0 || good.org.Credentials["cred_1"].Secret.Reveal() != "sk-1" || good.org.Default["openai"] != "cred_1" ||
		good.org.Credentials["cred_1"].BaseURL != "https://openai.example" || good.org.Aliases["fast"] == nil || good.keys[hashOf(1, 1)].Org != good.org {
		t.Fatalf("%+v", good)
	}

	spoilt := orgConfig()
	spoilt.Credentials[0].Sealed.Ciphertext = []byte("damaged")
	spoilt.Credentials[0].Credential.BaseURL = "https://evil.example"
	spoilt.Aliases[0].Version, spoilt.Aliases[0].Route = 2, alias.Route{Targets: []alias.Target{{Provider: "nobody", Model: "m"}}}
	spoilt.Keys[0].Key.Privacy = "some"
	is := c.compile(t.Context(), spoilt, nil, good)
	if got := is.org.Credentials["cred_1"]; got.Secret.Reveal() != "sk-1" || got.BaseURL != "https://openai.example" {
		t.Errorf("credential %+v", got)
	}
	if a := is.org.Aliases["fast"]; a == nil || a.Version != 1 {
		t.Errorf("alias %+v", a)
	}
	if k := is.keys[hashOf(1, 1)]; k == nil || k.Privacy != key.PrivacyFull || k.Org != is.org {
		t.Errorf("key %+v", k)
	}
	want := []Bad{{"org_a", "credential", "cred_1", ""}, {"org_a", "alias", "alias_1", ""}, {"org_a", "key", "key_1", ""}}
	if diff := cmp.Diff(want, is.bad, cmpopts.IgnoreFields(Bad{}, "Reason")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// With nothing to fall back on it is left out, and the rest stands.
	fresh := c.compile(t.Context(), spoilt, nil, nil)
	if len(fresh.org.Credentials) != 0 || len(fresh.org.Aliases) != 0 || len(fresh.keys) != 0 || len(fresh.bad) != 3 {
		t.Errorf("%+v", fresh)
	}
}

func TestDeletionAndRevocationHoldWhateverElseIsWrong(t *testing.T) {
	t.Parallel()
	c := compiler{open: new(opener).open, vendors: vendors}
	good := c.compile(t.Context(), orgConfig(), nil, nil)
	o := orgConfig()
	o.Credentials = nil
	o.Aliases = nil
	o.Keys[0].Key.Privacy, o.Keys[0].Key.RevokedAt = "some", noon
	is := c.compile(t.Context(), o, nil, good)
	if k := is.keys[hashOf(1, 1)]; k == nil || !errors.Is(k.Allow(netip.Addr{}, key.ChatEndpoint, noon), key.ErrRevoked) {
		t.Errorf("%+v", k)
	}
	if len(is.org.Credentials) != 0 || len(is.org.Default) != 0 || len(is.org.Aliases) != 0 {
		t.Errorf("%+v", is.org)
	}
	o.Keys = nil
	if is = c.compile(t.Context(), o, nil, good); len(is.keys) != 0 {
		t.Errorf("%+v", is.keys)
	}
}

func TestASecretIsOpenedOnceForAVersion(t *testing.T) {
	t.Parallel()
	o := &opener{}
	c := compiler{open: o.open, vendors: vendors}
	was := c.compile(t.Context(), orgConfig(), nil, nil)
	was = c.compile(t.Context(), orgConfig(), nil, was)
	if o.opened != 1 {
		t.Errorf("opened %d times", o.opened)
	}
	next := orgConfig()
	next.Credentials[0].Credential.Version, next.Credentials[0].Sealed.Ciphertext = 2, []byte("good sk-2")
	if is := c.compile(t.Context(), next, nil, was); is.org.Credentials["cred_1"].Secret.Reveal() != "sk-2" || o.opened != 2 {
		t.Errorf("%+v, opened %d times", is.org.Credentials, o.opened)
	}
	// The same bytes for another host are another thing, and must be proven again.
	moved := orgConfig()
	moved.Credentials[0].Credential.BaseURL = "https://evil.example"
	if c.compile(t.Context(), moved, nil, was); o.opened != 3 {
		t.Errorf("opened %d times", o.opened)
	}
}

func TestAChangeLeavesEarlierSnapshotsAsTheyWere(t *testing.T) {
	t.Parallel()
	c := compiler{open: new(opener).open, vendors: vendors}
	a := orgConfig()
	b := &OrgConfig{ID: "org_b", Keys: []HashedKey{hashed(key.Key{ID: "key_b", Privacy: key.PrivacyNone}, hashOf(1, 2)), hashed(key.Key{ID: "key_c", Privacy: key.PrivacyNone}, hashOf(9))}}
	ca, cb := c.compile(t.Context(), a, nil, nil), c.compile(t.Context(), b, nil, nil)
	was := map[id.Org]*compiled{"org_a": ca, "org_b": cb}
	one := New(1, noon, nil, nil).with(1, noon, nil, was)
	a2 := orgConfig()
	a2.Name, a2.Keys[0].Hashes = "A2", []key.Hash{hashOf(7)}
	two := one.with(2, noon, was, map[id.Org]*compiled{"org_a": c.compile(t.Context(), a2, nil, ca), "org_b": nil})
	for name, s := range map[string]struct {
		snap *Snapshot
		want map[key.Hash]bool
		keys int
	}{
		"before": {one, map[key.Hash]bool{hashOf(1, 1): true, hashOf(1, 2): true, hashOf(9): true, hashOf(7): false}, 3},
		"after":  {two, map[key.Hash]bool{hashOf(1, 1): false, hashOf(1, 2): false, hashOf(9): false, hashOf(7): true}, 1},
	} {
		for h, want := range s.want {
			if _, ok := s.snap.Key(h); ok != want {
				t.Errorf("%s: key %v there %v, want %v", name, h[:2], ok, want)
			}
		}
		if s.snap.Keys() != s.keys {
			t.Errorf("%s: %d keys, want %d", name, s.snap.Keys(), s.keys)
		}
	}
	if o, _ := one.Org("org_a"); o.Name != "A" || one.Orgs() != 2 || two.Orgs() != 1 {
		t.Errorf("%+v, %d, %d", o, one.Orgs(), two.Orgs())
	}
}

func keyring(t *testing.T, b string) *secret.Keyring {
	t.Helper()
	r, err := secret.ParseKeyring(base64.StdEncoding.EncodeToString([]byte(strings.Repeat(b, 32))))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func file(t *testing.T, dir, ring string) *File {
	t.Helper()
	f, err := OpenFile(dir, keyring(t, ring), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func config(rev int64) *Config {
	return &Config{
		Rev: rev, Taken: noon, Orgs: map[id.Org]*OrgConfig{"org_a": orgConfig()},
		Imported:  []price.Record{{ID: "price_1", Provider: "openai", Model: "m", Rates: price.Rates{}.Set(0, 5).Set(4, 0), From: noon, Tiers: []price.Tier{{AboveInput: 1}}}},
		Overrides: map[id.Org][]price.Record{"org_a": {{ID: "price_2", Provider: "openai", Model: "m"}}},
	}
}

func TestTheFileHoldsEverythingAndTellsNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "snapshots")
	f := file(t, dir, "a")
	if c, err := f.Read(); c != nil || err != nil {
		t.Fatalf("an empty folder: %v, %v", c, err)
	}
	for rev := range int64(5) {
		if err := f.Write(config(rev)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := file(t, dir, "a").Read()
	if diff := cmp.Diff(config(4), got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 3 {
		t.Errorf("%v, %v", files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil || strings.Contains(string(b), "org_a") || strings.Contains(string(b), "sk-1") {
			t.Errorf("%s can be read: %v", name, err)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if c, err := file(t, dir, "b").Read(); err == nil || c != nil {
		t.Errorf("another key opens it: %v", c)
	}
}

// TestTheFileOfTheReleaseBeforeIsRead: it had no prompts.
func TestTheFileOfTheReleaseBeforeIsRead(t *testing.T) {
	t.Parallel()
	f := file(t, t.TempDir(), "a")
	seal := func(magic string) string {
		t.Helper()
		was := config(7)
		was.Orgs["org_a"].Prompts = nil
		var plain bytes.Buffer
		if err := gob.NewEncoder(&plain).Encode(was); err != nil {
			t.Fatal(err)
		}
		const name = "config-0000000000000001.snapshot"
		if err := f.place(name, f.aead.Seal([]byte(magic), nil, plain.Bytes(), []byte(magic))); err != nil {
			t.Fatal(err)
		}
		return name
	}
	c, err := f.read(seal("tollgate snapshot 4\n"))
	if err != nil || c.Rev != 7 || len(c.Orgs["org_a"].Keys) != 1 || c.Orgs["org_a"].Prompts != nil {
		t.Errorf("%+v, %v", c, err)
	}
	for _, magic := range []string{"tollgate snapshot 3\n", "tollgate snapshot 6\n"} {
		if c, err := f.read(seal(magic)); err == nil {
			t.Errorf("%q is read as %+v", magic, c)
		}
	}
}

// A class that a later release adds changes nothing about how the others are kept: rates are kept by name.
func TestRatesAreKeptByName(t *testing.T) {
	t.Parallel()
	r := price.Rates{}.Set(chat.Input, 5).Set(chat.CodeSession, 0)
	b, err := r.MarshalBinary()
	if err != nil || string(b) != `{"code_session":0,"input":5}` {
		t.Fatalf("%s, %v", b, err)
	}
	var back price.Rates
	if err := back.UnmarshalBinary(b); err != nil || back != r {
		t.Errorf("%+v, %v", back, err)
	}
	if err := back.UnmarshalBinary([]byte(`{"colour":1}`)); err == nil {
		t.Error("an unknown class was dropped")
	}
}

func TestADamagedFileGivesWayToTheOneBefore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := file(t, dir, "a")
	for _, rev := range []int64{10, 9, 11} { // order of writing, not of revisions: a database may have been set back
		if err := f.Write(config(rev)); err != nil {
			t.Fatal(err)
		}
	}
	names, err := f.names()
	if err != nil || len(names) != 3 {
		t.Fatal(names, err)
	}
	newest := filepath.Join(dir, names[2])
	whole, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	put := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(newest, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cuts := []int{0, 1, len(fileMagic), len(fileMagic) + 5, len(whole) / 2, len(whole) - 1}
	for _, n := range cuts {
		put(whole[:n])
		if c, err := f.Read(); err != nil || c.Rev != 9 {
			t.Errorf("cut to %d: %+v, %v", n, c, err)
		}
	}
	for i := 0; i < len(whole); i += 7 {
		b := append([]byte(nil), whole...)
		b[i] ^= 1
		put(b)
		if c, err := f.Read(); err != nil || c.Rev != 9 {
			t.Errorf("byte %d flipped: %v", i, err)
		}
	}
	put(append(append([]byte(nil), whole...), 0))
	if c, err := f.Read(); err != nil || c.Rev != 9 {
		t.Errorf("a byte too many: %v", err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := f.Read(); err == nil || c != nil {
		t.Errorf("all damaged: %v", c)
	}
	// What is written next stands over the damage, and a crash's leavings go.
	if err := os.WriteFile(filepath.Join(dir, ".writing-1"), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Write(config(12)); err != nil {
		t.Fatal(err)
	}
	if c, err := f.Read(); err != nil || c.Rev != 12 {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".writing-1")); err == nil {
		t.Error("a half-written file stays for ever")
	}
}

func FuzzFileRead(f *testing.F) {
	f.Add([]byte(fileMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "config-0000000000000001.snapshot"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := file(t, dir, "a").Read(); err == nil || c != nil {
			t.Errorf("accepted %q", b)
		}
	})
}
