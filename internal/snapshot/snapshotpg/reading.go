package snapshotpg

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/snapshot"
)

// reading collects the rows of a load. Rows of one organization come in any order; finish puts them together.
type reading struct {
	rev     revDoc
	changed map[string]bool
	orgs    map[id.Org]*snapshot.OrgConfig // nil: wanted, and not there
	deks    map[string]credential.DEK
	secrets map[string][]secretDoc // by organization and key
	prompts map[id.Org]*promptRows
}

func newReading() reading {
	return reading{changed: map[string]bool{}, orgs: map[id.Org]*snapshot.OrgConfig{}, deks: map[string]credential.DEK{}, secrets: map[string][]secretDoc{}, prompts: map[id.Org]*promptRows{}}
}

// bytea is how the server writes bytes in documents: \x and hex digits.
type bytea []byte

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *bytea) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), `\x`)
	if !ok {
		return fmt.Errorf("bytes without \\x")
	}
	got, err := hex.DecodeString(digits)
	*b = got
	return err
}

type (
	revDoc struct{ Rev, Pruned int64 }
	orgDoc struct{ ID, Name string }
	dekDoc struct {
		ID, Kek string
		Wrapped bytea
	}
	credentialDoc struct {
		ID, Provider, Name, Hint string
		BaseURL                  string `json:"base_url"`
		Settings                 map[string]string
		Version, Revision        int
		IsDefault                bool `json:"is_default"`
		Weight                   int
		DekID                    string `json:"dek_id"`
		Ciphertext               bytea
	}
	aliasDoc struct {
		ID, Name  string
		Version   int
		Route     alias.Route
		CreatedAt time.Time `json:"created_at"`
		UpdatedAt time.Time `json:"updated_at"`
	}
	routingDoc struct {
		Tasks map[string]string
		Auto  alias.Auto
	}
	keyDoc struct {
		ID, Name, Environment, Workflow, Privacy string
		Task, Kind, Owner                        string
		TeamID                                   string `json:"team_id"`
		Aliases, Models                          []string
		Endpoints                                []key.Endpoint
		Networks                                 []netip.Prefix
		Tags                                     map[string]string
		Revision, Cuts                           int
		BudgetStatus                             int       `json:"budget_status"`
		TemplateID                               string    `json:"template_id"`
		DisabledAt                               time.Time `json:"disabled_at"`
		DropUnsupported                          bool      `json:"drop_unsupported"`
		ExpiresAt                                time.Time `json:"expires_at"` // null leaves the zero time
		RevokedAt                                time.Time `json:"revoked_at"`
		CreatedAt                                time.Time `json:"created_at"`
		CreatedBy                                string    `json:"created_by"`
	}
	secretDoc struct {
		ID            string
		KeyID         string `json:"key_id"`
		Hash          bytea
		Scheme        key.Scheme
		Imported, Cut bool
		Prefix, Last4 string
		NotAfter      time.Time `json:"not_after"`
		CreatedAt     time.Time `json:"created_at"`
		CreatedBy     string    `json:"created_by"`
		RevokedAt     time.Time `json:"revoked_at"`
	}
)

// add takes one row. A row of an organization that cannot be read is reported as broken and stops nothing else.
func (r *reading) add(kind string, org id.Org, doc []byte) error {
	switch kind {
	case "rev":
		return json.Unmarshal(doc, &r.rev)
	case "changed":
		var table string
		err := json.Unmarshal(doc, &table)
		r.changed[table] = true
		return err
	case "wanted":
		if r.orgs[org] == nil {
			r.orgs[org] = nil
		}
		return nil
	}
	o := r.orgs[org]
	if o == nil {
		o = &snapshot.OrgConfig{ID: org, Teams: map[id.Team]string{}}
		r.orgs[org] = o
	}
	if err := r.part(o, kind, doc); err != nil {
		o.Broken = append(o.Broken, broken(kind, org, doc, err)...)
	}
	return nil
}

func (r *reading) part(o *snapshot.OrgConfig, kind string, doc []byte) error {
	switch kind {
	case "org":
		return addOrg(o, doc)
	case "team":
		var d orgDoc
		err := json.Unmarshal(doc, &d)
		o.Teams[id.Team(d.ID)] = d.Name
		return err
	case "dek":
		var d dekDoc
		err := json.Unmarshal(doc, &d)
		r.deks[string(o.ID)+" "+d.ID] = credential.DEK{ID: d.ID, KEK: d.Kek, Wrapped: d.Wrapped}
		return err
	case "credential":
		return addCredential(o, doc)
	case "alias":
		var d aliasDoc
		if err := json.Unmarshal(doc, &d); err != nil {
			return err
		}
		o.Aliases = append(o.Aliases, alias.Alias{ID: id.Alias(d.ID), Name: d.Name, Version: d.Version, Route: d.Route, CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC()})
		return nil
	case "routing":
		var d routingDoc
		err := json.Unmarshal(doc, &d)
		o.Tasks, o.Auto = d.Tasks, d.Auto
		return err
	case "experiment":
		var d experiment.Running
		if err := json.Unmarshal(doc, &d); err != nil {
			return err
		}
		o.Experiments = append(o.Experiments, d)
		return nil
	case "limit":
		return addLimit(o, doc)
	case "budget":
		return addBudget(o, doc)
	case "key":
		return addKey(o, doc)
	case "prompt_environment":
		return addEnvironment(o, doc)
	case "prompt_touched", "prompt", "prompt_version":
		return r.shelf(o.ID).add(kind, doc)
	case "secret":
		return r.addSecret(o.ID, doc)
	}
	return fmt.Errorf("unknown kind of row %q", kind)
}

