package batch

import (
	"context"
	"errors"
	"io"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// File is a file of a batch.
type File struct {
	Owner
	ID        id.File
	Purpose   string // PurposeBatch or PurposeOutput
	Name      string
	Bytes     int64
	CreatedAt time.Time
	ExpiresAt time.Time
}

// The purposes of files that are kept here, in OpenAI's words.
const (
	PurposeBatch  = "batch"
	PurposeOutput = "batch_output"
)

// The bounds of files.
const (
	FileBytesMax = 200 << 20
	FileKept     = 30 * 24 * time.Hour
	ChunkBytes   = 1 << 20
)

// Caller is whose client asks: the scope of its key, and what the key may see. A key sees what keys of its team made.
type Caller struct {
	Scope tenant.Scope
	Team  id.Team
	Key   id.Key
}

// Owner is the owner of what the caller makes.
func (c Caller) Owner() Owner { return Owner{Org: c.Scope.Org(), Team: c.Team, Key: c.Key} }

// Upload keeps a file. name is the client's; content is read to its end, and refused beyond FileBytesMax.
func (s *Service) Upload(ctx context.Context, c Caller, name string, content io.Reader) (File, error) {
	now := s.now()
	f := File{
		Owner: c.Owner(), ID: id.File(id.New("file")), Purpose: PurposeBatch, Name: fileName(name),
		CreatedAt: now, ExpiresAt: now.Add(FileKept),
	}
	if err := s.store.NewFile(ctx, c.Scope, f); err != nil {
		return File{}, err
	}
	buf := make([]byte, ChunkBytes)
	for number, over := 0, false; !over; number++ {
		n, err := fill(content, buf)
		over = errors.Is(err, io.EOF)
		if f.Bytes += int64(n); f.Bytes > FileBytesMax {
			return File{}, s.spoil(ctx, c, f, ErrFileTooLarge.Say("A file of a batch has at most %d MiB.", FileBytesMax>>20))
		}
		if err != nil && !over {
			return File{}, s.spoil(ctx, c, f, ErrFile.Say("The upload broke off.").Because(err))
		}
		if n == 0 {
			break
		}
		if err := s.store.AppendFile(ctx, c.Scope, f.ID, number, buf[:n]); err != nil {
			return File{}, s.spoil(ctx, c, f, err)
		}
	}
	if f.Bytes == 0 {
		return File{}, s.spoil(ctx, c, f, ErrFile.Say("The file is empty.").At("file"))
	}
	return f, s.store.SealFile(ctx, c.Scope, f.ID, f.Bytes)
}

// fill reads until buf is full or the content ends: io.EOF is its end, and every other error that it broke off. (io.ReadFull gives the
// same error for both, and a form that breaks off looks so.)
func fill(content io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var more int
		more, err = content.Read(buf[n:])
		n += more
	}
	return n, err
}

// spoil removes what was uploaded so far; what cannot be removed now expires.
func (s *Service) spoil(ctx context.Context, c Caller, f File, err error) error {
	_ = s.store.RemoveFile(context.WithoutCancel(ctx), c.Scope, f.ID)
	return err
}

// fileName keeps of a name what can be shown.
func fileName(name string) string {
	out := make([]rune, 0, len(name))
	for _, r := range name {
		if r >= ' ' && r != 0x7f && len(string(out)) < 250 {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return "batch.jsonl"
	}
	return string(out)
}

// File finds a file of the caller's team.
func (s *Service) File(ctx context.Context, c Caller, which id.File) (File, error) {
	f, err := s.store.File(ctx, c.Scope, which)
	if err == nil && f.Team != c.Team {
		return File{}, ErrFileNotFound
	}
	return f, err
}

// Files lists the files of the caller's team, the newest first, behind after.
func (s *Service) Files(ctx context.Context, c Caller, purpose string, after id.File, limit int) ([]File, error) {
	return s.store.Files(ctx, c.Scope, c.Team, purpose, after, limit)
}

// Content writes a file.
func (s *Service) Content(ctx context.Context, c Caller, f File, to io.Writer) error {
	return s.store.Content(ctx, c.Scope, f.ID, func(chunk []byte) error {
		_, err := to.Write(chunk)
		return err
	})
}

// Delete removes a file; one that a batch still reads is ErrFileInUse.
func (s *Service) Delete(ctx context.Context, c Caller, which id.File) error {
	if _, err := s.File(ctx, c, which); err != nil {
		return err
	}
	return s.store.RemoveFile(ctx, c.Scope, which)
}
