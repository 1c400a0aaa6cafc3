"use strict";
(() => {
  const root = document.documentElement;
  const KEY = "deepdlt-theme";
  const stored = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const store = (value) => { try { localStorage.setItem(KEY, value); } catch { /* private mode: not remembered */ } };
  if (stored() === "dark" || stored() === "light") root.dataset.theme = stored();
  const isDark = () => root.dataset.theme
    ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

  const keyOf = (row, place) => {
    const cell = row.cells[place];
    return cell.dataset.key ?? (cell.textContent.trim() === "\u2013" ? "" : cell.textContent.trim());
  };
  const compare = (a, b) => {
    const x = Number(a), y = Number(b);
    return a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y) ? x - y : a.localeCompare(b, "en", { numeric: true });
  };
  const sort = (head) => {
    const table = head.closest("table"), body = table.tBodies[0], place = head.cellIndex;
    const direction = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const rows = [...body.rows].map((row) => [keyOf(row, place), row]);
    rows.sort(([a], [b]) => (a === "") - (b === "") || sign * compare(a, b)); // what is missing stays last
    body.append(...rows.map(([, row]) => row));
  };

  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const show = () => { button.setAttribute("aria-pressed", String(isDark())); };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      store(root.dataset.theme);
      show();
    });
    show();
    const contents = document.querySelector(".contents > details");
    if (contents && matchMedia("(max-width: 60rem)").matches) contents.open = false;
    for (const head of document.querySelectorAll("th")) {
      head.querySelector("button.sort")?.addEventListener("click", () => sort(head));
    }
    addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("main details")) one.open = true; });
  });
})();
