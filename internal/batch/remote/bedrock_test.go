package remote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tollgate/internal/batch"
	"tollgate/internal/batch/remote"
	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
)

// cloud is as much of S3 and of Bedrock's jobs as a batch meets, made by hand after AWS's published interface: files by their keys, and
// jobs that read and write them. Nothing of it was recorded.
type cloud struct {
	t       *testing.T
	files   map[string]string // "bucket/key"
	jobs    []map[string]any
	status  string
	deny    string // a path that is denied, as deny's kind and message
	denied  string
	asked   []batch.Request
	partial bool // the list of files comes in two pages
}

const cloudRegion = "eu-west-1"

func (c *cloud) way(_ context.Context, req batch.Request) (*http.Response, error) {
	c.asked = append(c.asked, req)
	path, query, _ := strings.Cut(req.Path, "?")
	if c.deny != "" && strings.HasPrefix(path, c.deny) {
		kind, message, _ := strings.Cut(c.denied, " ")
		return c.says(http.StatusBadRequest, kind, `{"message":"`+message+`"}`), nil
	}
	if req.Service == "s3" {
		if req.Base != "https://s3."+cloudRegion+".amazonaws.com" {
			c.t.Errorf("files at %s", req.Base)
		}
		return c.storage(req.Method, strings.TrimPrefix(path, "/"), query, req.Body), nil
	}
	if req.Base != "https://bedrock."+cloudRegion+".amazonaws.com" || req.Service != "" {
		c.t.Errorf("jobs at %s for %q", req.Base, req.Service)
	}
	return c.jobsAt(req.Method, path, req.Body), nil
}

