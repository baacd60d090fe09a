package vault

import (
	"errors"

	"tollgate/internal/credential"
	"tollgate/internal/fault"
)

// declared keeps a KMS's own declared failure (it does not answer) and turns every other into ErrSealed (it never opens).
func declared(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return credential.ErrSealed.Because(err)
}
