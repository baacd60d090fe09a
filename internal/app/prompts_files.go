package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"tollgate/internal/prompt/exchange"
)

// exported asks for prompts as files.
func (t *promptsTool) exported(ctx context.Context, versions string) ([]byte, error) {
	q := url.Values{}
	for name, v := range map[string]string{"label": t.label, "folder": t.folder, "versions": versions} {
		if v != "" {
			q.Set(name, v)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.client.base+"/prompts/export?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+t.client.token)
	res, err := t.client.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no Tollgate answers at %s: %w", t.client.base, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("the export broke off: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, refusal(res.StatusCode, data)
	}
	return data, nil
}

// remote are the files of what stands, by their paths.
func (t *promptsTool) remote(ctx context.Context) (map[string]string, error) {
	data, err := t.exported(ctx, "")
	if err != nil {
		return nil, err
	}
	files, err := exchange.Unzip(data)
	if err != nil {
		return nil, fmt.Errorf("the export cannot be read: %w", err)
	}
	out := make(map[string]string, len(files))
	for _, f := range files {
		out[f.Path] = f.Text
	}
	return out, nil
}

// local are the files of a folder that can hold prompts.
func local(dir string) (map[string]string, error) {
	out := map[string]string{}
	total := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != dir && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > exchange.FileBytesMax {
			return fmt.Errorf("%s is larger than 4 MiB", path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if total += len(data); total > exchange.BytesMax || len(out) >= exchange.FilesMax {
			return fmt.Errorf("%s holds more than 16 MiB or 10,000 files: point at the folder with prompts alone", dir)
		}
		rel, err := filepath.Rel(dir, path)
		out[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no folder %s here; tollgate prompts pull writes it", dir)
	}
	return out, err
}

// pull writes prompts to files, and never over somebody's unsaved work.
func (t *promptsTool) pull(ctx context.Context) error {
	dir := folderOf(t.dir)
	there, err := t.remote(ctx)
	if err != nil {
		return err
	}
	here := map[string]string{}
	if _, err := os.Stat(dir); err == nil {
		if here, err = local(dir); err != nil {
			return err
		}
	}
	var mine []string
	for _, path := range sortedKeys(there) {
		if old, had := here[path]; had && !t.force && exchange.Edited(old) && exchange.Unstamped(old) != exchange.Unstamped(there[path]) {
			mine = append(mine, path)
		}
	}
	if len(mine) > 0 {
		return fmt.Errorf("%s changed here and not applied: %s. tollgate prompts diff shows what differs; pull --force throws it away", counted(len(mine), "file"), strings.Join(mine, ", "))
	}
	written := 0
	for _, path := range sortedKeys(there) {
		if here[path] == there[path] {
			continue
		}
		if err := writeBelow(dir, path, there[path]); err != nil {
			return err
		}
		written++
	}
	for _, path := range sortedKeys(here) {
		if _, still := there[path]; still || !strings.HasSuffix(path, exchange.Suffix) || t.folder != "" && !strings.HasPrefix(path, strings.Trim(t.folder, "/")+"/") {
			continue
		}
		if !t.prune || exchange.Edited(here[path]) && !t.force {
			fmt.Fprintf(t.out, "%s: not on the server\n", path)
			continue
		}
		if err := os.Remove(filepath.Join(dir, filepath.FromSlash(path))); err != nil {
			return err
		}
		fmt.Fprintf(t.out, "%s: removed\n", path)
	}
	_, err = fmt.Fprintf(t.out, "%s in %s, %d written\n", counted(len(there), "prompt"), dir, written)
	return err
}

// writeBelow writes a file below a folder, whatever its path says.
func writeBelow(dir, path, text string) error {
	if !filepath.IsLocal(filepath.FromSlash(path)) {
		return fmt.Errorf("%s leads out of %s", path, dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir) // a link in the folder leads nowhere else
	if err != nil {
		return err
	}
	path = filepath.FromSlash(path)
	if err = root.MkdirAll(filepath.Dir(path), 0o755); err == nil {
		err = root.WriteFile(path, []byte(text), 0o644)
	}
	return errors.Join(err, root.Close())
}

// export writes what the API gives out.
func (t *promptsTool) export(ctx context.Context) error {
	if t.label != "" {
		t.versions = ""
	}
	data, err := t.exported(ctx, t.versions)
	if err != nil {
		return err
	}
	if t.dir == "-" {
		_, err := t.out.Write(data)
		return err
	}
	path := t.dir
	if path == "" {
		path = "prompts.zip"
	}
	files, err := exchange.Unzip(data)
	if errors.Is(err, exchange.ErrTooMuch) {
		files, err = nil, nil // it is whole, and larger than what is taken in at once
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s: %s\n", path, counted(len(files), "file"))
	return err
}

func folderOf(dir string) string {
	if dir == "" {
		return "prompts"
	}
	return dir
}
