package calllogpg

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/money"
)

// columns holds records column by column, as unnest takes them. The order of fields is the order of insertCalls.
type columns struct {
	org                                                        []string
	call                                                       [][16]byte
	started                                                    []time.Time
	proxy, team, key, environment, workflow, endUser           []string
	tags                                                       []string
	endpoint, dialect, requested, alias                        []string
	aliasVersion                                               []int32
	provider, model                                            []string
	stream                                                     []bool
	status                                                     []int32
	outcome, errorCode, finish                                 []string
	units                                                      [chat.Classes][]int64
	source                                                     []int16
	cost                                                       []int64
	price                                                      []string
	estimated                                                  []bool
	duration, firstByte, overhead, requestBytes, responseBytes []int64
	marks, attempts                                            []string
	split, hasPayload                                          []bool
	told                                                       []*int64
	warnings                                                   []string // text[] as array literals: unnest would flatten an array of arrays
	task, taskBy, experiment, arm, armServed, unitBy, batch    []string
	unit, fingerprint                                          []int64
	signals                                                    []int32
	decision                                                   []*string
	charges, checks                                            []*string
	secret                                                     []string
	prompt, promptLabel                                        []string
	promptVersion                                              []int32
}

// grow makes room for n records.
func (c *columns) grow(n int) {
	for _, s := range []*[]string{
		&c.org, &c.proxy, &c.team, &c.key, &c.environment, &c.workflow, &c.endUser, &c.tags, &c.endpoint, &c.dialect, &c.requested, &c.alias,
		&c.provider, &c.model, &c.outcome, &c.errorCode, &c.finish, &c.price, &c.marks, &c.attempts, &c.warnings,
		&c.task, &c.taskBy, &c.experiment, &c.arm, &c.armServed, &c.unitBy, &c.batch, &c.secret, &c.prompt, &c.promptLabel,
	} {
		*s = make([]string, 0, n)
	}
	for _, s := range []*[]int64{&c.cost, &c.duration, &c.firstByte, &c.overhead, &c.requestBytes, &c.responseBytes, &c.unit, &c.fingerprint} {
		*s = make([]int64, 0, n)
	}
	for class := range c.units {
		c.units[class] = make([]int64, 0, n)
	}
	for _, s := range []*[]bool{&c.stream, &c.estimated, &c.split, &c.hasPayload} {
		*s = make([]bool, 0, n)
	}
	c.charges, c.checks = make([]*string, 0, n), make([]*string, 0, n)
	c.told, c.decision, c.signals = make([]*int64, 0, n), make([]*string, 0, n), make([]int32, 0, n)
	c.call, c.started = make([][16]byte, 0, n), make([]time.Time, 0, n)
	c.aliasVersion, c.status, c.source = make([]int32, 0, n), make([]int32, 0, n), make([]int16, 0, n)
	c.promptVersion = make([]int32, 0, n)
}

func (c *columns) add(r *calllog.Record) {
	c.org = append(c.org, string(r.Org))
	c.call = append(c.call, r.ID)
	c.started = append(c.started, r.ID.Time())
	c.proxy = append(c.proxy, text(r.Proxy, 64))
	c.team = append(c.team, text(string(r.Team), 64))
	c.key = append(c.key, text(string(r.Key), 64))
	c.environment = append(c.environment, text(r.Environment, 64))
	c.workflow = append(c.workflow, text(r.Workflow, 256))
	c.endUser = append(c.endUser, text(r.EndUser, 256))
	c.tags = append(c.tags, tagsJSON(r.Tags))
	c.endpoint = append(c.endpoint, text(r.Endpoint, 64))
	c.dialect = append(c.dialect, text(r.Dialect, 64))
	c.requested = append(c.requested, text(r.Requested, 512))
	c.alias = append(c.alias, text(r.Alias, 256))
	c.aliasVersion = append(c.aliasVersion, int32(r.AliasVersion))
	c.provider = append(c.provider, text(r.Provider, 64))
	c.model = append(c.model, text(r.Model, 256))
	c.stream = append(c.stream, r.Stream)
	c.status = append(c.status, int32(r.Status))
	c.outcome = append(c.outcome, string(r.Outcome))
	c.errorCode = append(c.errorCode, text(r.ErrorCode, 128))
	c.finish = append(c.finish, text(string(r.Finish), 64))
	for class := range c.units {
		c.units[class] = append(c.units[class], r.Usage.Units[class])
	}
	c.source = append(c.source, int16(r.Usage.Source))
	c.cost = append(c.cost, int64(r.Cost))
	c.price = append(c.price, priceText(priceOf(r)))
	c.estimated = append(c.estimated, r.Estimated)
	c.duration = append(c.duration, micros(r.Duration))
	c.firstByte = append(c.firstByte, micros(r.FirstByte))
	c.overhead = append(c.overhead, micros(r.Overhead))
	c.requestBytes = append(c.requestBytes, r.RequestBytes)
	c.responseBytes = append(c.responseBytes, r.ResponseBytes)
	c.marks = append(c.marks, marksJSON(r.Marks))
	c.split = append(c.split, split(r))
	c.attempts = append(c.attempts, attemptsJSON(r))
	c.hasPayload = append(c.hasPayload, r.Payload != nil)
	c.told = append(c.told, toldNano(r.ProviderCost))
	c.warnings = append(c.warnings, warningsText(r.Warnings))
	c.addRouting(r)
}

