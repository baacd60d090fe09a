package route

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/money"
)

// The bounds of what a request may wish.
const (
	filterNamesMax = 64
	modelsMax      = 8
	nameMax        = 256
)

// slugs are OpenRouter's names of providers that have another id here.
var slugs = map[string]string{
	"amazon-bedrock": "bedrock", "azure": "azure-openai", "google-ai-studio": "google-gemini", "google": "google-gemini", "google-vertex": "vertex",
	"moonshot-ai": "moonshotai", "moonshot": "moonshotai", "z-ai": "zai", "x-ai": "xai", "atlas-cloud": "atlascloud", "novita": "novita-ai",
	"nvidia": "nvidia-nim", "gmi-cloud": "gmicloud", "black-forest-labs": "bfl", "ai21": "ai21", "featherless": "featherless-ai",
	"inference-net": "inference", "nebius-token-factory": "nebius", "minimax": "minimax", "cloudflare": "cloudflare-workers-ai",
	"perplexity": "perplexity", "meta": "meta-llama",
}

// vendorOf is the vendor that a request means: our id, or OpenRouter's slug or display name, without the region or variant behind a slash.
func vendorOf(name string) string {
	name, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), "/")
	name = strings.ReplaceAll(name, " ", "-")
	if id, ok := slugs[name]; ok {
		return id
	}
	return name
}

// ParseFilter reads a request's provider object as OpenRouter's users write it. null and an empty object are nil. A field that is
// wrong, or that there is not, is ErrFilter naming it: a wish that is passed over silently would widen the choice.
func ParseFilter(raw []byte) (*Filter, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return nil, badFilter("provider", "an object")
	}
	if len(members) == 0 {
		return nil, nil
	}
	p := filterParser{f: &Filter{}}
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names) // of several errors always the same one
	for _, name := range names {
		if v := bytes.TrimSpace(members[name]); string(v) != "null" {
			p.member(name, v)
		}
	}
	return p.f, p.err
}

type filterParser struct {
	f   *Filter
	err error
}

func (p *filterParser) member(name string, raw []byte) {
	at := "provider." + name
	f := p.f
	switch name {
	case "order":
		f.Order = p.vendors(at, raw)
	case "only":
		f.Only = p.vendors(at, raw)
	case "ignore":
		f.Ignore = p.vendors(at, raw)
	case "allow_fallbacks":
		f.NoFallbacks = !p.flag(at, raw)
	case "require_parameters":
		f.RequireParams = p.flag(at, raw)
	case "data_collection":
		f.NoTraining = p.word(at, raw, "allow", "deny") == "deny"
	case "sort":
		p.sort(at, raw)
	case "max_price":
		p.prices(at, raw)
	case "zdr", "enforce_distillable_text":
		if p.flag(at, raw) {
			f.Beyond = append(f.Beyond, name)
		}
	case "quantizations":
		if len(p.texts(at, raw)) > 0 {
			f.Beyond = append(f.Beyond, name)
		}
	case "preferred_min_throughput", "preferred_max_latency":
		// Wishes that never leave anything out; a vendor that routes by itself reads them.
	default:
		p.refuse(ErrFilter.Say("There is no field %q in the provider object.", fault.Clip(at)).At(fault.Clip(at)))
	}
}

func (p *filterParser) refuse(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *filterParser) flag(at string, raw []byte) (b bool) {
	if json.Unmarshal(raw, &b) != nil {
		p.refuse(badFilter(at, "true or false"))
	}
	return b
}

func (p *filterParser) word(at string, raw []byte, of ...string) (s string) {
	if json.Unmarshal(raw, &s) != nil || !slices.Contains(of, s) {
		p.refuse(badFilter(at, strings.Join(of, " or ")))
	}
	return s
}

func (p *filterParser) texts(at string, raw []byte) []string {
	var list []string
	if json.Unmarshal(raw, &list) != nil || len(list) > filterNamesMax {
		p.refuse(badFilter(at, "a list of at most "+strconv.Itoa(filterNamesMax)+" strings"))
		return nil
	}
	for i, s := range list {
		if s == "" || len(s) > nameMax {
			p.refuse(badFilter(at+"."+strconv.Itoa(i), "the name of a provider"))
			return nil
		}
	}
	return list
}

func (p *filterParser) vendors(at string, raw []byte) []string {
	var out []string
	for _, s := range p.texts(at, raw) {
		if v := vendorOf(s); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// sort is a word, or an object that says with partition whether the models of a list compete; they never do here.
func (p *filterParser) sort(at string, raw []byte) {
	if raw[0] == '{' {
		var by struct{ By, Partition json.RawMessage }
		if json.Unmarshal(raw, &by) != nil {
			p.refuse(badFilter(at, "an object with by and partition"))
			return
		}
		if len(by.Partition) > 0 {
			p.word(at+".partition", by.Partition, "model", "none")
		}
		at, raw = at+".by", by.By
	}
	p.f.Sort = p.word(at, raw, "price", "throughput", "latency")
}

func (p *filterParser) prices(at string, raw []byte) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || members == nil {
		p.refuse(badFilter(at, "an object with prompt and completion"))
		return
	}
	for _, name := range [...]string{"prompt", "completion", "request", "image", "audio"} {
		v, ok := members[name]
		delete(members, name)
		if !ok || string(bytes.TrimSpace(v)) == "null" {
			continue
		}
		limit, err := money.ParsePerMillion(string(bytes.Trim(v, `" `)))
		if err != nil || limit < 0 {
			p.refuse(badFilter(at+"."+name, "dollars for a million tokens, with at most six decimals"))
			return
		}
		switch name {
		case "prompt":
			p.f.MaxPrice.Prompt = &limit
		case "completion":
			p.f.MaxPrice.Completion = &limit
		default:
			p.f.Beyond = append(p.f.Beyond, "max_price."+name)
		}
	}
	for name := range members {
		p.refuse(ErrFilter.Say("There is no field %q in the provider object's max_price.", fault.Clip(name)).At(at))
	}
}

func badFilter(at, what string) *fault.Error {
	return ErrFilter.Say("%s must be %s.", fault.Clip(at), what).At(fault.Clip(at))
}

// ParseModels reads a request's models list: names that are tried in turn behind its model, whatever the failure. null is none.
func ParseModels(raw []byte) ([]string, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil || len(list) > modelsMax {
		return nil, badFilter("models", "a list of at most "+strconv.Itoa(modelsMax)+" model names")
	}
	for i, s := range list {
		if s == "" || len(s) > nameMax {
			return nil, badFilter("models."+strconv.Itoa(i), "the name of a model")
		}
	}
	return list, nil
}
