// The keyboard: chords, palette, rows of a table, days of a chart. Off while one types.
(() => {
  "use strict";

  const typing = (t) => t.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]") !== null;
  const follow = (link) => {
    if (link) link.click();
    return Boolean(link);
  };
  const open = (id) => {
    const dialog = document.getElementById(id);
    if (dialog && !dialog.open) dialog.showModal();
  };

  // ---- Chords: g then a letter, c then a letter. The links carry their keys.
  let first = "";
  let timer = 0;
  const chord = (key) => {
    const keys = first + " " + key;
    first = "";
    return follow([...document.querySelectorAll("a[data-keys]")].find((a) => a.dataset.keys === keys));
  };
  const begins = (key) => [...document.querySelectorAll("a[data-keys]")].some((a) => a.dataset.keys.startsWith(key + " "));

  // ---- Rows
  const rows = () => [...document.querySelectorAll("tr[data-row]")];
  const step = (by) => {
    const all = rows();
    if (all.length === 0) return false;
    const at = all.findIndex((r) => r.contains(document.activeElement));
    const row = all[Math.min(Math.max(at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by, 0), all.length - 1)];
    row.querySelector("a, button")?.focus();
    row.scrollIntoView({ block: "nearest" });
    return true;
  };

  const single = {
    "/": () => {
      const field = document.querySelector("main [data-first], main .query input, main .filters input, main .filters select, main .filters summary");
      field?.focus();
      return Boolean(field);
    },
    "?": () => (open("shortcuts"), true),
    t: () => document.dispatchEvent(new CustomEvent("tollgate:theme")),
    j: () => step(1),
    k: () => step(-1),
    l: () => follow(document.querySelector("[data-copy-url]")),
    "[": () => follow(document.querySelector("a[data-earlier]")),
    "]": () => follow(document.querySelector("a[data-later]")),
  };

  document.addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey && e.key.toLowerCase() === "k") {
      e.preventDefault();
      open("palette");
      return;
    }
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || typing(e.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (first) {
      if (chord(e.key)) e.preventDefault();
      return;
    }
    if (single[e.key]) {
      if (single[e.key]() !== false) e.preventDefault();
    } else if (begins(e.key)) {
      first = e.key;
      clearTimeout(timer);
      timer = setTimeout(() => (first = ""), 1500);
    }
  });

  // ---- Palette: the links are there; typing hides those that do not fit.
  const palette = document.getElementById("palette");
  if (palette) {
    const input = palette.querySelector("input");
    const none = palette.querySelector(".palette-none");
    let links = [...palette.querySelectorAll("li > a")];
    const call = palette.querySelector("a[data-call]");
    const shown = () => links.filter((a) => !a.parentElement.hidden);
    const mark = (link) => {
      for (const a of links) a.classList.toggle("active", a === link);
      link?.scrollIntoView({ block: "nearest" });
    };
    const filter = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      // The id of a call is the name of no link: pasted whole, it leads to its page.
      const id = /^\s*(call_[0-9a-z]{26})\s*$/.exec(input.value)?.[1];
      if (call) call.href = call.dataset.call + (id ?? "");
      for (const a of links) {
        if (a === call) {
          a.parentElement.hidden = !id;
          continue;
        }
        const text = a.textContent.toLowerCase();
        a.parentElement.hidden = !words.every((w) => text.includes(w));
      }
      for (const list of palette.querySelectorAll("ul")) {
        const empty = !list.querySelector("li:not([hidden])");
        list.hidden = empty;
        list.previousElementSibling.hidden = empty;
      }
      none.hidden = shown().length > 0;
      mark(shown()[0]);
    };
    const move = (by) => {
      const list = shown();
      if (list.length === 0) return;
      const at = list.findIndex((a) => a.classList.contains("active"));
      mark(list[(at + by + list.length) % list.length]);
    };
    input.addEventListener("input", filter);

    // Keys and aliases are asked for when the palette is first opened, so that no page waits for them.
    const more = palette.querySelector("[data-more]");
    const load = async () => {
      const answer = await fetch(more.dataset.more, { headers: { "HX-Request": "true" } }).catch(() => null);
      if (!answer?.ok) return; // the pages are still there
      more.innerHTML = await answer.text();
      links = [...palette.querySelectorAll("li > a")];
      filter();
    };
    if (more) palette.addEventListener("focusin", load, { once: true });

    palette.addEventListener("keydown", (e) => {
      if (e.key === "ArrowDown") move(1);
      else if (e.key === "ArrowUp") move(-1);
      else if (e.key === "Enter" && e.target === input) follow(palette.querySelector("a.active"));
      else return;
      e.preventDefault();
    });
    palette.addEventListener("close", () => {
      input.value = "";
      filter();
    });
    filter();
  }

  // ---- Days of a chart: one tab stop, arrow keys between them.
  const days = (list) => {
    const links = [...list.querySelectorAll("a")];
    if (links.length === 0) return;
    const reach = (link) => {
      for (const a of links) a.tabIndex = a === link ? 0 : -1;
    };
    reach(links[links.length - 1]);
    list.addEventListener("focusin", (e) => reach(e.target.closest("a")));
    list.addEventListener("keydown", (e) => {
      const at = links.indexOf(e.target.closest("a"));
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: links.length - 1 }[e.key];
      if (at < 0 || to === undefined) return;
      e.preventDefault();
      links[Math.min(Math.max(to, 0), links.length - 1)].focus();
    });
  };
  const prepare = (root) => {
    for (const list of root.querySelectorAll("[data-days]")) days(list);
  };
  prepare(document);
  document.addEventListener("htmx:load", (e) => prepare(e.detail.elt));
})();
