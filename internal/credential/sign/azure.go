package sign

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"tollgate/internal/credential"
)

// azureDocument is an application of Microsoft Entra with its client secret.
type azureDocument struct {
	TenantID     string `json:"tenant_id"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	Cloud        string `json:"cloud"` // "", "government" or "china"
}

// azureClouds are where an application signs in, and what for. They are fixed: an address of a user's would be sent the secret.
func azureClouds(name string) (c cloud.Configuration, scope string, ok bool) {
	switch name {
	case "":
		return cloud.AzurePublic, "https://cognitiveservices.azure.com/.default", true
	case "government":
		return cloud.AzureGovernment, "https://cognitiveservices.azure.us/.default", true
	case "china":
		return cloud.AzureChina, "https://cognitiveservices.azure.cn/.default", true
	}
	return cloud.Configuration{}, "", false
}

func readAzure(text string) (azureDocument, error) {
	var d azureDocument
	if err := decode(text, true, &d); err != nil {
		return d, err
	}
	_, _, known := azureClouds(d.Cloud)
	switch {
	case !consists(d.TenantID, 1, 254, ".-"):
		return d, malformed("its tenant_id is missing or is not the id of a tenant")
	case !consists(d.ClientID, 1, 64, "-"):
		return d, malformed("its client_id is missing or is not the id of an application")
	case !isPrintable(d.ClientSecret):
		return d, malformed("its client_secret is missing or holds characters that none has")
	case !known:
		return d, malformed("its cloud is not known: leave it out, or say government or china")
	}
	return d, nil
}

func fromAzure(u credential.Use) (*source, error) {
	d, err := readAzure(u.Secret.Reveal())
	if err != nil {
		return nil, err
	}
	return &source{who: "Microsoft", mint: func(ctx context.Context, _ credential.Use, w *wire) (grant, error) { return signIn(ctx, d, w) }}, nil
}

// signIn makes a client for each token: one that is kept gives its old token until that has nearly expired.
func signIn(ctx context.Context, d azureDocument, w *wire) (grant, error) {
	where, scope, _ := azureClouds(d.Cloud)
	app, err := azidentity.NewClientSecretCredential(d.TenantID, d.ClientID, d.ClientSecret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{
			Cloud: where, Transport: w, Retry: policy.RetryOptions{MaxRetries: -1}, Telemetry: policy.TelemetryOptions{Disabled: true},
		},
		DisableInstanceDiscovery: true, // the hosts are fixed
	})
	if err != nil {
		return grant{}, err
	}
	got, err := app.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		return grant{}, err
	}
	return grant{token: got.Token, until: got.ExpiresOn}, nil
}
