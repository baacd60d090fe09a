// Package form scans multipart/form-data bodies in place: it says where each part's value stands, so that one can be exchanged and
// all other bytes stay as they came (RFC 7578, RFC 2046 §5.1).
package form

import (
	"bytes"
	"mime"
	"net/textproto"
	"strings"

	"tollgate/internal/fault"
)

// ErrForm is for a body that is no form.
var ErrForm = fault.New(fault.Invalid, "request.invalid_form", "The request body is not a valid multipart form.")

// partsMax bounds the parts of one form.
const partsMax = 1000

// Part is one field of a form. Offsets index the scanned body.
type Part struct {
	Name     string
	File     string // file name; "" for a plain field
	Type     string // media type as stated; "" when it is not
	From, To int    // the value
	Start    int    // of the part, its delimiter included
	End      int    // where the next delimiter begins
}

// Scan finds the parts of a body of this Content-Type.
func Scan(contentType string, body []byte) ([]Part, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/form-data" || params["boundary"] == "" || len(params["boundary"]) > 70 {
		return nil, ErrForm.Say("Send multipart/form-data with a boundary in the Content-Type.").At("Content-Type")
	}
	delimiter := []byte("--" + params["boundary"])
	at, ok := begin(body, delimiter)
	if !ok {
		return nil, ErrForm.Say("The form has no part: its boundary is not in the body.")
	}
	separator := append([]byte("\r\n"), delimiter...)
	if ambiguous(body[:max(at-1, 0)], separator) {
		return nil, ErrForm.Say("The form holds its boundary before its first part.")
	}
	var parts []Part
	for {
		rest := body[at+len(delimiter):]
		if bytes.HasPrefix(rest, []byte("--")) {
			return parts, nil
		}
		p, err := one(body, at, at+len(delimiter), separator)
		if err != nil {
			return nil, err
		}
		if parts = append(parts, p); len(parts) > partsMax {
			return nil, ErrForm.Say("The form has over %d parts.", partsMax)
		}
		at = p.End
	}
}

// begin finds the first delimiter, which stands at the start of a line.
func begin(body, delimiter []byte) (int, bool) {
	if bytes.HasPrefix(body, delimiter) {
		return 0, true
	}
	i := bytes.Index(body, append([]byte("\r\n"), delimiter...))
	return i + 2, i >= 0
}

// one reads the part whose delimiter stands in body[start:at].
func one(body []byte, start, at int, separator []byte) (Part, error) {
	line := bytes.Index(body[at:], []byte("\r\n"))
	if line < 0 || len(bytes.Trim(body[at:at+line], " \t")) > 0 {
		return Part{}, ErrForm.Say("A boundary of the form is not followed by a line end.")
	}
	head := at + line + 2
	p := Part{Start: start}
	if bytes.HasPrefix(body[head:], []byte("\r\n")) {
		p.From = head + 2
	} else {
		length := bytes.Index(body[head:], []byte("\r\n\r\n"))
		if length < 0 || length > 16<<10 {
			return Part{}, ErrForm.Say("A part of the form has no end to its headers.")
		}
		p.headers(string(body[head : head+length]))
		p.From = head + length + 4
	}
	size := bytes.Index(body[p.From-2:], separator) // an empty value shares its line end with the headers
	if size < 0 {
		return Part{}, ErrForm.Say("The form broke off before its last boundary.")
	}
	p.To = max(p.From-2+size, p.From)
	// Some readers take a bare line feed for a line end: they would see another part here, say a second model, that we do not.
	if ambiguous(body[at:p.To], separator) {
		return Part{}, ErrForm.Say("A part of the form holds its boundary.")
	}
	p.End = p.From - 2 + size + 2
	if p.Name == "" {
		return Part{}, ErrForm.Say("A part of the form has no name.")
	}
	return p, nil
}

// ambiguous reports a delimiter behind a bare line feed.
func ambiguous(text, separator []byte) bool { return bytes.Contains(text, separator[1:]) }

func (p *Part) headers(text string) {
	for line := range strings.SplitSeq(text, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		switch textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)) {
		case "Content-Disposition":
			if _, params, err := mime.ParseMediaType(value); err == nil {
				p.Name, p.File = params["name"], params["filename"]
			}
		case "Content-Type":
			p.Type = strings.TrimSpace(value)
		}
	}
}
