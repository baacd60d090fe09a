// Runs before the first paint: the stored theme, and the mark that scripts run.
(() => {
  "use strict";
  const root = document.documentElement;
  root.dataset.js = "";
  const read = () => {
    try {
      return localStorage.getItem("theme") || "system";
    } catch {
      return "system"; // storage is switched off: the theme follows the system
    }
  };
  const show = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
    for (const input of document.querySelectorAll('input[name="theme"]')) input.checked = input.value === theme;
  };
  const choose = (theme) => {
    try {
      if (theme === "system") localStorage.removeItem("theme");
      else localStorage.setItem("theme", theme);
    } catch {
      // chosen for this page only
    }
    show(theme);
  };
  show(read());
  document.addEventListener("DOMContentLoaded", () => show(read()));
  document.addEventListener("change", (e) => {
    if (e.target.name === "theme") choose(e.target.value);
  });
  // The key t: from what is seen now to the other.
  document.addEventListener("tollgate:theme", () => {
    const dark = (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    choose(dark ? "light" : "dark");
  });
  addEventListener("storage", (e) => {
    if (e.key === "theme") show(read());
  });
})();
