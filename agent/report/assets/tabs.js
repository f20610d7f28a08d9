// The tabs of an attempt: arrows move between them, each has an address of its own.

function showTabs(page, wanted) {
  const there = TABS.filter(([, , has]) => has(page));
  const open = (there.find(([name]) => name === wanted) || there[0])[0];
  const tabs = there.map(([name, title]) => make("a", { role: "tab", id: "tab-" + name, "data-keep": "tab " + name,
    href: "#" + encodeURIComponent(page.id) + (name === "verdict" ? "" : "/" + name), "aria-selected": String(name === open),
    "aria-controls": "panel", tabindex: name === open ? "0" : "-1" }, title));
  const list = make("div", { role: "tablist", "aria-label": "Parts of " + page.id }, tabs);
  list.addEventListener("keydown", (event) => tabKey(event, tabs));
  const build = there.find(([name]) => name === open)[3];
  const panel = make("div", { id: "panel", role: "tabpanel", "aria-labelledby": "tab-" + open, tabindex: "0" }, build(page));
  return [list, panel];
}

function tabKey(event, tabs) {
  const at = tabs.indexOf(event.target);
  const place = { ArrowRight: at + 1, ArrowLeft: at - 1 + tabs.length, Home: 0, End: tabs.length - 1, " ": at }[event.key];
  if (place === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const tab = tabs[place % tabs.length];
  tab.focus();
  tab.click();
}
