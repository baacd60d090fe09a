package aws_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/provider"
	"tollgate/internal/provider/aws"
	"tollgate/internal/provider/providertest"
)

func stream(t testing.TB) []byte {
	t.Helper()
	return slices.Concat(
		providertest.Frame(t, "event", "one", `{"a":1}`),
		providertest.Frame(t, "event", "two", ``),
		providertest.Frame(t, "exception", "throttlingException", `{"message":"Too fast."}`),
		providertest.Frame(t, "error", "InternalError", "Ours."),
	)
}

func feed(s *aws.Frames, b []byte, size int) (got []aws.Frame, err error) {
	for len(b) > 0 && err == nil {
		n := min(size, len(b))
		err = s.Feed(b[:n], func(f aws.Frame) error {
			f.Payload = bytes.Clone(f.Payload)
			got = append(got, f)
			return nil
		})
		b = b[n:]
	}
	return got, err
}

func TestFramesAreTheSameInPiecesOfAnySize(t *testing.T) {
	t.Parallel()
	b := stream(t)
	want := []aws.Frame{
		{Kind: aws.Event, Name: "one", Payload: []byte(`{"a":1}`)},
		{Kind: aws.Event, Name: "two"},
		{Kind: aws.Exception, Name: "throttlingException", Payload: []byte(`{"message":"Too fast."}`)},
		{Kind: aws.Failure, Name: "InternalError", Message: "Ours."},
	}
	for size := 1; size <= len(b); size++ {
		var s aws.Frames
		got, err := feed(&s, bytes.Clone(b), size)
		if err != nil || s.Partial() {
			t.Fatalf("pieces of %d: %v", size, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("pieces of %d (-want +got):\n%s", size, diff)
		}
	}
}

func TestAStreamThatIsCutGivesWholeFramesOnly(t *testing.T) {
	t.Parallel()
	b := stream(t)
	whole := map[int]bool{0: true}
	for at := 0; at < len(b); {
		at += int(binary.BigEndian.Uint32(b[at:]))
		whole[at] = true
	}
	for at := range b {
		var s aws.Frames
		if _, err := feed(&s, b[:at], 7); err != nil {
			t.Fatalf("cut at %d: %v", at, err)
		}
		if s.Partial() == whole[at] {
			t.Errorf("cut at %d: partial = %v", at, s.Partial())
		}
	}
}

// Every byte of a frame is covered by a checksum: whichever is wrong, the frame is not believed, and nothing behind it.
func TestAWrongByteAnywhereIsFound(t *testing.T) {
	t.Parallel()
	frame := providertest.Frame(t, "event", "one", `{"a":1}`)
	for at := range frame {
		bad := append(bytes.Clone(frame), frame...)
		bad[at] ^= 0x01
		var s aws.Frames
		got, err := feed(&s, bad, 5)
		if len(got) > 0 || (!errors.Is(err, provider.ErrBadAnswer) && !s.Partial()) {
			t.Errorf("byte %d: %d frames, err = %v", at, len(got), err)
		}
		if again := s.Feed(frame, func(aws.Frame) error { t.Errorf("byte %d: it went on", at); return nil }); err != nil && again == nil {
			t.Errorf("byte %d: forgotten", at)
		}
	}
}

// A length that no frame has is refused at its twelfth byte, before anything is kept for it.
func TestAbsurdLengthsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for name, lengths := range map[string][2]uint32{
		"four gigabytes":         {0xffffffff, 0},
		"over the limit":         {aws.FrameMax + 1, 0},
		"shorter than any":       {15, 0},
		"nothing":                {0, 0},
		"headers beyond the end": {100, 85},
		"headers that overflow":  {100, 0xfffffff0},
	} {
		prelude := binary.BigEndian.AppendUint32(nil, lengths[0])
		prelude = binary.BigEndian.AppendUint32(prelude, lengths[1])
		prelude = binary.BigEndian.AppendUint32(prelude, crc32.ChecksumIEEE(prelude))
		var s aws.Frames
		if _, err := feed(&s, prelude, 3); !errors.Is(err, provider.ErrBadAnswer) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	wrong := providertest.Frame(t, "event", "one", `{"a":1}`)[:12]
	wrong[2] ^= 0x80 // 32 KiB more, which nobody should wait for
	if _, err := feed(new(aws.Frames), wrong, 12); !errors.Is(err, provider.ErrBadAnswer) {
		t.Errorf("a length with a wrong checksum: err = %v", err)
	}
	var s aws.Frames
	if _, err := feed(&s, []byte(`{"message":"no stream at all"}`), 100); !errors.Is(err, provider.ErrBadAnswer) {
		t.Errorf("a JSON body: err = %v", err)
	}
}

func TestALongFrameInSmallPiecesIsReadInReasonableTime(t *testing.T) {
	t.Parallel()
	frame := providertest.Frame(t, "event", "one", `"`+strings.Repeat("x", 4<<20)+`"`)
	var s aws.Frames
	got, err := feed(&s, frame, 16) // 260 000 pieces: a copy of the rest for each would be a terabyte
	if err != nil || len(got) != 1 || len(got[0].Payload) != 4<<20+2 {
		t.Errorf("%d frames, %v", len(got), err)
	}
}

func TestExceptionsAreClassified(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status        int
		name, message string
		want          provider.Class
	}{
		{429, "ThrottlingException", "Too many requests, please wait before trying again.", provider.ClassRateLimited},
		{429, "ModelNotReadyException", "The model is not ready.", provider.ClassOverloaded},
		{400, "ServiceQuotaExceededException", "Your request exceeds the service quota for your account.", provider.ClassQuota},
		{503, "ServiceUnavailableException", "The service isn't currently available.", provider.ClassOverloaded},
		{500, "InternalServerException", "An internal server error occurred.", provider.ClassServer},
		{408, "ModelTimeoutException", "The request took too long to process.", provider.ClassTimeout},
		{424, "ModelErrorException", "The request failed due to an error while processing the model.", provider.ClassServer},
		{404, "ResourceNotFoundException", "The specified resource ARN was not found.", provider.ClassNotFound},
		{403, "AccessDeniedException", "You don't have access to the model with the specified model ID.", provider.ClassNotFound},
		{403, "AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized to perform: bedrock:InvokeModel", provider.ClassCredential},
		{403, "ExpiredTokenException", "The security token included in the request is expired", provider.ClassCredential},
		{403, "UnrecognizedClientException", "The security token included in the request is invalid.", provider.ClassCredential},
		{400, "ValidationException", "The provided model identifier is invalid.", provider.ClassNotFound},
		{400, "ValidationException", "Invocation of model ID m with on-demand throughput isn’t supported.", provider.ClassNotFound},
		{400, "ValidationException", "Input Tokens Exceeded: Number of input tokens exceeds maximum length.", provider.ClassContext},
		{400, "ValidationException", "Input is too long for requested model.", provider.ClassContext},
		{400, "ValidationException", "Malformed input request: #: extraneous key [x] is not permitted", provider.ClassInvalid},
		{400, "ValidationException", "invalid beta flag", provider.ClassInvalid},
		{400, "", "The provided model identifier is invalid.", provider.ClassNotFound},
		{502, "", "", provider.ClassServer},
	}
	for _, tt := range tests {
		h := http.Header{}
		if tt.name != "" {
			h.Set("X-Amzn-Errortype", tt.name+":http://internal.amazon.com/coral/com.amazon.bedrock/")
		}
		body := `{"message":"` + tt.message + `"}`
		r := aws.ParseRefusal(tt.status, h, []byte(body))
		if r.Class != tt.want || r.Type != tt.name || r.Message == "" || r.Status != tt.status || string(r.Body) != body {
			t.Errorf("%d %s %q: %+v, want %s", tt.status, tt.name, tt.message, r, tt.want)
		}
		if tt.name == "" {
			continue
		}
		small := strings.ToLower(tt.name[:1]) + tt.name[1:]
		if r := aws.StreamRefusal(aws.Frame{Kind: aws.Exception, Name: small, Payload: []byte(body)}); r.Class != tt.want || r.Status != 0 {
			t.Errorf("%s in a stream: %+v, want %s", small, r, tt.want)
		}
	}
}

