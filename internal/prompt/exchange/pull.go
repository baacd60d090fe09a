package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/secret"
)

// Address is a Langfuse project: where it answers, and the keys to read it with. They are used and forgotten.
type Address struct {
	URL       string // https://cloud.langfuse.com
	PublicKey string // pk-lf-…
	SecretKey secret.Text
}

// The failures of reading elsewhere.
var (
	ErrAddress = fault.New(fault.Invalid, "prompt.import_address", "This is no address to read prompts from: write https://cloud.langfuse.com, or where your Langfuse answers.").At("langfuse.url")
	ErrRemote  = fault.New(fault.Upstream, "prompt.import_upstream", "Langfuse does not answer as expected.")
)

const (
	pullVersionsMax = 5000
	pullPage        = 100
)

// puller reads one project.
type puller struct {
	http *http.Client
	from Address
	base string
}

// Pull reads prompts by Langfuse's public API, each version as a file. told is called with how many prompts are read, and of how many.
func Pull(ctx context.Context, client *http.Client, from Address, which Which, told func(done, all int)) ([]File, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(from.URL), "/"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, ErrAddress
	}
	p := &puller{http: client, from: from, base: strings.TrimSuffix(u.String(), "/api/public") + "/api/public/v2/prompts"}
	list, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	var out []File
	for i, one := range list {
		for _, q := range one.wanted(which) {
			f, err := p.one(ctx, one.Name, q)
			if err != nil {
				return nil, err
			}
			if out = append(out, f); len(out) > pullVersionsMax {
				return nil, ErrTooMuch.Say("There are more than %d versions. Take only those with labels, or only the newest.", pullVersionsMax)
			}
		}
		told(i+1, len(list))
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return slices.CompactFunc(out, func(a, b File) bool { return a.Path == b.Path }), nil
}

// listed is a prompt in Langfuse's list.
type listed struct {
	Name     string   `json:"name"`
	Versions []int    `json:"versions"`
	Labels   []string `json:"labels"`
}

// wanted are the questions that give the versions that are wanted.
func (l *listed) wanted(which Which) (out []url.Values) {
	switch which {
	case Newest:
		return []url.Values{{"label": {"latest"}}}
	case Labelled:
		for _, label := range append(slices.Clone(l.Labels), "latest") {
			out = append(out, url.Values{"label": {label}})
		}
	case EachVersion:
		for _, v := range l.Versions {
			out = append(out, url.Values{"version": {strconv.Itoa(v)}})
		}
	}
	return out
}

func (p *puller) list(ctx context.Context) ([]listed, error) {
	var out []listed
	for page := 1; ; page++ {
		var got struct {
			Data []listed `json:"data"`
			Meta struct {
				TotalPages int `json:"totalPages"`
			} `json:"meta"`
		}
		raw, err := p.get(ctx, "?"+url.Values{"page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(pullPage)}}.Encode())
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &got); err != nil {
			return nil, ErrRemote.Because(err)
		}
		if out = append(out, got.Data...); len(out) > PromptsMax {
			return nil, ErrTooMuch
		}
		if len(got.Data) == 0 || page >= got.Meta.TotalPages {
			return out, nil
		}
	}
}

func (p *puller) one(ctx context.Context, name string, q url.Values) (File, error) {
	q.Set("resolve", "false") // the tags of other prompts stay tags
	raw, err := p.get(ctx, "/"+url.PathEscape(name)+"?"+q.Encode())
	if err != nil {
		return File{}, err
	}
	var v struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return File{}, ErrRemote.Because(err)
	}
	return File{Path: fmt.Sprintf("%s@%06d.json", name, v.Version), Text: string(raw)}, nil
}

func (p *puller) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, nil)
	if err != nil {
		return nil, ErrAddress.Because(err)
	}
	req.SetBasicAuth(p.from.PublicKey, p.from.SecretKey.Reveal())
	res, err := p.http.Do(req)
	if err != nil {
		return nil, ErrRemote.Say("Langfuse does not answer at %s, or may not be called from here.", fault.Clip(p.from.URL)).Because(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, FileBytesMax+1))
	switch {
	case err != nil:
		return nil, ErrRemote.Say("Langfuse's answer broke off, or is too large.").Because(err)
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return nil, ErrRemote.Say("Langfuse refuses these keys (%d). Use a public and a secret key of the project, at the address of its region.", res.StatusCode)
	case res.StatusCode != http.StatusOK:
		return nil, ErrRemote.Say("Langfuse answers %d %s.", res.StatusCode, http.StatusText(res.StatusCode))
	case len(body) > FileBytesMax:
		return nil, ErrTooMuch
	case !json.Valid(body):
		return nil, ErrRemote.Say("What answers at %s is not Langfuse's API.", fault.Clip(p.from.URL)).Because(errors.New("no JSON"))
	}
	return body, nil
}
