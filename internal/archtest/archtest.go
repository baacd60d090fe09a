// Package archtest keeps the house in order: it knows every room, its floor, which library may enter where, and which words are
// kept to a few rooms. Its tests read the imports of every Go file and fail with the file and the rule.
//
// The rules: a package imports lower floors only; a domain (floor 4) imports no other domain; inside a domain the root imports
// neither its rows (*pg) nor its JSON face (*http); gorm and pgx stay in postgres and *pg, gin and huma in rest, templ in web; a
// library that is on no list is a decision that has not been made. Test files may import anything of ours.
//
// To add a room, add its name to rooms. To let a library in, add it to libraries with the rooms that need it.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "tollgate/"

// The floors, from the ground up.
const (
	ground = iota + 1
	wire
	kits
	domains
	composed
	joining
	planes
	wiring
	processes
)

// rooms gives each folder its floor; a package belongs to the longest name it starts with.
var rooms = map[string]int{
	"internal/fault": ground, "internal/money": ground, "internal/id": ground, "internal/secret": ground, "internal/chat": ground,
	"internal/embed": ground, "internal/rerank": ground,
	"migrations": ground,

	"internal/tenant": wire, "internal/httperr": wire, "internal/provider": wire, "internal/visitor": wire, "internal/dimension": wire,

	"internal/rest": kits, "internal/postgres": kits, "internal/egress": kits, "internal/golden": kits, "internal/porttest": kits, "internal/archtest": kits,

	"internal/account": domains, "internal/key": domains, "internal/credential": domains, "internal/alias": domains,
	"internal/price": domains, "internal/calllog": domains, "internal/usage": domains,
	"internal/health": domains, "internal/score": domains, "internal/limit": domains, "internal/notice": domains, "internal/prompt": domains, "internal/batch": composed,

	"internal/experiment": composed, "internal/budget": composed,

	"internal/prompt/promptstat": joining, // figures from calls, with the statistics of experiments

	"internal/route": joining, "internal/snapshot": joining, "internal/issue": joining, "internal/playground": joining,

	"internal/gateway": planes, "internal/api": planes, "internal/mcp": planes, "internal/worker": planes, "web": planes,

	"internal/app": wiring,

	"cmd": processes, "test": processes, "bench": processes,
}

// sideways are the arrows inside a floor, each with its reason.
var sideways = map[[2]string]string{
	{"internal/postgres", "internal/postgres"}:    "its own parts",
	{"internal/embed", "internal/chat"}:           "usage and content parts are the same in every operation",
	{"internal/rerank", "internal/chat"}:          "usage is the same in every operation",
	{"internal/limit", "internal/notice"}:         "who was held back is told",
	{"internal/route", "internal/snapshot"}:       "a route is chosen from a snapshot's view",
	{"internal/rest/restpg", "internal/postgres"}: "rows of the kit itself",
}

