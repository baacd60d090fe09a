package app

import (
	"errors"
	"fmt"
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

// named turns the library's complaints, which name fields, into ours, which name settings.
func named(err error) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	var errs []error
	for _, one := range all.Errors {
		var wrong env.ParseError
		if field, ok := reflect.TypeFor[Config]().FieldByName(fieldOf(one, &wrong)); ok {
			one = fmt.Errorf("%s: %w", field.Tag.Get("env"), wrong.Err)
		}
		errs = append(errs, fmt.Errorf("%w: %w", ErrConfig, one))
	}
	return errors.Join(errs...)
}

func fieldOf(err error, wrong *env.ParseError) string {
	if errors.As(err, wrong) {
		return wrong.Name
	}
	return ""
}

// LogValue is every setting by its name, secrets masked.
func (c Config) LogValue() slog.Value {
	v := reflect.ValueOf(c)
	var attrs []slog.Attr
	for i := range v.NumField() {
		name, value := v.Type().Field(i).Tag.Get("env"), v.Field(i).Interface()
		if text, ok := value.(secret.Text); ok && text.Empty() {
			value = "" // tells unset from masked
		}
		attrs = append(attrs, slog.Any(name, value))
	}
	return slog.GroupValue(attrs...)
}