func addCredential(o *snapshot.OrgConfig, doc []byte) error {
	var d credentialDoc
	if err := json.Unmarshal(doc, &d); err != nil {
		return err
	}
	if len(d.Settings) == 0 {
		d.Settings = nil
	}
	o.Credentials = append(o.Credentials, snapshot.SealedCredential{
		Credential: credential.Credential{
			ID: id.Credential(d.ID), Provider: d.Provider, Name: d.Name, BaseURL: d.BaseURL, Settings: d.Settings, Hint: d.Hint, Version: d.Version, Revision: d.Revision, Default: d.IsDefault, Weight: d.Weight,
		},
		Sealed: credential.Sealed{DEK: credential.DEK{ID: d.DekID}, Ciphertext: d.Ciphertext}, // the key itself comes in finish
	})
	return nil
}

func addKey(o *snapshot.OrgConfig, doc []byte) error {
	var d keyDoc
	if err := json.Unmarshal(doc, &d); err != nil {
		return err
	}
	o.Keys = append(o.Keys, snapshot.HashedKey{Key: key.Key{
		ID: id.Key(d.ID), Team: id.Team(d.TeamID), Name: d.Name, Kind: key.Kind(d.Kind), Owner: id.User(d.Owner), Environment: d.Environment,
		Aliases: d.Aliases, Models: d.Models, Endpoints: d.Endpoints, Networks: d.Networks, ExpiresAt: d.ExpiresAt.UTC(), Workflow: d.Workflow,
		Tags: d.Tags, Privacy: key.Privacy(d.Privacy), Revision: d.Revision, CreatedAt: d.CreatedAt.UTC(), CreatedBy: d.CreatedBy, RevokedAt: d.RevokedAt.UTC(),
		DropUnsupported: d.DropUnsupported, Task: d.Task, DisabledAt: d.DisabledAt.UTC(), Cuts: d.Cuts, BudgetStatus: d.BudgetStatus,
		Template: id.Template(d.TemplateID),
	}})
	return nil
}

func (r *reading) addSecret(org id.Org, doc []byte) error {
	var d secretDoc
	if err := json.Unmarshal(doc, &d); err != nil {
		return err
	}
	if len(d.Hash) != len(key.Hash{}) {
		return fmt.Errorf("a hash of %d bytes", len(d.Hash))
	}
	of := string(org) + " " + d.KeyID
	r.secrets[of] = append(r.secrets[of], d)
	return nil
}

// unlock gives a key its secrets, newest first.
func (r *reading) unlock(org id.Org, k *snapshot.HashedKey) {
	docs := r.secrets[string(org)+" "+string(k.Key.ID)]
	slices.SortFunc(docs, func(a, b secretDoc) int { return strings.Compare(b.ID, a.ID) })
	for _, d := range docs {
		k.Hashes = append(k.Hashes, key.Hash(d.Hash))
		k.Key.Secrets = append(k.Key.Secrets, key.Stored{
			ID: id.Secret(d.ID), Scheme: d.Scheme, Imported: d.Imported, Prefix: d.Prefix, Last4: d.Last4, NotAfter: d.NotAfter.UTC(), Cut: d.Cut,
			CreatedAt: d.CreatedAt.UTC(), CreatedBy: d.CreatedBy, RevokedAt: d.RevokedAt.UTC(),
		})
	}
	k.Key.Recognise()
}

// broken names a row that cannot be read. A revoked key is left out altogether: its last good form must not come back.
func broken(kind string, org id.Org, doc []byte, cause error) []snapshot.Bad {
	var d struct {
		ID        string
		RevokedAt *string `json:"revoked_at"`
	}
	_ = json.Unmarshal(doc, &d) // an id that cannot be read is an empty one
	if d.RevokedAt != nil {
		return nil
	}
	return []snapshot.Bad{{Org: org, Kind: kind, ID: d.ID, Reason: "cannot be read: " + cause.Error()}}
}

// finish gives credentials their data keys, and keys their secrets.
func (r *reading) finish() map[id.Org]*snapshot.OrgConfig {
	for _, o := range r.orgs {
		if o == nil {
			continue
		}
		for i := range o.Credentials {
			s := &o.Credentials[i].Sealed
			s.DEK = r.deks[string(o.ID)+" "+s.DEK.ID]
		}
		for i := range o.Keys {
			r.unlock(o.ID, &o.Keys[i])
		}
		widestFirst(o.Budgets)
	}
	return r.orgs
}