// libraries says who may import what is not ours: names of packages, where * stands for any text. What is not here enters nowhere.
var libraries = map[string][]string{
	"gorm.io/":                                              {"internal/postgres*", "*pg"},
	"github.com/jackc/":                                     {"internal/postgres*", "*pg"},
	"github.com/pressly/goose/v3":                           {"internal/postgres"},
	"github.com/fergusstrange/":                             {"internal/postgres/embedded"},
	"github.com/xi2/xz":                                     {"internal/postgres/embedded"},
	"golang.org/x/sys/":                                     {"internal/postgres/embedded", "internal/calllog/spool", "internal/app", "cmd*", "test*", "bench*"},
	"github.com/gin-gonic/gin":                              {"internal/rest", "internal/api", "web*", "*http"},
	"github.com/danielgtaylor/huma/v2":                      {"internal/rest"},
	"github.com/a-h/templ":                                  {"web*"},
	"github.com/golang-jwt/jwt/v5":                          {"internal/account/usertoken"},
	"golang.org/x/crypto/argon2":                            {"internal/account/password"},
	"github.com/tink-crypto/tink-go/v2":                     {"internal/credential/vault"},
	"github.com/aws/aws-sdk-go-v2/":                         {"internal/credential/sign"},
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream": {"internal/provider/aws", "internal/provider/providertest"},
	"golang.org/x/oauth2":                                   {"internal/credential/sign"},
	"github.com/Azure/":                                     {"internal/credential/sign"},
	"github.com/gofrs/uuid/v5":                              {"internal/id"},
	"github.com/prometheus/client_golang/":                  {"internal/gateway", "internal/app"},
	"github.com/spf13/cobra":                                {"internal/app", "cmd*"},
	"github.com/caarlos0/env/v11":                           {"internal/app"},
	"github.com/google/go-cmp/cmp":                          {"*test", "internal/golden", "test*"},
	"github.com/modelcontextprotocol/go-sdk/mcp":            {"internal/mcp", "test*"},
	"golang.org/x/sync/":                                    {"internal/*"},
	"golang.org/x/net/":                                     {"internal/gateway", "internal/egress"},
	"golang.org/x/text/unicode/norm":                        {"*test"},
	"github.com/go-json-experiment/json":                    {"internal/provider*", "internal/gateway"},
	"github.com/tidwall/":                                   {"internal/provider*", "internal/gateway"},
	"github.com/chromedp/":                                  {"test*"},
	"cel.dev/cel-go/":                                       {"internal/alias/condition"},
	"go.yaml.in/yaml/v4":                                    {"internal/alias/aliasfile", "internal/prompt/exchange", "internal/app"},
	"gonum.org/v1/gonum/":                                   {"internal/experiment*"},
	"github.com/redis/go-redis/v9":                          {"internal/limit/limitredis", "internal/app"},
	"github.com/wneessen/go-mail":                           {"internal/notice/mail", "*test"},
	"github.com/anishathalye/porcupine":                     {"*test"},
	"github.com/Shopify/toxiproxy/v2":                       {"*test", "test*"},
	"github.com/rs/zerolog":                                 {"*test", "test*"},
	"pgregory.net/rapid":                                    {"*test"},
	"github.com/santhosh-tekuri/jsonschema/v6":              {"internal/gateway", "*test"},
}

// words are uses that are kept to a few rooms: a name of a package and what it must not be asked for elsewhere.
var words = []word{
	{
		"time",
		[]string{"Now", "Since", "Until"},
		[]string{"internal/app", "cmd*", "bench*", "test*", "internal/postgres*", "*test"},
		"the clock is a parameter (now func() time.Time)",
	},
	{
		"context",
		[]string{"Background", "TODO"},
		[]string{"internal/app", "cmd*", "bench*", "test*", "internal/postgres*", "*test"},
		"the caller's context is a parameter",
	},
	{
		"tollgate/internal/tenant",
		[]string{"Authenticated"},
		[]string{"internal/account", "internal/key", "internal/snapshot*", "internal/experiment/experimentpg", "internal/playground/playgroundpg", "internal/prompt/promptpg", "*test", "test*"},
		"only authentication makes a scope",
	},
}

type word struct {
	pkg     string
	names   []string
	allowed []string
	why     string
}

// file is what the rules look at.
type file struct {
	dir    string // below the repository: "internal/key/keypg"
	name   string
	test   bool
	syntax *ast.File
}

// holds reports whether there is such a file.
func holds(root fs.FS, name string) bool {
	_, err := fs.Stat(root, name)
	return err == nil
}

// read parses every Go file below root; imports and uses are all that counts.
func read(root fs.FS) ([]file, error) {
	var out []file
	set := token.NewFileSet()
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() && p != "." && holds(root, path.Join(p, "go.mod")): // a module of its own is another house
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(p, ".go"):
			return nil
		}
		src, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(set, p, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		out = append(out, file{dir: path.Dir(p), name: p, test: strings.HasSuffix(p, "_test.go"), syntax: syntax})
		return nil
	})
	return out, err
}

