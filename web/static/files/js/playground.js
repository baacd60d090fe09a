// The playground with answers that come as they are written. Without this file the form is posted, and the page comes back with them.
(() => {
  "use strict";
  const form = document.getElementById("playground");
  if (!form) return;
  const running = new Map(); // column -> AbortController
  const columns = () => [...form.querySelectorAll("[data-column]")].map((c) => c.dataset.column);
  const part = (name, i) => form.querySelector(`[data-${name}="${i}"]`);

  // ---- The address is the state, as far as it fits. Files and pictures do not travel in it.
  const addressMax = 6000;
  const state = () => {
    const q = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (typeof value !== "string" || value === "" || value.startsWith("data:")) continue;
      if (/^(do|run_name|rows|check.*|judge|rubric|save_.*|keep_case|code-.*)$/.test(name)) continue;
      const field = form.elements[name];
      if (/^draft-/.test(name) && !("edited" in field.dataset) && field.value === field.defaultValue) continue;
      q.append(name, value);
    }
    return form.dataset.page + "?" + q;
  };
  const remember = () => {
    const address = state();
    if (address.length <= addressMax) history.replaceState(history.state, "", address);
  };
  form.addEventListener("change", remember);

  // Another prompt has another text and other variables: the page is asked for them.
  form.addEventListener("change", (e) => {
    if (e.target.matches("[data-update]")) form.requestSubmit(form.querySelector('[value="update"]'));
  });

  // ---- Answers.
  const say = (box, words) => {
    const answer = document.createElement("div");
    answer.className = "answer";
    const p = document.createElement("p");
    p.className = "pre";
    p.textContent = words;
    answer.append(p);
    box.replaceChildren(answer);
    return p;
  };

  const events = async (body, got) => {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      let end;
      while ((end = rest.indexOf("\n\n")) >= 0) {
        const lines = rest.slice(0, end).split("\n");
        rest = rest.slice(end + 2);
        const name = lines.find((l) => l.startsWith("event: "))?.slice(7);
        const data = lines.filter((l) => l.startsWith("data: ")).map((l) => l.slice(6)).join("\n");
        got(name, data);
      }
    }
  };

  const run = async (i) => {
    running.get(i)?.abort();
    const control = new AbortController();
    running.set(i, control);
    const box = document.getElementById("result-" + i);
    const cancel = part("cancel", i);
    cancel.hidden = false;
    box.setAttribute("aria-busy", "true");
    const text = say(box, "Waiting for the first words…");
    let begun = false;
    let ended = false;
    try {
      const body = new FormData(form);
      body.set("column", i);
      const answer = await fetch(form.dataset.stream, { method: "POST", body, signal: control.signal });
      if (!answer.ok || !answer.headers.get("Content-Type")?.startsWith("text/event-stream")) {
        throw new Error("It could not be run (" + answer.status + "). Reload the page and try again.");
      }
      await events(answer.body, (name, data) => {
        if (name === "piece") {
          const piece = JSON.parse(data);
          if (!begun) text.textContent = "";
          begun = true;
          text.append(piece.text ?? piece.reasoning ?? "");
        } else if (name === "done") {
          ended = true;
          box.innerHTML = data; // our own page's part: its texts are escaped where it is made
        }
      });
      if (!ended) text.append(" (The answer broke off.)");
    } catch (e) {
      if (running.get(i) !== control) return; // it was run again
      say(box, control.signal.aborted ? (begun ? text.textContent + "\n\nCancelled." : "Cancelled.") : e.message);
    }
    if (running.get(i) === control) {
      running.delete(i);
      cancel.hidden = true;
      box.removeAttribute("aria-busy");
    }
  };

  form.addEventListener("submit", (e) => {
    const which = e.submitter?.dataset.run;
    if (which === undefined) return;
    e.preventDefault();
    remember();
    for (const i of which === "all" ? columns() : [which]) run(i);
  });
  form.addEventListener("click", (e) => {
    const cancel = e.target.closest("[data-cancel]");
    if (cancel) running.get(cancel.dataset.cancel)?.abort();
  });
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || !(e.ctrlKey || e.metaKey) || !document.activeElement?.closest("#playground, body")) return;
    const all = document.querySelector('[data-run="all"]');
    if (all && !document.querySelector("dialog[open]")) {
      e.preventDefault();
      form.requestSubmit(all);
    }
  });
})();
