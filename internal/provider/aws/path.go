package aws

// ModelPath is the endpoint of an action on a model: "/model/<model>/<action>". The model, which may be the ARN of a profile with
// colons and slashes in it, is escaped as Amazon's own clients do: a signature covers the path as it is sent.
func ModelPath(model, action string) string {
	return string(append(escape([]byte("/model/"), model), "/"+action...))
}

func escape(dst []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}