// judge gives every broken rule, sorted.
func judge(files []file) []string {
	var broken []string
	for _, f := range files {
		room, floor := place(f.dir)
		if room == "" {
			broken = append(broken, f.name+": this folder is no room: add it to rooms in internal/archtest")
			continue
		}
		if !f.test {
			for _, imp := range f.syntax.Imports {
				p, err := strconv.Unquote(imp.Path.Value)
				if err != nil {
					continue // the parser refused it already
				}
				if complaint := arrow(f.dir, room, floor, p); complaint != "" {
					broken = append(broken, fmt.Sprintf("%s imports %s: %s", f.name, p, complaint))
				}
			}
			broken = append(broken, spoken(f)...)
		}
		broken = append(broken, starts(f)...)
	}
	slices.Sort(broken)
	return slices.Compact(broken)
}

// place finds the room of a folder.
func place(dir string) (room string, floor int) {
	for name, f := range rooms {
		if (dir == name || strings.HasPrefix(dir, name+"/")) && len(name) > len(room) {
			room, floor = name, f
		}
	}
	return room, floor
}

// arrow says what is wrong with an import; empty when nothing is.
func arrow(dir, room string, floor int, imported string) string {
	target, ours := strings.CutPrefix(imported, module)
	if !ours {
		return library(dir, imported)
	}
	to, toFloor := place(target)
	switch {
	case to == "":
		return "it is in no room"
	case helper(target) && !helper(dir) && !strings.HasPrefix(dir, "test/"):
		return "it is for tests only"
	case to == room:
		if dir == room && adapter(target) && floor == domains {
			return "a domain knows neither its rows nor its JSON face"
		}
		return ""
	case toFloor < floor:
		return ""
	case sideways[[2]string{room, to}] != "" || sideways[[2]string{dir, to}] != "" || helper(dir):
		return ""
	case toFloor == floor:
		return "it is on the same floor"
	}
	return "it is on a higher floor"
}

// adapter reports a package of rows or of a JSON face.
func adapter(dir string) bool {
	base := path.Base(dir)
	return strings.HasSuffix(base, "pg") || strings.HasSuffix(base, "http")
}

// helper reports a package that only tests use.
func helper(dir string) bool {
	base := path.Base(dir)
	return strings.HasSuffix(base, "test") && !strings.HasPrefix(dir, "test") || base == "golden"
}

func library(dir, imported string) string {
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") {
		return "" // the standard library
	}
	best := ""
	for name := range libraries {
		if (imported == name || strings.HasPrefix(imported, strings.TrimSuffix(name, "/")+"/")) && len(name) > len(best) {
			best = name
		}
	}
	switch {
	case best == "":
		return "this library is on no list: add it to libraries in internal/archtest, with the rooms that need it"
	case !matches(dir, libraries[best]):
		return "this library stays in " + strings.Join(libraries[best], ", ")
	}
	return ""
}

// matches compares a folder with patterns; * stands for any text at the start or the end.
func matches(dir string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		switch {
		case strings.HasPrefix(p, "*"):
			return strings.HasSuffix(dir, p[1:])
		case strings.HasSuffix(p, "*"):
			return strings.HasPrefix(dir, p[:len(p)-1])
		}
		return dir == p
	})
}

// spoken finds words outside the rooms they are kept to.
func spoken(f file) []string {
	var broken []string
	for _, w := range words {
		local := localName(f.syntax, w.pkg)
		if local == "" || matches(f.dir, w.allowed) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local && slices.Contains(w.names, sel.Sel.Name) {
				broken = append(broken, fmt.Sprintf("%s uses %s.%s: %s", f.name, local, sel.Sel.Name, w.why))
			}
			return true
		})
	}
	return broken
}

// localName is what a file calls a package; empty when it does not import it.
func localName(f *ast.File, pkg string) string {
	for _, imp := range f.Imports {
		if p, err := strconv.Unquote(imp.Path.Value); err == nil && p == pkg {
			if imp.Name != nil {
				return imp.Name.Name
			}
			return path.Base(pkg)
		}
	}
	return ""
}

// starts finds init functions: what runs before main is run by nobody who could be asked.
func starts(f file) []string {
	for _, d := range f.syntax.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			return []string{f.name + " has an init function"}
		}
	}
	return nil
}
