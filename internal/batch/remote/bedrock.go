package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tollgate/internal/batch"
)

// bedrock is batch inference of Amazon Bedrock: a job that reads a file of lines from a bucket of the organization's own, and writes the
// answers beside it. The job runs as a role of the organization's, which the credential's settings name.
//
//	s3://<batch_bucket>/<batch_prefix>/<parcel>/input.jsonl            what is asked
//	s3://<batch_bucket>/<batch_prefix>/<parcel>/answers/<job>/…        what is answered, and a manifest
type bedrock struct{}

// bedrockLeast is the fewest lines of a job, by AWS's quotas. Fewer are run one by one.
const bedrockLeast = 100

func (bedrock) Speaks(dialect string) bool {
	return slices.Contains([]string{"bedrock-converse", "anthropic-bedrock", "bedrock-titan-embed"}, dialect)
}

// Limits are below AWS's own (50,000 lines, 1 GB): a parcel stands in memory while it is sent.
func (bedrock) Limits() (int, int64) { return 10_000, parcelBytes }

// bedrockJob is what we read of a job.
type bedrockJob struct {
	ARN     string `json:"jobArn"`
	Name    string `json:"jobName"`
	Status  string `json:"status"`
	Message string `json:"message"`
	Input   struct {
		S3 struct {
			URI string `json:"s3Uri"`
		} `json:"s3InputDataConfig"`
	} `json:"inputDataConfig"`
}

// upstream is the job by the last part of its name, which is unique in an account and region.
func (j *bedrockJob) upstream() batch.Upstream {
	return batch.Upstream{ID: j.ARN[strings.LastIndexByte(j.ARN, '/')+1:], File: j.Input.S3.URI}
}

// place is where the files and jobs of a parcel are.
type place struct {
	region, bucket, folder, role string
}

func placeOf(p *batch.Parcel) place {
	s := p.Settings
	region, prefix := s["region"], s["batch_prefix"]
	if prefix == "" {
		prefix = "tollgate"
	}
	partition := "aws"
	if strings.HasPrefix(region, "us-gov-") {
		partition = "aws-us-gov"
	}
	return place{
		region: region, bucket: s["batch_bucket"], folder: prefix + "/" + p.ID,
		role: "arn:" + partition + ":iam::" + s["batch_account"] + ":role/" + s["batch_role"],
	}
}

// uri is the address of a file of the parcel.
func (p place) uri(name string) string { return "s3://" + p.bucket + "/" + p.folder + "/" + name }

// control is a request to the interface that knows jobs, which is not where models are asked.
func (p place) control(method, path string, body []byte) batch.Request {
	return batch.Request{Method: method, Base: "https://bedrock." + p.region + ".amazonaws.com", Path: path, Body: body}
}

// jobName is a parcel's name as AWS takes it: letters, digits and hyphens.
func jobName(p *batch.Parcel) string { return strings.ReplaceAll(p.ID, "_", "-") }

func (bedrock) Send(ctx context.Context, w batch.Way, p *batch.Parcel, lines []batch.Line) (batch.Upstream, error) {
	if len(lines) < bedrockLeast {
		return batch.Upstream{}, &batch.Refusal{Status: http.StatusNotImplemented, Message: fmt.Sprintf("a job of Bedrock has %d lines at least", bedrockLeast)}
	}
	at := placeOf(p)
	var content bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&content, `{"recordId":%q,"modelInput":`, lines[i].Call.String())
		compact(&content, lines[i].Sent)
		content.WriteString("}\n")
	}
	if err := (store{at.region, at.bucket, w}).put(ctx, at.folder+"/input.jsonl", content.Bytes()); err != nil {
		return batch.Upstream{}, err
	}
	kind := "InvokeModel"
	if p.Dialect == "bedrock-converse" {
		kind = "Converse"
	}
	body, err := json.Marshal(map[string]any{
		"jobName": jobName(p), "clientRequestToken": jobName(p), "roleArn": at.role, "modelId": p.Model, "modelInvocationType": kind,
		"timeoutDurationInHours": 24,
		"inputDataConfig":        map[string]any{"s3InputDataConfig": map[string]string{"s3Uri": at.uri("input.jsonl"), "s3InputFormat": "JSONL"}},
		"outputDataConfig":       map[string]any{"s3OutputDataConfig": map[string]string{"s3Uri": at.uri("answers/")}},
	})
	if err != nil {
		return batch.Upstream{}, err
	}
	var made bedrockJob
	if err := control(ctx, w, at.control(http.MethodPost, "/model-invocation-job", body), &made); err != nil {
		return batch.Upstream{}, unfit(err)
	}
	if made.ARN == "" {
		return batch.Upstream{}, errGarbage
	}
	made.Input.S3.URI = at.uri("input.jsonl")
	return made.upstream(), nil
}

