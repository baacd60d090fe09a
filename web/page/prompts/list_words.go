package prompts

import (
	"net/url"

	"tollgate/internal/rest"
	"tollgate/web/ui"
)

func (v listView) title() string {
	switch {
	case v.Archived:
		return "Archived prompts"
	case v.Folder != "":
		return leaf(v.Folder)
	}
	return "Prompts"
}

// crumbs lead out of a folder.
func (v listView) crumbs() []ui.Link {
	if v.Archived {
		return []ui.Link{{Text: "Prompts", Href: Path}}
	}
	if v.Folder == "" {
		return nil
	}
	return crumbs(v.Folder)
}

// fresh is the form of a new prompt, in the folder that is open.
func (v listView) fresh() string {
	if v.Folder == "" {
		return Path + "/new"
	}
	return Path + "/new?" + url.Values{"folder": {v.Folder}}.Encode()
}

// export is an archive of what is in the folder, or of everything.
func (v listView) export() string {
	if v.Folder == "" {
		return rest.Prefix + "/prompts/export"
	}
	return rest.Prefix + "/prompts/export?" + url.Values{"folder": {v.Folder}}.Encode()
}

// called is a prompt's name in its group: without the folder, which the group says.
func (v listView) called(r listRow) string {
	if v.Sort == "newest" {
		return r.Name
	}
	return leaf(r.Name)
}

// count is how many there are.
func (v listView) count() string {
	if v.Shown == v.All {
		return ui.Plural(int64(v.All), "prompt.", "prompts.")
	}
	return ui.CountText(int64(v.From+1)) + " to " + ui.CountText(int64(v.From+v.Shown)) + " of " + ui.CountText(int64(v.All)) + "."
}

func (v listView) folderCount() string { return ui.Plural(int64(v.All), "prompt", "prompts") }

// kept is the state that a search keeps.
func (v listView) kept() []ui.Param {
	var out []ui.Param
	add := func(name, value string) {
		if value != "" {
			out = append(out, ui.Param{Name: name, Value: value})
		}
	}
	add("folder", v.Folder)
	add("label", v.Label)
	add("tag", v.Tag)
	add("sort", v.Sort)
	if v.Archived {
		add("archived", "yes")
	}
	return out
}
