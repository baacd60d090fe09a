package credential

import "tollgate/internal/provider"

// CheckSettings is checkSettings for a vendor by its id; settings that the vendor has not are left out.
func CheckSettings(which string, vendors func(string) (provider.Vendor, bool), given map[string]string) (map[string]string, error) {
	v, _ := vendors(which)
	return checkSettings(v, declared(v, given), false)
}
