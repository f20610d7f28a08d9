// The lineage: stages, their attempts, and repairs below what they mend. One stop for the keyboard, moved by arrows.

const closed = new Set();
const built = new Map();
let rows = [];

function showTree(data) {
  const trunkEnds = data.attempts.reduce((last, attempt, i) => (attempt.path ? i : last), -1);
  rows = [];
  const seen = new Map();
  for (const group of data.tree) {
    const turn = (seen.get(group.stage) || 0) + 1;
    seen.set(group.stage, turn);
    if (group.stage !== null) rows.push(stageRow(group, group.stage + "/" + turn, group.rows[0] <= trunkEnds));
    const within = group.stage === null ? null : group.stage + "/" + turn;
    group.rows.forEach((n, i) =>
      rows.push(attemptRow(data.attempts[n], within, n <= trunkEnds, i + 1, group.rows.length)));
  }
  const tree = make("div", { id: "tree", role: "tree", "aria-label": "Attempts by stage" }, rows);
  byId("lineage").replaceChildren(make("h2", {}, "Lineage"), legend(data), tree);
  tree.addEventListener("keydown", treeKey);
  tree.addEventListener("click", (event) => treeClick(event.target.closest("[role=treeitem]")));
  applyClosed();
  marked(chosen(), false);
}

function legend(data) {
  return make("p", { class: "legend" },
    make("span", { class: "key path" }, "the way to the best"), make("span", { class: "key kept" }, "kept"),
    make("span", { class: "key" }, "not kept"), make("span", { class: "key bad" }, "failed"),
    data.attempts.some((attempt) => attempt.estimated) ? make("span", { class: "key estimated" }, "estimated") : null,
    data.attempts.some(untimed) ? make("span", { class: "key untimed" }, "no time") : null,
    data.attempts.some((attempt) => attempt.from) ? make("span", {}, "← made from that kernel, not from the kept one above") : null);
}

function untimed(facts) {
  return facts.time === "—" && facts.tone !== "bad";
}

// A row is made once and kept while its facts stay the same.
function reused(name, facts, build) {
  const state = JSON.stringify(facts);
  const known = built.get(name);
  if (known && known.state === state) return known.row;
  const row = build();
  built.set(name, { state, row });
  return row;
}

function stageRow(group, name, onPath) {
  return reused("stage " + name, [group.stage, group.outcome, group.reason, group.worth, group.rows.length, onPath], () =>
    make("div", { role: "treeitem", "aria-level": "1", "aria-expanded": group.rows.length ? "true" : null, tabindex: "-1",
      class: "stage" + (onPath ? " trunk" : ""), "data-stage": name, "data-keep": "stage " + name },
      make("span", { class: "lane", "aria-hidden": "true" }),
      make("span", { class: "name" }, make("b", {}, group.stage), group.worth ? make("span", { class: "worth" }, group.worth) : null),
      make("span", { class: "said" }, group.outcome ? group.outcome + ": " + group.reason : null)));
}

function attemptRow(facts, within, onPath, place, size) {
  return reused("attempt " + facts.id, [facts, within, onPath, place, size], () => {
    const kind = ["row", facts.tone, facts.path ? "path" : "", facts.kept ? "kept" : "", facts.best ? "best" : "",
      facts.estimated ? "estimated" : "", untimed(facts) ? "untimed" : "",
      onPath ? "trunk" : ""].filter(Boolean).join(" ");
    const level = facts.level + (within === null ? 0 : 1);
    return make("div", { role: "treeitem", "aria-level": String(level), "aria-posinset": String(place), "aria-setsize": String(size),
      "aria-selected": "false", tabindex: "-1", class: kind, "data-depth": String(Math.min(facts.level, 4)),
      "data-id": facts.id, "data-within": within, "data-keep": "attempt " + facts.id },
      make("span", { class: "lane", "aria-hidden": "true" }, make("i", {})),
      make("span", { class: "name" }, make("b", {}, facts.id), " ", make("span", { class: "step" }, facts.step + (facts.from ? " ← " + facts.from : "")), " ",
        make("span", { class: "time" }, time(facts.time))),
      make("span", { class: "said" }, make("span", { class: "state" }, facts.state),
        facts.gain ? " · " + facts.gain : null, " · ", make("span", { class: "why" }, facts.why)));
  });
}

function treeClick(row) {
  if (!row) return;
  if (row.dataset.stage !== undefined) toggle(row);
  else go(row.dataset.id, null);
  focusRow(row);
}

function treeKey(event) {
  const row = event.target.closest("[role=treeitem]");
  if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
  const shown = rows.filter((other) => !other.hidden);
  const at = shown.indexOf(row);
  const stage = row.dataset.stage !== undefined;
  const open = stage && row.getAttribute("aria-expanded") === "true";
  const moves = {
    ArrowDown: () => focusRow(shown[at + 1]),
    ArrowUp: () => focusRow(shown[at - 1]),
    Home: () => focusRow(shown[0]),
    End: () => focusRow(shown[shown.length - 1]),
    ArrowRight: () => (stage && !open ? toggle(row) : focusRow(below(row, shown[at + 1]))),
    ArrowLeft: () => (open ? toggle(row) : focusRow(above(row))),
    Enter: () => treeClick(row),
    " ": () => treeClick(row),
  };
  if (!moves[event.key]) return;
  event.preventDefault();
  moves[event.key]();
}

function level(row) {
  return Number(row.getAttribute("aria-level"));
}

function below(row, next) {
  return next && level(next) > level(row) ? next : null;
}

function above(row) {
  return rows.slice(0, rows.indexOf(row)).reverse().find((other) => level(other) < level(row));
}

function focusRow(row) {
  if (!row) return;
  for (const other of rows) if (other.tabIndex === 0) other.tabIndex = -1;
  row.tabIndex = 0;
  row.focus();
}

function toggle(row) {
  const name = row.dataset.stage;
  if (!row.hasAttribute("aria-expanded")) return;
  if (!closed.delete(name)) closed.add(name);
  applyClosed();
}

function applyClosed() {
  for (const row of rows) {
    if (row.dataset.stage !== undefined && row.hasAttribute("aria-expanded"))
      row.setAttribute("aria-expanded", String(!closed.has(row.dataset.stage)));
    else if (row.dataset.within !== undefined) row.hidden = closed.has(row.dataset.within);
  }
}

// Marks the row of the attempt that is open, opens its stage when `reveal`, and lets the tab key reach one row.
function marked(id, reveal) {
  const here = rows.find((row) => id !== null && row.dataset.id === id);
  for (const row of rows) {
    if (row.dataset.id !== undefined) row.setAttribute("aria-selected", String(row === here));
    row.tabIndex = -1;
  }
  if (here && here.hidden && reveal) {
    closed.delete(here.dataset.within);
    applyClosed();
  }
  const seen = rows.filter((row) => !row.hidden);
  const stop = seen.find((row) => row === here) || seen.find((row) => row.classList.contains("best")) || seen[0];
  if (stop) stop.tabIndex = 0;
  return stop;
}