func (c *columns) addRouting(r *calllog.Record) {
	c.task = append(c.task, text(r.Task, 64))
	c.taskBy = append(c.taskBy, text(r.TaskBy, 16))
	c.experiment = append(c.experiment, text(string(r.Experiment), 64))
	c.arm = append(c.arm, text(r.Arm, 32))
	c.armServed = append(c.armServed, text(r.ArmServed, 32))
	c.unit = append(c.unit, int64(r.Unit))
	c.unitBy = append(c.unitBy, text(r.UnitBy, 16))
	c.signals = append(c.signals, int32(r.Signals))
	c.fingerprint = append(c.fingerprint, int64(r.Fingerprint))
	c.batch = append(c.batch, text(string(r.Batch), 64))
	c.decision = append(c.decision, decisionJSON(r.Decision))
	c.charges = append(c.charges, chargesJSON(r.Charges))
	c.checks = append(c.checks, checksJSON(r.Checks))
	c.secret = append(c.secret, text(string(r.Secret), 64))
	c.prompt = append(c.prompt, text(string(r.Prompt), 64))
	c.promptVersion = append(c.promptVersion, int32(max(r.PromptVersion, 0)))
	c.promptLabel = append(c.promptLabel, text(r.PromptLabel, 64))
}

// args gives the columns in the order of columnNames. A column of nothing but zeros is not sent: unnest fills it up with NULLs, and the
// statement makes zeros of them again. Most calls use few of the columns.
func (c *columns) args() []any {
	args := c.all()
	for i, column := range args {
		if empty(column) {
			args[i] = nil
		}
	}
	return args
}

func empty(column any) bool {
	switch v := column.(type) {
	case []string:
		return zeros(v)
	case []int64:
		return zeros(v)
	case []int32:
		return zeros(v)
	case []bool:
		return zeros(v)
	case []*int64:
		return zeros(v)
	case []*string:
		return zeros(v)
	}
	return false
}

func zeros[T comparable](column []T) bool {
	var zero T
	for _, v := range column {
		if v != zero {
			return false
		}
	}
	return true
}

func (c *columns) all() []any {
	args := []any{
		c.org, c.call, c.started, c.proxy, c.team, c.key, c.environment, c.workflow, c.endUser, c.tags, c.endpoint, c.dialect,
		c.requested, c.alias, c.aliasVersion, c.provider, c.model, c.stream, c.status, c.outcome, c.errorCode, c.finish,
	}
	for _, units := range c.units {
		args = append(args, units)
	}
	return append(args, c.source, c.cost, c.price, c.estimated, c.duration, c.firstByte, c.overhead, c.requestBytes, c.responseBytes,
		c.marks, c.attempts, c.split, c.hasPayload, c.told, c.warnings,
		c.task, c.taskBy, c.experiment, c.arm, c.armServed, c.unit, c.unitBy, c.signals, c.fingerprint, c.batch, c.decision,
		c.charges, c.checks, c.secret, c.prompt, c.promptVersion, c.promptLabel)
}

