// Small comforts for pages that work without them: copying, menus, dialogs, passwords, tokens.
(() => {
  "use strict";

  // ---- Copying. The word on the button says what happened; it is also read aloud.
  const said = (button, text) => {
    const label = button.querySelector("[data-label]");
    const live = document.querySelector(".toasts");
    if (label) {
      label.dataset.was ??= label.textContent;
      label.textContent = text;
    } else if (live) {
      const note = document.createElement("p");
      note.className = "vh";
      note.textContent = text;
      live.append(note);
      setTimeout(() => note.remove(), 2000);
    }
    button.classList.add("copied");
    clearTimeout(button.timer);
    button.timer = setTimeout(() => {
      if (label) label.textContent = label.dataset.was;
      button.classList.remove("copied");
    }, 2000);
  };

  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  };

  const visiblePane = (button) =>
    [...button.closest(".snippet").querySelectorAll("pre")].find((p) => p.offsetParent !== null);

  const copy = async (button) => {
    let text = button.dataset.copy;
    let source = button.parentElement.querySelector("code, .mono");
    if (button.hasAttribute("data-copy-url")) text = location.href;
    if (button.hasAttribute("data-copy-pane")) {
      source = visiblePane(button);
      text = source ? source.textContent : "";
    }
    try {
      await navigator.clipboard.writeText(text);
      said(button, "Copied");
    } catch {
      // No access to the clipboard (plain http): select it, so that one key press copies it.
      if (source) select(source);
      said(button, source ? "Press Ctrl C" : "Not copied");
    }
  };

  // ---- Dialogs, where the browser does not know commandfor yet.
  const openDialog = (id) => {
    const dialog = document.getElementById(id);
    if (dialog && !dialog.open) dialog.showModal();
    return dialog;
  };
  const knowsCommands = "commandForElement" in HTMLButtonElement.prototype;

  document.addEventListener("click", (e) => {
    const t = e.target;
    const copier = t.closest("[data-copy], [data-copy-url], [data-copy-pane]");
    if (copier) return void copy(copier);
    const opener = t.closest("[data-dialog]");
    if (opener && !knowsCommands) openDialog(opener.dataset.dialog);
    if (t instanceof HTMLDialogElement) t.close(); // a click beside the dialog
    const shower = t.closest("[data-show]");
    if (shower) {
      const input = document.getElementById(shower.dataset.show);
      const hidden = input.type === "password";
      input.type = hidden ? "text" : "password";
      shower.textContent = hidden ? "Hide" : "Show";
      input.focus();
    }
    const closer = t.closest("[data-close]");
    if (closer) closer.closest(closer.dataset.close)?.remove();
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(t)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape" || document.querySelector("dialog[open]")) return;
    const menus = document.querySelectorAll("details[data-menu][open]");
    for (const menu of menus) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    // One press closes one thing: the menu, and only then what lies below it.
    if (menus.length === 0) document.querySelector("a[data-esc]")?.click();
  });

  // ---- An opened call is brought into sight, where it does not stay there by itself.
  document.addEventListener("htmx:afterSettle", (e) => {
    const drawer = e.target.id === "requests" && document.querySelector(".drawer");
    if (drawer && getComputedStyle(drawer).position !== "sticky") drawer.scrollIntoView();
  });

  // ---- Tokens: the comma-separated input stays what is sent; chips stand for its values.
  const tokens = (box) => {
    const field = box.querySelector("input");
    if (!field || "ready" in box.dataset) return;
    box.dataset.ready = "";
    const typed = field.cloneNode();
    typed.removeAttribute("name");
    typed.value = "";
    field.type = "hidden";
    field.removeAttribute("id");
    box.append(typed);
    const values = () => field.value.split(",").map((v) => v.trim()).filter(Boolean);
    const set = (list) => {
      field.value = [...new Set(list)].join(", ");
      for (const chip of box.querySelectorAll(".chip")) chip.remove();
      for (const value of values()) typed.before(chip(value));
      field.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const chip = (value) => {
      const c = document.createElement("span");
      c.className = "chip";
      const text = document.createElement("span");
      const name = document.createElement("b");
      name.textContent = value;
      text.append(name);
      const remove = document.createElement("button");
      remove.type = "button";
      remove.className = "chip-x";
      remove.setAttribute("aria-label", "Remove " + value);
      remove.textContent = "×";
      remove.addEventListener("click", () => {
        set(values().filter((v) => v !== value));
        typed.focus();
      });
      c.append(text, remove);
      return c;
    };
    const take = () => {
      if (typed.value.trim() === "") return;
      set([...values(), ...typed.value.split(",").map((v) => v.trim()).filter(Boolean)]);
      typed.value = "";
    };
    typed.addEventListener("keydown", (e) => {
      if ((e.key === "Enter" || e.key === ",") && typed.value.trim() !== "") {
        e.preventDefault();
        take();
      } else if (e.key === "Backspace" && typed.value === "") {
        set(values().slice(0, -1));
      }
    });
    typed.addEventListener("change", take);
    typed.addEventListener("paste", () => setTimeout(take));
    box.addEventListener("click", (e) => {
      if (e.target === box) typed.focus();
    });
    set(values());
  };

  const prepare = (root) => {
    for (const box of root.querySelectorAll("[data-tokens]")) tokens(box);
  };
  prepare(document);
  document.addEventListener("htmx:load", (e) => prepare(e.detail.elt));
})();
