package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tollgate/test/replay"
)

// browser is a person's Chromium: a profile of its own, and everything that a page complains about is remembered.
type browser struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp's handle of a tab is a context
	url string

	mu         sync.Mutex
	complaints []string
}

// stepLimit bounds one step in the browser.
const stepLimit = 30 * time.Second

func openBrowser(t *testing.T, url string) *browser {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "google-chrome", "chromium-browser"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		t.Fatal("no Chromium: test/setup.sh installs it, CHROMIUM names another")
	}
	profile, err := os.MkdirTemp("", "tollgate-browser-") //nolint:usetesting // Chromium may still write while the test ends
	if err != nil {
		t.Fatal(err)
	}
	alloc, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1440, 1000),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en-US"))...)
	ctx, closeTab := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		closeTab()
		stop()
		_ = os.RemoveAll(profile)
	})
	b := &browser{t: t, ctx: ctx, url: url}
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	return b
}

// listen collects what no page may do: exceptions, refused scripts and styles, missing files.
func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, "exception: "+e.ExceptionDetails.Text+" "+e.ExceptionDetails.URL)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "favicon") {
			b.complaints = append(b.complaints, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// content fails the test for what pages complained about since the last time.
func (b *browser) content(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("%s: the page complains: %s", where, c)
	}
	b.complaints = nil
}

// forget drops what was complained about: a page that is refused on purpose counts as an error in Chromium.
func (b *browser) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = nil
}

// do runs one step.
func do[T any](b *browser, what string, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepLimit)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatalf("%s: %v\nat %s", what, err, b.state())
	}
	return v
}

// move runs a step that leads to another page, and gives its status.
func (b *browser) move(what string, action chromedp.Action[chromedp.Void]) int {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepLimit)
	defer cancel()
	resp, err := chromedp.RunResponse(ctx, action)
	if err != nil {
		b.t.Fatalf("%s: %v\nat %s", what, err, b.state())
	}
	return int(resp.Status)
}

// state is where the browser stands, for messages.
func (b *browser) state() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	at, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`(document.querySelector("main")||document.body).innerText.slice(0,1500)`))
	return at + "\n" + text
}

// open goes to a path.
func (b *browser) open(path string) int {
	b.t.Helper()
	return b.move("open "+path, chromedp.Navigate(b.url+path))
}

// path is where the browser is, without the host.
func (b *browser) path() string {
	b.t.Helper()
	return strings.TrimPrefix(do(b, "location", chromedp.Location()), b.url)
}

// fill puts values into the page's form by the names of its fields, as a person who types and picks does.
func (b *browser) fill(values map[string]string) {
	b.t.Helper()
	raw, err := json.Marshal(values)
	if err != nil {
		b.t.Fatal(err)
	}
	missing := do(b, "fill the form", chromedp.Evaluate[[]string](`((values) => {
		const missing = [];
		for (const [name, value] of Object.entries(values)) {
			const all = [...document.querySelectorAll('[name="' + name + '"]')].filter((e) => e.type !== "hidden");
			const choice = all.find((e) => (e.type === "radio" || e.type === "checkbox") && e.value === value);
			const chips = document.querySelector('[data-tokens] input[type="hidden"][name="' + name + '"]');
			const one = choice ?? all.find((e) => e.type !== "radio" && e.type !== "checkbox") ?? chips?.parentElement.querySelector("input:not([name])");
			if (!one) { missing.push(name + "=" + value); continue; }
			if (choice) { if (!one.checked) one.click(); continue; }
			if (one.tagName === "SELECT") {
				const option = [...one.options].find((o) => o.value === value || o.text.trim() === value);
				if (!option) { missing.push(name + "=" + value); continue; }
				one.value = option.value;
			} else one.value = value;
			one.dispatchEvent(new Event("input", { bubbles: true }));
			one.dispatchEvent(new Event("change", { bubbles: true }));
		}
		return missing;
	})(`+string(raw)+`)`))
	if len(missing) > 0 {
		b.t.Fatalf("the form has no %v\nat %s", missing, b.state())
	}
}

