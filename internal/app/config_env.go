package app

import (
	"log/slog"
	"net/netip"
	"reflect"

	"github.com/caarlos0/env/v11"

	"tollgate/internal/secret"
)

// parsers read the types that the environment library does not know.
var parsers = map[reflect.Type]env.ParserFunc{
	reflect.TypeFor[secret.Text]():  func(v string) (any, error) { return secret.NewText(v), nil },
	reflect.TypeFor[netip.Prefix](): func(v string) (any, error) { return netip.ParsePrefix(v) },
	reflect.TypeFor[slog.Level](): func(v string) (any, error) {
		var l slog.Level
		err := l.UnmarshalText([]byte(v))
		return l, err
	},
}
