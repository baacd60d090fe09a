package postgres_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "accept what the source says")

const callersFile = "testdata/system_callers.txt"

// TestEveryQueryAcrossOrganizationsIsListed holds the list of who passes the tenant wall, and why, against the source.
// A new line in the list is what a reviewer looks at.
func TestEveryQueryAcrossOrganizationsIsListed(t *testing.T) {
	t.Parallel()
	got := systemCallers(t, "../..")
	if *update {
		if err := os.WriteFile(callersFile, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(callersFile)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.FieldsFunc(string(b), func(r rune) bool { return r == '\n' })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the callers of InSystem changed; read the new ones, then run\n"+
			"go test ./internal/postgres -run Listed -update\n(-%s +source):\n%s", callersFile, diff)
	}
}

// systemCallers finds the calls of InSystem, InSystemPgx and InSystemFlight below root, as "path: reason", sorted, each once. Tests
// and test kits are left out.
func systemCallers(t *testing.T, root string) []string {
	t.Helper()
	var got []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "pgtest") {
			return filepath.SkipDir
		}
		lines, err := callersIn(root, path)
		got = append(got, lines...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	return slices.Compact(got)
}

// callersIn returns the lines of one package. A reason is a string literal, or a constant of the package.
func callersIn(root, dir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	files, constants := map[string]*ast.File{}, map[string]string{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return nil, err
		}
		files[filepath.ToSlash(rel)] = file
		ast.Inspect(file, func(n ast.Node) bool { addConstants(n, constants); return true })
	}
	var got []string
	for path, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			why, isCall := reason(n, constants)
			if isCall && why == "" {
				err = fmt.Errorf("%s: the reason of a query across organizations must be a string constant of the package", path)
			}
			if isCall {
				got = append(got, path+": "+why)
			}
			return true
		})
	}
	return got, err
}

func addConstants(n ast.Node, to map[string]string) {
	decl, ok := n.(*ast.GenDecl)
	if !ok || decl.Tok != token.CONST {
		return
	}
	for _, spec := range decl.Specs {
		values, ok := spec.(*ast.ValueSpec)
		if !ok || len(values.Values) != len(values.Names) {
			continue
		}
		for i, name := range values.Names {
			if s, ok := text(values.Values[i]); ok {
				to[name.Name] = s
			}
		}
	}
}

// reason reports whether n calls one of the doors that pass the tenant wall, and why; "" when that cannot be read.
func reason(n ast.Node, constants map[string]string) (why string, isCall bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 3 {
		return "", false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "InSystem" && f.Sel.Name != "InSystemPgx" && f.Sel.Name != "InSystemFlight" {
		return "", false
	}
	if name, ok := call.Args[1].(*ast.Ident); ok {
		return constants[name.Name], true
	}
	why, _ = text(call.Args[1])
	return why, true
}

func text(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}
