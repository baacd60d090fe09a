package remote

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"

	"tollgate/internal/batch"
)

// store is a folder of an S3 bucket, asked in path style, where a bucket's name may hold dots.
type store struct {
	region, bucket string
	way            batch.Way
}

// ask asks about a file, or, where key is empty, about the bucket. query is without the question mark.
func (s store) ask(ctx context.Context, method, key, query string, body []byte) (io.ReadCloser, error) {
	path := "/" + s.bucket
	if key != "" {
		path += "/" + key
	}
	if query != "" {
		path += "?" + query
	}
	req := batch.Request{
		Method: method, Base: "https://s3." + s.region + ".amazonaws.com", Service: "s3", Path: path, ContentType: "application/x-ndjson", Body: body,
	}
	return amazon(ctx, s.way, req)
}

// put keeps a file.
func (s store) put(ctx context.Context, key string, content []byte) error {
	body, err := s.ask(ctx, http.MethodPut, key, "", content)
	if err != nil {
		return err
	}
	return body.Close()
}

// keysMax bounds the files that are looked through.
const keysMax = 10_000

// list gives the keys of all files below prefix.
func (s store) list(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	for next := ""; ; {
		query := "list-type=2&prefix=" + url.QueryEscape(prefix)
		if next != "" {
			query += "&continuation-token=" + url.QueryEscape(next)
		}
		body, err := s.ask(ctx, http.MethodGet, "", query, nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Contents []struct {
				Key string `xml:"Key"`
			} `xml:"Contents"`
			Next string `xml:"NextContinuationToken"`
		}
		err = xml.NewDecoder(io.LimitReader(body, objectMax)).Decode(&page)
		_ = body.Close()
		if err != nil {
			return nil, errGarbage
		}
		for _, c := range page.Contents {
			keys = append(keys, c.Key)
		}
		if next = page.Next; next == "" || len(keys) > keysMax {
			return keys, nil
		}
	}
}

// amazon is call with the errors of AWS, which says by name what may be tried again, and says it in XML where files are kept.
func amazon(ctx context.Context, w batch.Way, req batch.Request) (io.ReadCloser, error) {
	resp, err := w(ctx, req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return resp.Body, nil
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, refusalMax)) // what has come is enough
	no := &batch.Refusal{Status: resp.StatusCode, Message: reason(body)}
	kind, _, _ := strings.Cut(resp.Header.Get("X-Amzn-Errortype"), ":")
	var told struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) && xml.Unmarshal(body, &told) == nil {
		no.Message, kind = told.Code+": "+told.Message, told.Code
	}
	switch kind {
	case "ThrottlingException", "ServiceQuotaExceededException", "SlowDown", "ServiceUnavailable", "InternalError":
		no.Status = http.StatusTooManyRequests
	case "NoSuchBucket": // a setting that is wrong, and no interface that is not there
		no.Status = http.StatusBadRequest
	}
	return nil, no
}
