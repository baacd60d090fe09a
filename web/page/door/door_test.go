package door

import (
	"testing"

	"tollgate/web/page"
	"tollgate/web/page/pagetest"
)

func TestPages(t *testing.T) {
	t.Parallel()
	pagetest.Golden(t, "signup", signUp(signUpView{}))
	pagetest.Golden(t, "signup_wrong", signUp(signUpView{Organization: "A & B", Email: "x", Trouble: page.Trouble{Field: "email", Message: "This is not an e-mail address."}}))
	pagetest.Golden(t, "login", logIn(logInView{Next: "/keys?a=b"}))
	pagetest.Golden(t, "login_wrong", logIn(logInView{Email: "ops@fernhill.example", Message: "The e-mail address or the password is wrong."}))
	pagetest.Golden(t, "aside", aside(Door{Gateway: "https://gateway.example"}.snippet()))
}
