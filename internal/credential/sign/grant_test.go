package sign_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/credential/sign"
	"tollgate/internal/id"
	"tollgate/internal/secret"
)

// counting gives role keys ASIA…1, ASIA…2 and so on, each good for an hour.
func counting(n *atomic.Int64) func(*http.Request) (int, string) {
	return func(*http.Request) (int, string) {
		return 200, roleAnswer(fmt.Sprintf("ASIA%016d", n.Add(1)), time.Now().Add(time.Hour))
	}
}

// signedBy gives the number of the role keys that signed.
func signedBy(t *testing.T, ctx context.Context, s *sign.Signer, u credential.Use) (string, error) {
	t.Helper()
	req := post(t, "https://bedrock-runtime.eu-west-1.amazonaws.com/model/x/converse", "{}")
	if err := s.Sign(ctx, req, []byte("{}"), u); err != nil {
		return "", err
	}
	_, after, _ := strings.Cut(req.Header.Get("Authorization"), "Credential=ASIA")
	number, _, _ := strings.Cut(after, "/")
	return strings.TrimLeft(number, "0"), nil
}

func wants(t *testing.T, s *sign.Signer, u credential.Use, want string) {
	t.Helper()
	if got, err := signedBy(t, t.Context(), s, u); err != nil || got != want {
		t.Errorf("signed by %q, %v; want %s", got, err, want)
	}
}

func TestATokenIsRenewedBeforeItExpiresAndNobodyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		slow := counting(&n)
		s := newSigner(t, &network{answer: func(r *http.Request) (int, string) {
			time.Sleep(2 * time.Second)
			return slow(r)
		}})
		u := use("aws", roleDocument)
		wants(t, s, u, "1")
		time.Sleep(54 * time.Minute)
		wants(t, s, u, "1")
		synctest.Wait()
		if n.Load() != 1 {
			t.Error("renewed too early")
		}
		time.Sleep(2 * time.Minute) // four minutes are left
		at := time.Now()
		wants(t, s, u, "1") // and a renewal begins behind it
		if time.Since(at) != 0 {
			t.Error("a caller waited while the token was good")
		}
		time.Sleep(3 * time.Second)
		wants(t, s, u, "2")
		time.Sleep(2 * time.Hour)
		wants(t, s, u, "3") // the old one is long dead: this caller waits for a new one
		s.Wait()
	})
}

func TestAHundredCallersMakeOneRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		answer := counting(&n)
		s := newSigner(t, &network{answer: func(r *http.Request) (int, string) {
			time.Sleep(time.Second)
			return answer(r)
		}})
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() { wants(t, s, use("aws", roleDocument), "1") })
		}
		callers.Wait()
		if n.Load() != 1 {
			t.Errorf("%d requests", n.Load())
		}
	})
}

func TestAHangingTokenServiceHoldsOnlyItsOwnCallersAndNotForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		hangs := atomic.Bool{}
		hangs.Store(true)
		answer := counting(&n)
		s := newSigner(t, &network{answer: func(r *http.Request) (int, string) {
			if hangs.Load() && strings.Contains(r.URL.Host, "eu-west-1") {
				return 0, ""
			}
			return answer(r)
		}})
		stuck := use("aws", roleDocument)
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var callers sync.WaitGroup
		start := time.Now()
		callers.Go(func() {
			_, err := signedBy(t, impatient, s, stuck)
			if !errors.Is(err, credential.ErrTokenUnreachable) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
				t.Errorf("the impatient one: %v after %v", err, time.Since(start))
			}
		})
		callers.Go(func() { // the end of one caller is not the end of the request for the others
			_, err := signedBy(t, t.Context(), s, stuck)
			if !errors.Is(err, credential.ErrTokenUnreachable) || time.Since(start) != 10*time.Second {
				t.Errorf("the patient one: %v after %v", err, time.Since(start))
			}
		})
		other := of(stuck, "org_2", "cred_2")
		other.Settings = map[string]string{"region": "us-east-1"}
		wants(t, s, other, "1")
		if time.Since(start) != 0 {
			t.Error("another credential waited")
		}
		callers.Wait()
		hangs.Store(false)
		time.Sleep(2 * time.Second)
		wants(t, s, stuck, "2")
	})
}

// The libraries of some clouds take no context along: the request ends all the same, and so does the process.
func TestAHangingTokenServiceIsLeftWhicheverTheCloud(t *testing.T) {
	t.Parallel()
	for auth, doc := range map[string]string{"google": account(t, newKey(t), ""), "azure": entraApp, "aws": roleDocument} {
		synctest.Test(t, func(t *testing.T) {
			s := newSigner(t, &network{answer: func(*http.Request) (int, string) { return 0, "" }})
			start := time.Now()
			_, err := bearerOf(t, s, use(auth, doc))
			s.Wait()
			if !errors.Is(err, credential.ErrTokenUnreachable) || time.Since(start) != 10*time.Second {
				t.Errorf("%s: %v after %v", auth, err, time.Since(start))
			}
		})
	}
}

func TestATokenThatIsStillGoodOutlivesATroubledTokenService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		down := atomic.Bool{}
		answer := counting(&n)
		s := newSigner(t, &network{answer: func(r *http.Request) (int, string) {
			if down.Load() {
				return 503, ""
			}
			return answer(r)
		}})
		u := use("aws", roleDocument)
		wants(t, s, u, "1")
		down.Store(true)
		time.Sleep(57 * time.Minute)
		wants(t, s, u, "1")
		synctest.Wait()
		wants(t, s, u, "1")
		time.Sleep(3 * time.Minute)
		if _, err := signedBy(t, t.Context(), s, u); !errors.Is(err, credential.ErrTokenUnreachable) {
			t.Errorf("past its end: %v", err)
		}
		down.Store(false)
		time.Sleep(2 * time.Second)
		wants(t, s, u, "2")
	})
}

func TestARefusalIsRememberedForSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := &network{answer: func(*http.Request) (int, string) {
			return 403, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>` + secretKey + `</Message></Error></ErrorResponse>`
		}}
		s := newSigner(t, refused)
		for range 50 {
			_, err := signedBy(t, t.Context(), s, use("aws", roleDocument))
			if !errors.Is(err, credential.ErrTokenRefused) || !strings.Contains(err.Error(), `"Main" (AccessDenied)`) {
				t.Fatal(err)
			}
		}
		if n := refused.count(); n != 1 {
			t.Errorf("%d requests in no time", n)
		}
		time.Sleep(6 * time.Second)
		_, _ = signedBy(t, t.Context(), s, use("aws", roleDocument))
		if n := refused.count(); n != 2 {
			t.Errorf("%d requests after the pause", n)
		}
	})
}

// Two organizations with the same settings and the same secret, a replaced secret under an old version, a credential that is not
// stored: none of them is given another's token.
func TestNoTokenIsSharedBetweenCredentials(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	s := newSigner(t, &network{answer: counting(&n)})
	u := use("aws", roleDocument)
	wants(t, s, u, "1")
	wants(t, s, of(u, "org_2", "cred_1"), "2")
	wants(t, s, of(u, "org_1", "cred_2"), "3")
	next := u
	next.Version = 2
	wants(t, s, next, "4")
	wants(t, s, u, "1") // the calls under way with the old secret do not throw the new one's token away
	wants(t, s, next, "4")
	moved := u
	moved.Settings = map[string]string{"region": "us-east-1"}
	wants(t, s, moved, "5")
	replaced := next
	replaced.Secret = secret.NewText(strings.Replace(roleDocument, "org-7", "org-8", 1))
	wants(t, s, replaced, "6")
	unsaved := of(u, "org_1", "")
	wants(t, s, unsaved, "7")
	wants(t, s, of(u, "org_2", ""), "8")
	wants(t, s, unsaved, "9")
}

func TestNoErrorQuotesASecretOrAnAnswer(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	keyFile := account(t, key, "")
	for name, u := range map[string]credential.Use{
		"aws": use("aws", roleDocument), "google": use("google", keyFile), "azure": use("azure", entraApp),
		"broken aws": use("aws", `{"access_key_id":"`+secretKey+`","secret_access_key":"`+clientSecret+`","x":"`+secretKey+`"}`),
		"cut google": use("google", keyFile[:len(keyFile)/2]), "cut azure": use("azure", entraApp[:len(entraApp)-3]),
	} {
		for status, body := range map[int]string{
			200: "{", 400: `{"error":"` + clientSecret + `","error_description":"` + secretKey + `"}`, 401: `<Code>` + secretKey + `</Code>`,
			403: secretKey + clientSecret + keyFile, 500: keyFile, 302: clientSecret,
		} {
			echo := &network{answer: func(*http.Request) (int, string) { return status, body }}
			s := newSigner(t, echo)
			_, err := bearerOf(t, s, u)
			if err == nil {
				t.Fatalf("%s, %d: no error", name, status)
			}
			_, _, checked := s.Check(u.Auth, "https://provider.example", u.Secret)
			text := fmt.Sprintf("%v %+v %#v %v", err, err, err, checked)
			for _, part := range []string{secretKey, clientSecret, "PRIVATE KEY", keyFile[200:230]} {
				if strings.Contains(text, part) {
					t.Errorf("%s, %d: %s", name, status, text)
				}
			}
		}
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		s := newSigner(t, &network{answer: counting(&n)})
		u := use("aws", roleDocument)
		wants(t, s, u, "1")
		early := of(u, "org_4", "cred_1")
		wants(t, s, early, "2")
		for i := range 10_100 {
			if i%100 == 0 { // the first stays in use
				wants(t, s, u, "1")
				time.Sleep(time.Second)
			}
			if _, err := signedBy(t, t.Context(), s, of(use("aws", keysDocument), "org_2", id.Credential(fmt.Sprint("cred_", i)))); err != nil {
				t.Fatal(err)
			}
		}
		if kept := s.Kept(); kept > 10_000 {
			t.Errorf("%d are kept", kept)
		}
		wants(t, s, u, "1")
		wants(t, s, early, "3") // it was unused for longest, and so forgotten
		time.Sleep(3 * time.Hour)
		wants(t, s, of(u, "org_3", "cred_1"), "4")
		if kept := s.Kept(); kept != 1 {
			t.Errorf("%d are kept that nobody used for hours", kept)
		}
	})
}

func TestTokenRequestsEndWithTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		life, end := context.WithCancel(t.Context())
		hang := &network{answer: func(*http.Request) (int, string) { return 0, "" }}
		s := sign.New(life, sign.Config{Transport: hang, Now: time.Now})
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := signedBy(t, t.Context(), s, use("aws", roleDocument)); !errors.Is(err, credential.ErrTokenUnreachable) {
				t.Error(err)
			}
		})
		synctest.Wait()
		start := time.Now()
		end()
		s.Wait()
		callers.Wait()
		if time.Since(start) != 0 {
			t.Error("the end was waited for")
		}
	})
}