// columnNames name the columns of columns.args, with the types in which they travel; values is how a column is made of what came.
func columnNames() (names, casts, values []string) {
	list := `org_id text, call_id uuid, started_at timestamptz, proxy text, team_id text, key_id text, environment text, workflow text,
		end_user text, tags jsonb, endpoint text, dialect text, requested text, alias text, alias_version int, provider text, model text,
		stream bool, status int, outcome text, error_code text, finish text, `
	for c := range chat.Classes {
		list += c.String() + ` bigint, `
	}
	list += `usage_source smallint, cost_nano bigint, price_state text, estimated bool, duration_us bigint, first_byte_us bigint,
		overhead_us bigint, request_bytes bigint, response_bytes bigint, marks jsonb, attempts jsonb, split bool, has_payload bool,
		provider_cost_nano bigint, warnings text, task text, task_by text, experiment_id text, arm text, arm_served text, unit bigint,
		unit_by text, signals int, fingerprint bigint, batch_id text, decision jsonb,
		charges jsonb, checks jsonb, secret_id text, prompt_id text, prompt_version int, prompt_label text`
	for i, column := range strings.Split(list, ",") {
		name, kind, _ := strings.Cut(strings.TrimSpace(column), " ")
		names = append(names, name)
		travels := kind
		if kind == "jsonb" { // as text: the driver would copy each document once more
			travels = "text"
		}
		casts = append(casts, "$"+strconv.Itoa(i+1)+"::"+travels+"[]")
		values = append(values, sent(name, kind))
	}
	return names, casts, values
}

// sent is a column as it came, with the zeros that were left out; see args.
func sent(name, kind string) string {
	switch {
	case name == "warnings":
		return "coalesce(nullif(warnings, ''), '{}')::text[]"
	case kind == "jsonb":
		return name + "::jsonb"
	case name == "provider_cost_nano": // NULL means something
		return name
	case kind == "text":
		return "coalesce(" + name + ", '')"
	case kind == "bool":
		return "coalesce(" + name + ", false)"
	case kind == "bigint" || kind == "int" || kind == "smallint":
		return "coalesce(" + name + ", 0)"
	}
	return name
}

// text makes s fit for a text column: valid UTF-8, no NUL, at most n bytes. What clients send comes this far.
func text(s string, n int) string {
	if len(s) > 4*n {
		s = s[:4*n] // no need to look at the rest
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	return s
}

func micros(d time.Duration) int64 { return max(d.Microseconds(), 0) }

// priceOf is the record's price state; a call that was refused before any provider was called consumed nothing.
func priceOf(r *calllog.Record) calllog.PriceState {
	if r.Price == calllog.Unpriced && r.Outcome == calllog.Refused && len(r.Attempts) == 0 {
		return calllog.NoCharge
	}
	return r.Price
}

// priceText stores the zero state as a word.
func priceText(p calllog.PriceState) string {
	if p == calllog.Unpriced {
		return "unpriced"
	}
	return string(p)
}

func fromPriceText(s string) calllog.PriceState {
	if s == "unpriced" {
		return calllog.Unpriced
	}
	return calllog.PriceState(s)
}

// used reports whether an attempt consumed anything that has to be told apart.
func used(a *calllog.Attempt) bool { return a.Usage.Units != chat.Units{} || a.Cost != 0 }

// split reports whether the usage of a call belongs to more than its own provider and model.
func split(r *calllog.Record) bool {
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if used(a) && (a.Provider != r.Provider || a.Model != r.Model) {
			return true
		}
	}
	return false
}

// blame is the attempt that an unpriced call counts on: the first that was used and has no price, else the last.
func blame(r *calllog.Record) int {
	if priceOf(r) != calllog.Unpriced {
		return -1
	}
	for i := range r.Attempts {
		if r.Attempts[i].Price == calllog.Unpriced && used(&r.Attempts[i]) {
			return i
		}
	}
	return len(r.Attempts) - 1
}

// toldNano is what is stored of a provider's cost: a negative one is none.
func toldNano(n *money.NanoUSD) *int64 {
	if n == nil || *n < 0 {
		return nil
	}
	return (*int64)(n)
}

func fromToldNano(n *int64) *money.NanoUSD { return (*money.NanoUSD)(n) }

// warningsText is an array literal of Postgres, every element quoted.
func warningsText(warnings []string) string {
	if len(warnings) == 0 {
		return ""
	}
	b := []byte{'{'}
	for i, w := range warnings[:min(len(warnings), calllog.WarningsMax)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		for _, c := range []byte(text(w, calllog.WarningBytesMax)) {
			if c == '"' || c == '\\' {
				b = append(b, '\\')
			}
			b = append(b, c)
		}
		b = append(b, '"')
	}
	return string(append(b, '}'))
}