// press clicks a button or link that leads to another page, and gives that page's status.
func (b *browser) press(words string) int {
	b.t.Helper()
	return b.move("press "+words, b.clicking(words))
}

// click clicks a button that changes the page it is on.
func (b *browser) click(words string) {
	b.t.Helper()
	do(b, "click "+words, b.clicking(words))
}

func (b *browser) clicking(words string) chromedp.Action[chromedp.Void] {
	b.t.Helper()
	quoted, err := json.Marshal(words)
	if err != nil {
		b.t.Fatal(err)
	}
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		found, err := chromedp.Evaluate[bool](`((words) => {
			const all = [...document.querySelectorAll("main button, main a.btn, main summary, form button")];
			const one = all.find((e) => e.innerText.trim() === words && e.offsetParent !== null);
			if (one) one.click();
			return Boolean(one);
		})(`+string(quoted)+`)`)(ctx, tab)
		if err == nil && !found {
			err = fmt.Errorf("no button %q", words)
		}
		return err
	})
}

// field waits until the form has a field.
func (b *browser) field(name string) {
	b.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !do(b, "look for the field "+name, chromedp.Evaluate[bool](`Boolean(document.querySelector('[name="`+name+`"]'))`)) {
		if time.Now().After(deadline) {
			b.t.Fatalf("no field %s\nat %s", name, b.state())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// text is the text of the first element that matches.
func (b *browser) text(selector string) string {
	b.t.Helper()
	quoted, err := json.Marshal(selector)
	if err != nil {
		b.t.Fatal(err)
	}
	return do(b, "read "+selector, chromedp.Evaluate[string](`(document.querySelector(`+string(quoted)+`)?.innerText ?? "")`))
}

// says waits until the page shows some words, without being loaded again.
func (b *browser) says(words string, limit time.Duration) {
	b.t.Helper()
	quoted, err := json.Marshal(words)
	if err != nil {
		b.t.Fatal(err)
	}
	deadline := time.Now().Add(limit)
	for {
		if do(b, "look for "+words, chromedp.Evaluate[bool](`document.body.innerText.includes(`+string(quoted)+`)`)) {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("the page does not say %q after %s\nat %s", words, limit, b.state())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// looks are the ways in which every page is looked at.
var looks = []struct { //nolint:gochecknoglobals // a table
	name, scheme  string
	width, height int64
}{{"light", "light", 1440, 1000}, {"dark", "dark", 1440, 1000}, {"phone", "light", 390, 844}, {"phone-dark", "dark", 390, 844}}

// look sets the width and the colour scheme.
func (b *browser) look(n int) {
	b.t.Helper()
	l := looks[n]
	do(b, "look "+l.name, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		if _, err := cdp.Call(ctx, tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: l.width, Height: l.height, DeviceScaleFactor: 1, Mobile: l.width < 500,
		}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}},
		})
		return err
	}))
}

// picture saves the whole page.
func (b *browser) picture(file string) {
	b.t.Helper()
	png := do(b, "picture", chromedp.FullScreenshot(100))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// overflow reports whether the page is wider than the window: then a phone has to scroll sideways.
func (b *browser) overflow() bool {
	b.t.Helper()
	return do(b, "measure", chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth + 1`))
}

// axe runs axe-core and gives its serious and critical findings.
func (b *browser) axe() []string {
	b.t.Helper()
	root, err := replay.Root()
	if err != nil {
		b.t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(root, "test", "sdk", "node", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		b.t.Fatalf("axe-core (test/setup.sh installs it): %v", err)
	}
	do(b, "load axe", chromedp.Evaluate[int](string(source)+";0"))
	return do(b, "axe", chromedp.Evaluate[[]string](`axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations
		.filter((v) => v.impact === "serious" || v.impact === "critical")
		.map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | ")))`,
		chromedp.EvalAwaitPromise))
}