func (c *cloud) says(status int, kind, body string) *http.Response {
	h := http.Header{}
	if kind != "" {
		h.Set("X-Amzn-Errortype", kind+":http://internal.amazon.com/coral/")
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func (c *cloud) storage(method, key, query string, body []byte) *http.Response {
	switch {
	case method == http.MethodPut:
		if !strings.HasPrefix(key, "acme-batches/") {
			return c.says(http.StatusNotFound, "", `<?xml version="1.0"?><Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>`)
		}
		c.files[key] = string(body)
		return c.says(http.StatusOK, "", "")
	case strings.HasPrefix(query, "list-type=2"):
		var keys []string
		for k := range c.files {
			keys = append(keys, strings.TrimPrefix(k, key+"/"))
		}
		slices.Sort(keys)
		more := ""
		if c.partial && !strings.Contains(query, "continuation-token=more") {
			keys, more = keys[:1], "<IsTruncated>true</IsTruncated><NextContinuationToken>more</NextContinuationToken>"
		} else if c.partial {
			keys = keys[1:]
		}
		out := `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` + more
		prefix, _, _ := strings.Cut(strings.ReplaceAll(strings.TrimPrefix(query, "list-type=2&prefix="), "%2F", "/"), "&")
		for _, k := range keys {
			if strings.HasPrefix(k, prefix) {
				out += "<Contents><Key>" + k + "</Key></Contents>"
			}
		}
		return c.says(http.StatusOK, "", out+"</ListBucketResult>")
	}
	if file, ok := c.files[key]; ok {
		return c.says(http.StatusOK, "", file)
	}
	return c.says(http.StatusNotFound, "", `<Error><Code>NoSuchKey</Code><Message>no</Message></Error>`)
}

func (c *cloud) jobsAt(method, path string, body []byte) *http.Response {
	switch {
	case method == http.MethodPost && path == "/model-invocation-job":
		var job map[string]any
		if err := json.Unmarshal(body, &job); err != nil {
			c.t.Fatal(err)
		}
		for _, old := range c.jobs { // the same token: the same job
			if old["clientRequestToken"] == job["clientRequestToken"] {
				return c.says(http.StatusOK, "", fmt.Sprintf(`{"jobArn":%q}`, old["jobArn"]))
			}
		}
		job["jobArn"] = fmt.Sprintf("arn:aws:bedrock:%s:123456789012:model-invocation-job/job%09d", cloudRegion, len(c.jobs)+1)
		c.jobs = append(c.jobs, job)
		return c.says(http.StatusOK, "", fmt.Sprintf(`{"jobArn":%q}`, job["jobArn"]))
	case method == http.MethodGet && path == "/model-invocation-jobs":
		b, _ := json.Marshal(map[string]any{"invocationJobSummaries": c.jobs})
		return c.says(http.StatusOK, "", string(b))
	case method == http.MethodGet && path == "/model-invocation-job/job000000001":
		return c.says(http.StatusOK, "", `{"jobArn":"x","status":"`+c.status+`","message":"the role may not read the bucket"}`)
	case method == http.MethodPost && path == "/model-invocation-job/job000000001/stop":
		return c.says(http.StatusOK, "", "")
	}
	return c.says(http.StatusNotFound, "ResourceNotFoundException", `{"message":"no such job"}`)
}

func bedrockParcel() *batch.Parcel {
	return &batch.Parcel{
		ID: "parcel_1", Place: batch.Place{Provider: "bedrock", Dialect: "anthropic-bedrock", Model: "anthropic.claude-haiku-4-5"},
		Settings: map[string]string{"region": cloudRegion, "batch_bucket": "acme-batches", "batch_account": "123456789012", "batch_role": "Batches"},
	}
}

func hundred() []batch.Line {
	var out []batch.Line
	for i := range 100 {
		out = append(out, batch.Line{Call: call(byte(i)), Sent: []byte("{\"anthropic_version\":\"x\",\n\"messages\":[]}")})
	}
	return out
}

func TestAParcelForBedrockGoesThroughTheBucketAndComesBack(t *testing.T) {
	t.Parallel()
	c := &cloud{t: t, files: map[string]string{}, status: "InProgress", partial: true}
	d, p, lines := remote.Drivers()["bedrock"], bedrockParcel(), hundred()
	up, err := d.Send(t.Context(), c.way, p, lines)
	if want := (batch.Upstream{ID: "job000000001", File: "s3://acme-batches/tollgate/parcel_1/input.jsonl"}); err != nil || up != want {
		t.Fatalf("%+v, %v", up, err)
	}
	sent := strings.Split(strings.TrimSpace(c.files["acme-batches/tollgate/parcel_1/input.jsonl"]), "\n")
	if want := `{"recordId":"` + lines[0].Call.String() + `","modelInput":{"anthropic_version":"x","messages":[]}}`; len(sent) != 100 || sent[0] != want {
		t.Errorf("%d lines, the first is %s", len(sent), sent[0])
	}
	job := c.jobs[0]
	in, _ := json.Marshal(job["inputDataConfig"])
	out, _ := json.Marshal(job["outputDataConfig"])
	if job["roleArn"] != "arn:aws:iam::123456789012:role/Batches" || job["modelId"] != "anthropic.claude-haiku-4-5" || job["modelInvocationType"] != "InvokeModel" ||
		string(in) != `{"s3InputDataConfig":{"s3InputFormat":"JSONL","s3Uri":"s3://acme-batches/tollgate/parcel_1/input.jsonl"}}` ||
		string(out) != `{"s3OutputDataConfig":{"s3Uri":"s3://acme-batches/tollgate/parcel_1/answers/"}}` {
		t.Errorf("the job is %v", job)
	}

	// A worker that died behind Send finds the job, and one that sends again makes no second.
	if found, ok, err := d.Find(t.Context(), c.way, p, lines); err != nil || !ok || found.ID != up.ID || found.File != up.File {
		t.Errorf("found %+v, %v, %v", found, ok, err)
	}
	if again, err := d.Send(t.Context(), c.way, p, lines); err != nil || again != up || len(c.jobs) != 1 {
		t.Errorf("sent again: %+v, %v, %d jobs", again, err, len(c.jobs))
	}
	p.Upstream, p.File = up.ID, up.File
	if got, err := d.Poll(t.Context(), c.way, p); err != nil || got.Ended {
		t.Errorf("under way: %+v, %v", got, err)
	}
	c.status = "PartiallyCompleted"
	if got, err := d.Poll(t.Context(), c.way, p); err != nil || !got.Ended || got.Failed != "" {
		t.Errorf("over: %+v, %v", got, err)
	}
	answers := "acme-batches/tollgate/parcel_1/answers/job000000001/"
	c.files[answers+"manifest.json.out"] = `{"totalRecordCount":4}`
	c.files[answers+"input.jsonl.out"] = `{"modelInput":{},"recordId":"a","modelOutput":{"says":"four"}}
{"modelInput":{},"recordId":"b","error":{"errorCode":400,"errorMessage":"no","expired":false,"retryable":false}}
`
	c.files[answers+"more.jsonl.out"] = `{"recordId":"c","error":{"errorCode":408,"errorMessage":"late","expired":true}}` + "\n" + `{"recordId":"d","error":{"errorMessage":"odd"}}`
	p.Settings["batch_bucket"] = "another" // set since: the answers stand where they were written
	var got []string
	err = d.Results(t.Context(), c.way, p, func(r batch.Result) error {
		got = append(got, fmt.Sprint(r.CustomID, " ", r.Missing, " ", r.Reply.Status, " ", string(r.Reply.Body)))
		return nil
	})
	want := []string{`a false 200 {"says":"four"}`, `b false 400 {"message":"no"}`, `c true 0 `, `d false 500 {"message":"odd"}`}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("results %q, %v", got, err)
	}
	if err := d.Cancel(t.Context(), c.way, p); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func TestWhatBedrockRefusesIsRunOneByOneOrTriedAgainOrTold(t *testing.T) {
	t.Parallel()
	d := remote.Drivers()["bedrock"]
	for _, tt := range []struct {
		name    string
		deny    string
		denied  string
		bucket  string
		few     bool
		status  int // of the refusal: 501 is run one by one, 429 tried again, others end the batch
		message string
	}{
		{name: "too few lines", few: true, status: 501, message: "a job of Bedrock has 100 lines at least"},
		{name: "a model without batches", deny: "/model-invocation-job", denied: "ValidationException no batch for this model", status: 501, message: "no batch for this model"},
		{name: "too many jobs", deny: "/model-invocation-job", denied: "ServiceQuotaExceededException too many", status: 429, message: "too many"},
		{name: "throttled", deny: "/model-invocation-job", denied: "ThrottlingException slowly", status: 429, message: "slowly"},
		{name: "no such bucket", bucket: "nobody", status: 400, message: "NoSuchBucket: The specified bucket does not exist"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &cloud{t: t, files: map[string]string{}, deny: tt.deny, denied: tt.denied}
			p, lines := bedrockParcel(), hundred()
			if tt.few {
				lines = lines[:99]
			}
			if tt.bucket != "" {
				p.Settings["batch_bucket"] = tt.bucket
			}
			_, err := d.Send(t.Context(), c.way, p, lines)
			var no *batch.Refusal
			if !errors.As(err, &no) || no.Status != tt.status || no.Message != tt.message {
				t.Errorf("%v", err)
			}
			if tt.few && len(c.asked) > 0 {
				t.Errorf("asked %d times", len(c.asked))
			}
		})
	}
	failed := &cloud{t: t, files: map[string]string{}, status: "Failed"}
	p := bedrockParcel()
	p.Upstream = "job000000001"
	if got, err := d.Poll(t.Context(), failed.way, p); err != nil || !got.Ended || got.Failed != "the role may not read the bucket" {
		t.Errorf("%+v, %v", got, err)
	}
}

// Every dialect whose lines go to Bedrock's jobs reads what a job answers.
func TestBedrockSpeaksWhatItsVendorDoes(t *testing.T) {
	t.Parallel()
	v, _ := catalog.Vendor("bedrock")
	d := remote.Drivers()[v.Batch.API]
	if d == nil {
		t.Fatal("the vendor's file names no driver")
	}
	spoken := 0
	for _, way := range v.Speaks {
		if d.Speaks(string(way.Dialect)) {
			spoken++
		}
	}
	if spoken != 3 || d.Speaks(string(provider.BedrockCount)) {
		t.Errorf("%d dialects", spoken)
	}
}