// decisionJSON is what decodeJSON reads into a Decision; nil for none.
func decisionJSON(d *calllog.Decision) *string {
	if d == nil {
		return nil
	}
	b, err := json.Marshal(d.Bounded())
	if err != nil { // Bounded leaves nothing that JSON cannot say
		return nil
	}
	s := strings.ReplaceAll(string(b), `\u0000`, `\ufffd`) // jsonb has no NUL
	return &s
}

func tagsJSON(tags map[string]string) string {
	if len(tags) == 0 {
		return "{}"
	}
	b := []byte{'{'}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(appendJSON(b, text(k, 64)), ':')
		b = appendJSON(b, text(tags[k], 256))
	}
	return string(append(b, '}'))
}

func marksJSON(marks []calllog.Mark) string {
	if len(marks) == 0 {
		return "[]"
	}
	b := append(make([]byte, 0, 40*len(marks)), '[')
	for i, m := range marks {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(append(b, `{"s":`...), text(m.Stage, 64))
		b = strconv.AppendInt(append(b, `,"at":`...), m.At.Microseconds(), 10)
		b = append(b, '}')
	}
	return string(append(b, ']'))
}

// attemptsJSON writes what fromAttempts reads. The rollup reads provider, model, units, cost and blame of split calls.
func attemptsJSON(r *calllog.Record) string {
	if len(r.Attempts) == 0 {
		return "[]"
	}
	blamed := blame(r)
	b := append(make([]byte, 0, 320*len(r.Attempts)), '[')
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"n":`...), int64(a.Number), 10)
		b = appendJSON(append(b, `,"provider":`...), text(a.Provider, 64))
		b = appendJSON(append(b, `,"model":`...), text(a.Model, 256))
		b = appendField(b, `,"cred":`, text(string(a.Credential), 64))
		b = strconv.AppendInt(append(b, `,"at":`...), micros(a.Start), 10)
		b = strconv.AppendInt(append(b, `,"ttfb":`...), micros(a.FirstByte), 10)
		b = strconv.AppendInt(append(b, `,"dur":`...), micros(a.Duration), 10)
		b = strconv.AppendInt(append(b, `,"status":`...), int64(a.Status), 10)
		b = appendField(b, `,"err":`, text(a.ErrorClass, 128))
		b = appendField(b, `,"up_id":`, text(a.UpstreamID, 256))
		b = append(b, `,"units":{`...)
		first := true
		for c, n := range a.Usage.Units {
			if n == 0 {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(appendJSON(b, chat.Class(c).String()), ':')
			b = strconv.AppendInt(b, n, 10)
		}
		b = strconv.AppendInt(append(b, `},"src":`...), int64(a.Usage.Source), 10)
		b = strconv.AppendInt(append(b, `,"cost":`...), int64(a.Cost), 10)
		b = appendJSON(append(b, `,"price":`...), priceText(a.Price))
		b = appendField(b, `,"price_id":`, text(string(a.PriceID), 128))
		if n := toldNano(a.ProviderCost); n != nil {
			b = strconv.AppendInt(append(b, `,"pcost":`...), *n, 10)
		}
		if i == blamed {
			b = append(b, `,"blame":true`...)
		}
		b = append(b, '}')
	}
	return string(append(b, ']'))
}

func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendJSON(append(b, name...), value)
}

// appendJSON appends a JSON string. Most need no escaping.
func appendJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil { // a string always marshals
				return append(b, `""`...)
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

type attemptJSON struct {
	Number     int              `json:"n"`
	Provider   string           `json:"provider"`
	Model      string           `json:"model"`
	Credential string           `json:"cred"`
	Start      int64            `json:"at"`
	FirstByte  int64            `json:"ttfb"`
	Duration   int64            `json:"dur"`
	Status     int              `json:"status"`
	ErrorClass string           `json:"err"`
	UpstreamID string           `json:"up_id"`
	Units      map[string]int64 `json:"units"`
	Source     uint8            `json:"src"`
	Cost       int64            `json:"cost"`
	Price      string           `json:"price"`
	PriceID    string           `json:"price_id"`
	Told       *int64           `json:"pcost"`
}

type markJSON struct {
	Stage string `json:"s"`
	At    int64  `json:"at"`
}

func decodeJSON(b []byte, into any) error { return json.NewDecoder(bytes.NewReader(b)).Decode(into) }
