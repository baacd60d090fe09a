package compile

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/money"
)

// perMilli is the scale of a price for a second, counted in milliseconds.
const perMilli = perUnit - 3

// liteThings takes the prices of what is no token. Which field is the price depends on the kind of model: the file gives the same
// names to other things elsewhere (output_cost_per_image of a chat model is the price of an image token, of a music model that of a
// song), so each is read only where it means what it says.
func (d *draft) liteThings(mode string, row map[string]any) {
	switch mode {
	case "chat", "responses", "completion", "":
		if fee, ok := d.rate("input_cost_per_request", row["input_cost_per_request"]); ok && fee > 0 {
			d.rec.Rates = d.rec.Rates.Set(chat.Requests, fee)
		}
	case "rerank":
		d.thing(chat.SearchUnits, perUnit, row, "input_cost_per_query")
	case "audio_transcription": // some rows repeat the price as output, some have it there alone
		d.thing(chat.AudioMS, perMilli, row, "input_cost_per_second", "output_cost_per_second")
	case "audio_speech":
		d.thing(chat.Characters, perUnit, row, "input_cost_per_character")
	case "ocr":
		d.thing(chat.Pages, perUnit, row, "ocr_cost_per_page")
		if row["annotation_cost_per_page"] != nil {
			d.note(Unread, "annotation_cost_per_page")
		}
	case "image_generation", "image_edit":
		d.liteImage(row)
	}
}

// thing takes the first of the fields that is above zero, or zero where one of them is.
func (d *draft) thing(c chat.Class, scale int, row map[string]any, fields ...string) {
	for _, f := range fields {
		p, ok := d.rateAt(f, row[f], scale)
		if !ok {
			continue
		}
		d.rec.Rates = d.rec.Rates.Set(c, p)
		if p > 0 {
			return
		}
	}
}

// liteImage takes the price of an image made. Where the tokens of an image have a price they are what is billed, and the price of an
// image stands for those of one size: it is left out. It is left out, too, where the row lists other prices by size beside it.
// Without output_cost_per_image, input_cost_per_image is the price of one made, as the file has it for sizes and qualities, and a
// price of a pixel is one of an image where the row names its size.
func (d *draft) liteImage(row map[string]any) {
	if d.rec.Rates[chat.OutputImage].Price > 0 {
		return
	}
	if bySize(row) {
		d.note(ImageBySize, "output_cost_per_image")
		return
	}
	d.thing(chat.Images, perUnit, row, "output_cost_per_image", "input_cost_per_image")
	if d.rec.Rates[chat.Images].Price > 0 {
		return
	}
	if w, h, ok := namedSize(d.rec.Model); ok {
		d.pixels(w*h, row)
	}
}

// bySize reports prices of images at sizes that differ from each other.
func bySize(row map[string]any) bool {
	first, differ := "", false
	for f, v := range row {
		if !strings.HasPrefix(f, "output_cost_per_image") || strings.Contains(f, "token") {
			continue
		}
		text, _ := number(v)
		differ = differ || first != "" && text != first
		first = text
	}
	return differ
}

// microDollar is in pico-dollars. No image is priced finer; prices of a pixel are such prices divided, and cut.
const microDollar = 1_000_000

// pixels takes a price of a pixel, times the pixels, to the nearest micro-dollar.
func (d *draft) pixels(n int64, row map[string]any) {
	for _, f := range []string{"input_cost_per_pixel", "output_cost_per_pixel"} {
		p, ok := d.exact(f, row[f], perUnit+6) // millionths of a pico-dollar
		if !ok || p <= 0 || int64(p) > (1<<62)/n {
			continue
		}
		const unit = microDollar * 1_000_000
		d.rec.Rates = d.rec.Rates.Set(chat.Images, money.Price((int64(p)*n+unit/2)/unit*microDollar))
		d.note(PerPixel, f)
		return
	}
}

// namedSize is the size in a name: "high/1024-x-1536/gpt-image-1".
func namedSize(model string) (w, h int64, ok bool) {
	parts := strings.Split(model, "/")
	for _, part := range parts[:min(len(parts), 2)] {
		a, b, cut := strings.Cut(part, "-x-")
		if !cut {
			continue
		}
		w, errW := strconv.ParseInt(a, 10, 16)
		h, errH := strconv.ParseInt(b, 10, 16)
		return w, h, errW == nil && errH == nil && w > 0 && h > 0
	}
	return 0, 0, false
}

// hostedTools are the prices of a session of the hosted code interpreter, by vendor id: the file lists them once a vendor, in a row
// named "container", and they hold for all models that may use it.
type hostedTools map[string]any

func liteTools(file map[string]json.RawMessage) hostedTools {
	out := hostedTools{}
	for key, raw := range file {
		provider, ok := strings.CutSuffix(key, "/container")
		if !ok {
			continue
		}
		var row map[string]any
		if err := decode(bytes.NewReader(raw), &row); err == nil && row["code_interpreter_cost_per_session"] != nil {
			out[vendor(provider)] = row["code_interpreter_cost_per_session"]
		}
	}
	return out
}

// fileSearch is the fee for a hosted file search, $2.50 for a thousand, where the code interpreter is hosted too: by OpenAI's price
// list ("file search tool call") and Azure's. The file has no row for it.
const fileSearch = "0.0025"

// liteHosted gives the models of a vendor with hosted tools their fees.
func (d *draft) liteHosted(mode string, tools hostedTools) {
	session, ok := tools[d.rec.Provider]
	if !ok || mode != "chat" && mode != "responses" || d.rec.Rates[chat.Input].Price == 0 || d.rec.Rates[chat.Output].Price == 0 {
		return
	}
	if p, ok := d.rate("code_interpreter_cost_per_session", session); ok {
		d.rec.Rates = d.rec.Rates.Set(chat.CodeSession, p)
	}
	if p, ok := d.rate("file search", fileSearch); ok {
		d.rec.Rates = d.rec.Rates.Set(chat.FileSearch, p)
	}
}
