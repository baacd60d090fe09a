package prompts

import (
	"time"

	"tollgate/web/ui"
)

func (f moveForm) labelField() ui.InputView {
	in := f.field("label", "label", "Label", "One that there is, or a new one.", f.Label)
	in.Mono, in.List, in.Required, in.MaxLength, in.Autocomplete = true, "labels", true, 36, "off"
	return in
}

func (f moveForm) why() ui.InputView {
	in := f.field("why", "why", "Why", "Kept with the move, and told to whoever approves it.", f.Why)
	in.Optional, in.MaxLength = true, 500
	return in
}

func (f moveForm) when() ui.InputView {
	in := f.field("when", "at", "When", "In UTC; now it is "+f.Clock.Now.UTC().Format("2 Jan, 15:04")+".", f.When)
	in.Type, in.Optional = "datetime-local", f.How != atTime
	if f.When == "" {
		in.Placeholder = f.Clock.Now.UTC().Add(24 * time.Hour).Format("2006-01-02T15:04")
	}
	return in
}

func (f moveForm) minutes() ui.InputView {
	in := f.field("pause", "pause", "Pause between steps", "", f.Pause)
	in.Inputmode, in.After = "numeric", "minutes"
	return in
}

func (f moveForm) stop() ui.InputView {
	in := f.field("stop_over", "stop_over", "Stop by itself when it fails more often by", "Than the version before. Empty: nothing stops it.", f.StopOver)
	in.Inputmode, in.After, in.Optional = "decimal", "%", true
	return in
}