func TestWhatAmazonTellsBesideTheMessageIsRead(t *testing.T) {
	t.Parallel()
	r := aws.ParseRefusal(400, nil, []byte(`{"__type":"com.amazon.coral#ThrottlingException","Message":"Slow down."}`))
	if r.Type != "ThrottlingException" || r.Class != provider.ClassRateLimited || r.Message != "Slow down." {
		t.Errorf("a type in the body: %+v", r)
	}
	frame := aws.Frame{
		Kind: aws.Exception, Name: "modelStreamErrorException",
		Payload: []byte(`{"message":"The model failed.","originalStatusCode":529,"originalMessage":"Overloaded"}`),
	}
	if r := aws.StreamRefusal(frame); r.Class != provider.ClassOverloaded || r.Message != "Overloaded" {
		t.Errorf("the model's own status: %+v", r)
	}
	frame.Payload = []byte(`{"message":"The model failed.","originalStatusCode":424}`)
	if r := aws.StreamRefusal(frame); r.Class != provider.ClassServer {
		t.Errorf("Amazon's own status of a failed model: %+v", r)
	}
	if r := aws.StreamRefusal(aws.Frame{Kind: aws.Failure, Name: "InternalError", Message: "Ours."}); r.Class != provider.ClassServer || r.Message != "Ours." {
		t.Errorf("an error frame: %+v", r)
	}
	for _, body := range []string{"", "<html>x</html>", `{"mess`, "null", "[]", `{"message":7}`} {
		if r := aws.ParseRefusal(503, nil, []byte(body)); r.Class != provider.ClassOverloaded || r.Message == "" || strings.Contains(r.Message, "<") {
			t.Errorf("%q: %+v", body, r)
		}
	}
}

func TestAModelsNameIsEscapedAsAmazonDoes(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{
		"anthropic.claude-3-haiku-20240307-v1:0":               "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse",
		"arn:aws:bedrock:us-east-1:1:inference-profile/us.a.b": "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.a.b/converse",
		"../x?y#z": "/model/..%2Fx%3Fy%23z/converse",
	} {
		if got := aws.ModelPath(model, "converse"); got != want {
			t.Errorf("%s: %s, want %s", model, got, want)
		}
	}
}

// Whatever bytes come, in whatever pieces: no panic, the same frames, and none that a checksum does not vouch for.
func FuzzFrames(f *testing.F) {
	b := stream(f)
	f.Add(b, 1)
	f.Add(b[:len(b)-3], 10)
	f.Add([]byte(`{"message":"x"}`), 4)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		var one, other aws.Frames
		want, wantErr := feed(&one, bytes.Clone(b), len(b)+1)
		got, gotErr := feed(&other, bytes.Clone(b), max(1, size%64))
		if diff := cmp.Diff(want, got); diff != "" || (wantErr == nil) != (gotErr == nil) || one.Partial() != other.Partial() {
			t.Fatalf("%v and %v, by pieces:\n%s", wantErr, gotErr, diff)
		}
		for _, frame := range want {
			if frame.Failed() {
				aws.StreamRefusal(frame)
			}
		}
		aws.ParseRefusal(400, nil, b)
	})
}
