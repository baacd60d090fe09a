package batchhttp

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"

	"tollgate/internal/batch"
	"tollgate/internal/id"
)

// fileView is a file as OpenAI writes it.
type fileView struct {
	ID        id.File `json:"id"`
	Object    string  `json:"object"`
	Bytes     int64   `json:"bytes"`
	CreatedAt *int64  `json:"created_at"`
	ExpiresAt *int64  `json:"expires_at"`
	Name      string  `json:"filename"`
	Purpose   string  `json:"purpose"`
	Status    string  `json:"status"`
}

func toFileView(f batch.File) fileView {
	return fileView{f.ID, "file", f.Bytes, unix(f.CreatedAt), unix(f.ExpiresAt), f.Name, f.Purpose, "processed"}
}

// Files serves /v1/files as far as files of batches go.
func (f Face) Files(w http.ResponseWriter, r *http.Request, c batch.Caller) error {
	which, verb := below(r, "files")
	switch {
	case which == "" && r.Method == http.MethodPost:
		return f.upload(w, r, c)
	case which == "" && r.Method == http.MethodGet:
		after, limit, err := page(r, "after", 10_000)
		if err != nil {
			return err
		}
		got, err := f.Batches.Files(r.Context(), c, r.URL.Query().Get("purpose"), id.File(after), limit+1)
		if err != nil {
			return err
		}
		return show(w, http.StatusOK, list(got, limit, toFileView, func(f batch.File) string { return string(f.ID) }))
	case verb == "" && r.Method == http.MethodDelete:
		if err := f.Batches.Delete(r.Context(), c, id.File(which)); err != nil {
			return err
		}
		return show(w, http.StatusOK, map[string]any{"id": which, "object": "file", "deleted": true})
	case r.Method != http.MethodGet || verb != "" && verb != "content":
		return ErrPath
	}
	file, err := f.Batches.File(r.Context(), c, id.File(which))
	if err != nil {
		return err
	}
	if verb == "" {
		return show(w, http.StatusOK, toFileView(file))
	}
	// What a client uploaded may be anything: a browser must not run it as a page of this address.
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.FormatInt(file.Bytes, 10))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	err = f.Batches.Content(r.Context(), c, file, w)
	if r.Context().Err() != nil {
		return nil //nolint:nilerr // the client has gone, perhaps with all of it: there is nobody to tell
	}
	return err
}

// purposeMax bounds the text fields of a form.
const purposeMax = 4 << 10

// upload takes the form of an upload, whose fields come in any order: the file streams into the store, and is removed again when the
// purpose turns out to be another.
func (f Face) upload(w http.ResponseWriter, r *http.Request, c batch.Caller) error {
	form, err := r.MultipartReader()
	if err != nil {
		return batch.ErrFile.Say("The body is not a form (multipart/form-data).").Because(err)
	}
	var kept *batch.File
	purpose := ""
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			kept, purpose, err = f.field(r, c, part, kept, purpose)
		} else {
			err = batch.ErrFile.Say("The form broke off.").Because(err)
		}
		if err != nil {
			f.discard(r, c, kept)
			return err
		}
	}
	switch {
	case kept == nil:
		return batch.ErrFile.Say("The form has no file.").At("file")
	case purpose != batch.PurposeBatch:
		f.discard(r, c, kept)
		return batch.ErrFile.Say("Files of the purpose batch are kept here. For another purpose, name the provider that is to keep the file " +
			"in the header X-Tollgate-Provider.").At("purpose")
	}
	return show(w, http.StatusOK, toFileView(*kept))
}

func (f Face) field(r *http.Request, c batch.Caller, part *multipart.Part, kept *batch.File, purpose string) (*batch.File, string, error) {
	switch part.FormName() {
	case "purpose":
		b, err := io.ReadAll(io.LimitReader(part, purposeMax))
		return kept, string(b), err
	case "file":
		if kept != nil {
			return kept, purpose, batch.ErrFile.Say("The form has more than one file.").At("file")
		}
		file, err := f.Batches.Upload(r.Context(), c, part.FileName(), part)
		if err != nil {
			return nil, purpose, err
		}
		return &file, purpose, nil
	}
	return kept, purpose, nil
}

func (f Face) discard(r *http.Request, c batch.Caller, kept *batch.File) {
	if kept != nil {
		_ = f.Batches.Delete(r.Context(), c, kept.ID) // what stays expires
	}
}
