"use strict";
(() => {
  const root = document.documentElement;
  const KEY = "deepdlt-theme";
  const stored = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const store = (value) => { try { localStorage.setItem(KEY, value); } catch { /* private mode: not remembered */ } };
  if (["dark", "light"].includes(stored())) root.dataset.theme = stored();
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : system.matches;

  const keyOf = (row, place) => row.cells[place].dataset.key ?? row.cells[place].textContent.trim();
  const isNumber = (key) => key !== "" && !Number.isNaN(Number(key));
  const compare = (a, b) => isNumber(a) && isNumber(b) ? a - b : a.localeCompare(b, "en", { numeric: true });
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

  const enlarge = (dialog, image) => {
    const large = new Image(image.naturalWidth, image.naturalHeight);
    large.src = image.src;
    large.alt = image.alt;
    dialog.querySelector(".wide").replaceChildren(large);
    dialog.showModal();
  };

  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const show = () => { button.setAttribute("aria-pressed", String(isDark())); };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      store(root.dataset.theme);
      show();
    });
    system.addEventListener("change", show);
    show();

    const contents = document.querySelector(".contents > details");
    if (contents && matchMedia("(max-width: 60rem)").matches) contents.open = false;
    for (const head of document.querySelectorAll("thead th")) {
      head.querySelector(".sort").addEventListener("click", () => sort(head));
    }
    const dialog = document.getElementById("large");
    for (const zoom of document.querySelectorAll(".zoom")) {
      zoom.addEventListener("click", () => enlarge(dialog, zoom.firstElementChild));
    }
    dialog?.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

    let opened = [];
    addEventListener("beforeprint", () => {
      opened = [...document.querySelectorAll("main details:not([open])")];
      for (const one of opened) one.open = true;
    });
    addEventListener("afterprint", () => { for (const one of opened) one.open = false; });
  });
})();
