package page

import "testing"

// TestALogInLeadsToNoOtherSite: browsers read a backslash as a slash and leave tabs and line ends out of an address.
func TestALogInLeadsToNoOtherSite(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/keys?a=b#c": "/keys?a=b#c", "/": "/", "": "/", "keys": "/", "https://other.site/": "/", "//other.site": "/", `/\other.site`: "/",
		`\\other.site`: "/", "/\t/other.site": "/", "/\n/other.site": "/", "/\r/other.site": "/", "\t//other.site": "/", "/\x00/other.site": "/",
		"/%09/other.site": "/%09/other.site", // stays a path
	} {
		if got := Next(path); got != want {
			t.Errorf("Next(%q) = %q, want %q", path, got, want)
		}
	}
}
