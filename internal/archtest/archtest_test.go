package archtest

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheHouseIsInOrder(t *testing.T) {
	t.Parallel()
	files, err := read(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("only %d files were read", len(files))
	}
	for _, broken := range judge(files) {
		t.Error(broken)
	}
}

// Every rule can fail.
func TestEveryRuleIsSeenToBreak(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, source, want string }{
		{"an unknown folder", "internal/mapper/x.go", `package mapper`, "is no room"},
		{"a domain imports another", "internal/key/x.go", `package key; import _ "tollgate/internal/alias"`, "same floor"},
		{"the ground imports a kit", "internal/money/x.go", `package money; import _ "tollgate/internal/postgres"`, "higher floor"},
		{"a plane imports a plane", "internal/api/x.go", `package api; import _ "tollgate/web"`, "same floor"},
		{"a domain knows its rows", "internal/key/x.go", `package key; import _ "tollgate/internal/key/keypg"`, "neither its rows"},
		{"gorm in a domain", "internal/key/x.go", `package key; import _ "gorm.io/gorm"`, "stays in"},
		{"gin in the gateway", "internal/gateway/x.go", `package gateway; import _ "github.com/gin-gonic/gin"`, "stays in"},
		{"huma outside the kit", "internal/key/keyhttp/x.go", `package keyhttp; import _ "github.com/danielgtaylor/huma/v2"`, "stays in"},
		{"a new library", "internal/key/x.go", `package key; import _ "github.com/x/y"`, "on no list"},
		{"a test helper in the program", "internal/key/x.go", `package key; import _ "tollgate/internal/rest/resttest"`, "for tests only"},
		{"the clock", "internal/key/x.go", `package key; import "time"; var _ = time.Now`, "the clock is a parameter"},
		{"the clock by another name", "internal/key/x.go", `package key; import c "time"; func f() { c.Since(c.Time{}) }`, "the clock is a parameter"},
		{"a context from nowhere", "internal/key/x.go", `package key; import "context"; var _ = context.Background()`, "caller's context"},
		{"a scope from nowhere", "internal/api/x.go", `package api; import "tollgate/internal/tenant"; var _ = tenant.Authenticated`, "only authentication"},
		{"an init function", "internal/key/x.go", `package key; func init() {}`, "init function"},
		{"an init function in a test", "internal/key/x_test.go", `package key; func init() {}`, "init function"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := judged(t, tt.file, tt.source); len(got) != 1 || !strings.Contains(got[0], tt.want) {
				t.Errorf("judge = %q, want one complaint with %q", got, tt.want)
			}
		})
	}
}

func TestWhatIsAllowedIsNotComplainedAbout(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, source string }{
		{"rows know gorm and their domain", "internal/key/keypg/x.go", `package keypg; import ( _ "gorm.io/gorm"; _ "tollgate/internal/key"; _ "tollgate/internal/postgres" )`},
		{"a face knows the kit", "internal/key/keyhttp/x.go", `package keyhttp; import ( _ "tollgate/internal/key"; _ "tollgate/internal/rest" )`},
		{"a test asks the clock", "internal/key/x_test.go", `package key; import "time"; var _ = time.Now`},
		{"app asks the clock", "internal/app/x.go", `package app; import "time"; var _ = time.Now`},
		{"a method called Now", "internal/key/x.go", `package key; type c struct{}; func (c) Now() {}; func f() { var time c; time.Now() }`},
		{"a test imports upward", "internal/key/x_test.go", `package key_test; import _ "tollgate/internal/api"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := judged(t, tt.file, tt.source); len(got) != 0 {
				t.Errorf("judge = %q", got)
			}
		})
	}
}

func judged(t *testing.T, name, source string) []string {
	t.Helper()
	files, err := read(fstest.MapFS{name: &fstest.MapFile{Data: []byte(source)}})
	if err != nil {
		t.Fatal(err)
	}
	return judge(files)
}

// A list that names what is gone hides nothing, but misleads.
func TestTheListsNameWhatThereIs(t *testing.T) {
	t.Parallel()
	for room := range rooms {
		if planned := []string{"bench", "cmd", "test", "web", "internal/worker", "internal/golden"}; slices.Contains(planned, room) {
			continue
		}
		if _, err := os.Stat("../../" + room); err != nil {
			t.Errorf("the room %s is not there", room)
		}
	}
}