// unfit makes of the refusal of a job that AWS finds not valid (its model has no batches, say) one that has its lines run one by one.
func unfit(err error) error {
	var no *batch.Refusal
	if errors.As(err, &no) && no.Status == http.StatusBadRequest {
		return &batch.Refusal{Status: http.StatusNotImplemented, Message: no.Message}
	}
	return err
}

// control asks the interface that knows jobs.
func control(ctx context.Context, w batch.Way, req batch.Request, into any) error {
	body, err := amazon(ctx, w, req)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	if err := json.NewDecoder(io.LimitReader(body, objectMax)).Decode(into); err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.Path, errGarbage)
	}
	return nil
}

func (bedrock) Find(ctx context.Context, w batch.Way, p *batch.Parcel, _ []batch.Line) (batch.Upstream, bool, error) {
	at, next := placeOf(p), ""
	for range findPages {
		var list struct {
			Jobs []bedrockJob `json:"invocationJobSummaries"`
			Next string       `json:"nextToken"`
		}
		query := "?maxResults=100&nameContains=" + url.QueryEscape(jobName(p))
		if next != "" {
			query += "&nextToken=" + url.QueryEscape(next)
		}
		if err := control(ctx, w, at.control(http.MethodGet, "/model-invocation-jobs"+query, nil), &list); err != nil {
			return batch.Upstream{}, false, err
		}
		for i := range list.Jobs {
			if u := list.Jobs[i].upstream(); list.Jobs[i].Name == jobName(p) && !slices.Contains(p.Strangers, u.ID) {
				return u, true, nil
			}
		}
		if next = list.Next; next == "" {
			break
		}
	}
	return batch.Upstream{}, false, nil
}

func (bedrock) Poll(ctx context.Context, w batch.Way, p *batch.Parcel) (batch.Progress, error) {
	var j bedrockJob
	if err := control(ctx, w, placeOf(p).control(http.MethodGet, "/model-invocation-job/"+url.PathEscape(p.Upstream), nil), &j); err != nil {
		return batch.Progress{}, err
	}
	switch j.Status {
	case "Completed", "PartiallyCompleted", "Stopped", "Expired":
		return batch.Progress{Ended: true}, nil
	case "Failed":
		if j.Message == "" {
			j.Message = "the job failed"
		}
		return batch.Progress{Ended: true, Failed: j.Message}, nil
	}
	return batch.Progress{}, nil // Submitted, Validating, Scheduled, InProgress, Stopping
}

// bedrockResult is a line of the answers.
type bedrockResult struct {
	RecordID string          `json:"recordId"`
	Output   json.RawMessage `json:"modelOutput"`
	Error    *struct {
		Code    int    `json:"errorCode"`
		Message string `json:"errorMessage"`
		Expired bool   `json:"expired"`
	} `json:"error"`
}

func (r *bedrockResult) result() batch.Result {
	out := batch.Result{CustomID: r.RecordID}
	switch {
	case r.Error != nil && r.Error.Expired:
		out.Missing = true
	case r.Error != nil:
		status := r.Error.Code
		if status < 400 || status > 599 {
			status = http.StatusInternalServerError
		}
		body, _ := json.Marshal(map[string]string{"message": r.Error.Message}) // a text always can be
		out.Reply = batch.Reply{Status: status, Body: body}
	case len(r.Output) > 0 && string(r.Output) != "null":
		out.Reply = batch.Reply{Status: http.StatusOK, Body: r.Output}
	default:
		out.Missing = true
	}
	return out
}

// Results reads what stands beside the file that was sent, wherever the settings say now that new ones go.
func (bedrock) Results(ctx context.Context, w batch.Way, p *batch.Parcel, take func(batch.Result) error) error {
	bucket, key, ok := strings.Cut(strings.TrimPrefix(p.File, "s3://"), "/")
	folder, isInput := strings.CutSuffix(key, "/input.jsonl")
	if !ok || !isInput {
		return errGarbage
	}
	s := store{placeOf(p).region, bucket, w}
	keys, err := s.list(ctx, folder+"/answers/"+p.Upstream+"/")
	if err != nil {
		return err
	}
	for _, key := range keys {
		if !strings.HasSuffix(key, ".jsonl.out") {
			continue // the manifest
		}
		body, err := s.ask(ctx, http.MethodGet, key, "", nil)
		if err != nil {
			return err
		}
		err = eachLine(body, func(line []byte) error {
			var r bedrockResult
			if json.Unmarshal(line, &r) != nil {
				return errGarbage
			}
			return take(r.result())
		})
		_ = body.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (bedrock) Cancel(ctx context.Context, w batch.Way, p *batch.Parcel) error {
	body, err := amazon(ctx, w, placeOf(p).control(http.MethodPost, "/model-invocation-job/"+url.PathEscape(p.Upstream)+"/stop", []byte("{}")))
	if err != nil {
		return err
	}
	return body.Close()
}
