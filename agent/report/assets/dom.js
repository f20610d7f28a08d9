// Building the page: elements and text nodes only, so that no fact is ever read as markup.

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  // One by one, since a call takes fewer arguments than a text may have lines.
  for (const child of children.flat()) if (child !== null && child !== undefined && child !== "") element.append(child);
  return element;
}

function byId(id) {
  return document.getElementById(id);
}

// A time with its interval or with "est." and its range, which are said in a quieter voice and never left out.
function time(text) {
  const at = text.search(/ (est\.|\[)/);
  return at < 0 ? [text] : [text.slice(0, at), " ", make("span", { class: "est" }, text.slice(at + 1))];
}

function pairsOf(pairs) {
  const list = make("dl", { class: "pairs-of" });
  for (const [name, value] of pairs) {
    const hash = /^[0-9a-f]{64}$/.test(value);
    list.append(make("div", {}, make("dt", {}, name), make("dd", { class: hash ? "hash" : null }, value)));
  }
  return list;
}

// Columns: [heading, class]; rows: lists of cells, each a string, a node or a list of those.
function table(columns, rows) {
  const head = make("tr", {}, columns.map(([name, kind]) => make("th", { scope: "col", class: kind }, name)));
  const body = rows.map((cells) => make("tr", { class: cells.kind }, cells.map((cell, i) =>
    make(i ? "td" : "th", { scope: i ? null : "row", class: columns[i][1], "data-name": columns[i][0] }, cell))));
  return make("div", { class: "scroller" }, make("table", {}, make("thead", {}, head), make("tbody", {}, body)));
}

function section(title, ...children) {
  return make("section", {}, make("h2", {}, title), ...children);
}

// What is wider than a phone scrolls by itself, also by keyboard.
function scroller(name, ...children) {
  return make("div", { class: "scroller", role: "region", "aria-label": name, tabindex: "0", "data-scrolls": name }, ...children);
}

function linkTo(id, text) {
  return make("a", { href: "#" + encodeURIComponent(id) }, text || id);
}

function scrollers() {
  return [...document.querySelectorAll("[data-scrolls]")];
}

// Does something that rebuilds parts of the page, and puts focus and scroll positions back where they were.
function keeping(rebuild) {
  const active = document.activeElement;
  const name = active && active.getAttribute ? active.getAttribute("data-keep") || active.getAttribute("href") : null;
  const scrolled = new Map(scrollers().map((el) => [el.dataset.scrolls, [el.scrollTop, el.scrollLeft]]));
  const [x, y] = [window.scrollX, window.scrollY];
  rebuild();
  for (const el of scrollers()) [el.scrollTop, el.scrollLeft] = scrolled.get(el.dataset.scrolls) || [0, 0];
  window.scrollTo(x, y);
  if (name === null || active.isConnected && document.activeElement === active) return;
  const again = [...document.querySelectorAll("[data-keep], a[href]")].find(
    (el) => el.getAttribute("data-keep") === name || el.getAttribute("href") === name);
  if (again) again.focus({ preventScroll: true });
}
