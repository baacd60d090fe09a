package sign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"tollgate/internal/credential"
)

// amazonDocument is a secret for AWS: access keys with an optional role to take, or the machine's own.
type amazonDocument struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	SessionToken    string `json:"session_token"`
	RoleARN         string `json:"role_arn"`
	ExternalID      string `json:"external_id"`
	Profile         string `json:"profile"`
	Ambient         bool   `json:"ambient"`
}

// borrows reports a document that uses the machine's own identity.
func (d amazonDocument) borrows() bool { return d.Ambient || d.Profile != "" }

// isRole accepts arn:aws:iam::<12 digits>:role/<name>, of any of AWS's partitions.
func isRole(arn string) bool {
	parts := strings.Split(arn, ":")
	return len(parts) == 6 && parts[0] == "arn" && (parts[1] == "aws" || strings.HasPrefix(parts[1], "aws-") && consists(parts[1], 4, 20, "-")) &&
		parts[2] == "iam" && parts[3] == "" && len(parts[4]) == 12 && strings.Trim(parts[4], "0123456789") == "" &&
		strings.HasPrefix(parts[5], "role/") && consists(parts[5], len("role/")+1, 600, "+=,.@_/-")
}

// isRegion accepts what AWS's libraries may put into a host name.
func isRegion(s string) bool { return consists(s, 1, 64, "-") && strings.ToLower(s) == s }

func (s *Signer) readAmazon(text string) (amazonDocument, error) {
	var d amazonDocument
	if err := decode(text, true, &d); err != nil {
		return d, err
	}
	keys := d.AccessKeyID != "" || d.SecretAccessKey != "" || d.SessionToken != ""
	switch {
	case d.borrows() && (keys || d.RoleARN != "" || d.ExternalID != "" || d.Ambient && d.Profile != ""):
		return d, malformed("it names access keys, a profile and the machine's own identity together; it may name one of them")
	case d.Profile != "" && !consists(d.Profile, 1, 64, "._-"):
		return d, malformed("its profile is not a profile's name")
	case d.borrows() && !s.Ambient:
		return d, ambientOff
	case d.borrows():
		return d, nil
	case !consists(d.AccessKeyID, 16, 128, ""):
		return d, malformed("its access_key_id is missing or is not the id of an access key")
	case !isPrintable(d.SecretAccessKey):
		return d, malformed("its secret_access_key is missing or holds characters that none has")
	case d.SessionToken != "" && !isPrintable(d.SessionToken):
		return d, malformed("its session_token holds characters that none has")
	case d.RoleARN != "" && !isRole(d.RoleARN):
		return d, malformed("its role_arn is not the ARN of a role")
	case d.ExternalID != "" && (d.RoleARN == "" || !consists(d.ExternalID, 2, 1224, "+=,.@:/_-")):
		return d, malformed("its external_id holds characters that none has, or there is no role_arn")
	}
	return d, nil
}

func (s *Signer) fromAmazon(u credential.Use) (*source, error) {
	d, err := s.readAmazon(u.Secret.Reveal())
	if err != nil {
		return nil, err
	}
	if !isRegion(u.Settings["region"]) {
		return nil, malformed("it names no AWS region")
	}
	from := &source{who: "AWS"}
	keys := aws.Credentials{AccessKeyID: d.AccessKeyID, SecretAccessKey: d.SecretAccessKey, SessionToken: d.SessionToken}
	switch {
	case d.borrows():
		from.borrowed = true
		from.mint = func(ctx context.Context, u credential.Use, _ *wire) (grant, error) {
			return s.borrowAmazon(ctx, u, d.Profile)
		}
	case d.RoleARN != "":
		from.mint = func(ctx context.Context, u credential.Use, w *wire) (grant, error) {
			return takeRole(ctx, u, w, d, keys)
		}
	default:
		from.kept = &grant{keys: keys} // nothing is asked for
	}
	return from, nil
}

// takeRole exchanges access keys for those of a role.
func takeRole(ctx context.Context, u credential.Use, w *wire, d amazonDocument, keys aws.Credentials) (grant, error) {
	client := sts.New(sts.Options{
		Region: u.Settings["region"], HTTPClient: w.client(), Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, nil }),
	})
	got, err := stscreds.NewAssumeRoleProvider(client, d.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "tollgate" // the default would ask the clock
		if u.Credential != "" {
			o.RoleSessionName = "tollgate-" + string(u.Credential)
		}
		o.Duration = time.Hour
		if d.ExternalID != "" {
			o.ExternalID = &d.ExternalID
		}
	}).Retrieve(ctx)
	if err != nil {
		return grant{}, err
	}
	return grant{keys: got, until: got.Expires}, nil
}

// borrowAmazon finds the machine's own keys as AWS's tools do: environment, files, container, instance. They come from the machine
// and not from a user's address, so the guarded transport, which reaches no metadata service, is not used.
func (s *Signer) borrowAmazon(ctx context.Context, u credential.Use, profile string) (grant, error) {
	options := []func(*config.LoadOptions) error{config.WithRegion(u.Settings["region"])}
	if profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	var got aws.Credentials
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err == nil {
		got, err = c.Credentials.Retrieve(ctx)
	}
	if err != nil {
		return grant{}, credential.ErrTokenRefused.Say("The machine that Tollgate runs on has no AWS identity that the credential %q could borrow.", u.Name)
	}
	until := s.Now().Add(time.Hour) // those that do not say so are read again: files change
	if got.CanExpire {
		until = got.Expires
	}
	return grant{keys: got, until: until}, nil
}

// storage is the service that keeps files.
const storage = "s3"

// signAmazon makes an AWS signature (version 4) of everything that is in req.
func (s *Signer) signAmazon(ctx context.Context, req *http.Request, body []byte, u credential.Use, g *grant) error {
	if u.Service == "" {
		return unusable(u, "its provider's entry names no AWS service to sign for")
	}
	sum := sha256.Sum256(body)
	// What a client sent of these would be signed as ours.
	req.Header.Del("X-Amz-Date")
	req.Header.Del("X-Amz-Security-Token")
	var how []func(*v4.SignerOptions)
	if u.Service == storage { // it wants the body's sum told, and signs its paths as they are
		req.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
		how = append(how, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	}
	// A signer for each request: one that is kept remembers derived keys by access key id alone, so that whoever knows another
	// organization's id could sign with its secret.
	err := v4.NewSigner().SignHTTP(ctx, g.keys, req, hex.EncodeToString(sum[:]), u.Service, u.Settings["region"], s.Now(), how...)
	if err != nil {
		return unusable(u, "the request cannot be signed")
	}
	return nil
}
