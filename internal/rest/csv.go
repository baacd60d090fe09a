package rest

// Cell keeps a spreadsheet from taking text that clients chose for a formula. Every text of a CSV answer goes through it.
func Cell(s string) string {
	if s != "" {
		switch s[0] {
		case '=', '+', '-', '@', '\t', '\r':
			return "'" + s
		}
	}
	return s
}
