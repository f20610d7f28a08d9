// One attempt, opened: its verdict, metrics, diff, code, prompt and reply.

function attemptHead(page, before, after) {
  const steps = make("span", { class: "steps" },
    before ? linkTo(before, "‹ " + before) : null, after ? linkTo(after, after + " ›") : null);
  return make("header", {},
    make("p", { class: "eyebrow" }, make("a", { href: "#", class: "back" }, "‹ the campaign"), make("span", {}, page.where),
      page.parent ? make("span", {}, "from ", linkTo(page.parent)) : null,
      page.mends ? make("span", {}, "mends ", linkTo(page.mends)) : null, steps),
    make("h2", { id: "attempt-title" }, page.id),
    make("p", { class: "figure" }, make("b", {}, page.time === "—" ? page.state : time(page.time)), page.gain ? make("span", {}, page.gain) : null),
    make("p", { class: "outcome" }, page.outcome));
}

const TABS = [
  ["verdict", "Verdict", (page) => true, verdictPanel],
  ["metrics", "Metrics", (page) => page.metrics !== null, metricsPanel],
  ["diff", "Diff", (page) => page.texts.diff !== undefined, diffPanel],
  ["code", "Code", (page) => page.texts.code !== undefined, (page) => textPanel(page.texts.code, "The kernel's source", numbered)],
  ["prompt", "Prompt", (page) => page.texts.prompt !== undefined, (page) => textPanel(page.texts.prompt, "The prompt", written)],
  ["reply", "Reply", (page) => page.texts.reply !== undefined, (page) => textPanel(page.texts.reply, "The reply", written)],
];

function verdictPanel(page) {
  const parts = [
    page.headline ? make("p", { class: "headline" }, page.headline) : null,
    page.reason ? make("pre", { class: "reason" }, page.reason) : null,
    page.notes.length ? notes(page.notes) : null,
  ];
  if (page.estimated && page.time !== "—")
    parts.push(make("p", { class: "quiet" }, "The time is an estimate with its range: nothing was measured, and it claims no speedup."));
  if (page.timing)
    parts.push(section("Timing", make("p", { class: "quiet" }, page.timing.said),
      make("div", { class: "pictures" }, page.timing.pictures.map(picture))));
  if (page.families.length) parts.push(section("Correctness", familiesTable(page), make("p", { class: "quiet" }, page.deterministic)));
  if (page.floor) parts.push(make("p", { class: "quiet" }, "floor ", page.floor));
  const record = page.record.map(([name, pairs]) => make("section", {}, make("h3", {}, name), pairsOf(pairs)));
  parts.push(section("Record", make("div", { class: "columns" }, record)));
  return make("div", {}, parts);
}

function familiesTable(page) {
  const columns = [["inputs", ""], ["error / RMS", "n"], ["budget", "n"], ["", ""]];
  return table(columns, page.families.map((row) =>
    [row.inputs, row.error, row.budget, make("span", { class: "tone " + row.tone }, row.said)]));
}

function metricsPanel(page) {
  const { kernels, against, estimated, mixed, missing } = page.metrics;
  const mark = estimated ? " (estimated)" : "";
  const columns = against ? [["metric", ""], [against, "n"], [page.id, "n"], ["change", "n"]] : [["metric", ""], [page.id, "n"]];
  const tables = kernels.map((kernel) => section(kernel.name + mark,
    make("p", { class: "quiet" }, "grid ", kernel.grid),
    make("div", { class: "cards" }, table(columns, kernel.rows.map((row) => metricRow(row, against))))));
  return make("div", {}, mixed ? make("p", { class: "warning" }, mixed) : null,
    against ? make("p", { class: "quiet" }, "before: " + against + ", after: " + page.id + "; what did not change is quieter") : null,
    tables, missing.map((line) => make("p", { class: "quiet" }, line)));
}

function metricRow(row, against) {
  const change = row.change && make("span", { class: row.tone ? "tone " + row.tone : null }, row.change);
  const cells = against ? [row.name, row.before, row.after, change] : [row.name, row.after];
  return Object.assign(cells, { kind: against && row.equal ? "equal" : null });
}

function diffPanel(page) {
  if (page.same) return make("p", { class: "quiet" }, "the same source as " + page.parent);
  return textPanel(page.texts.diff, "Difference to " + page.parent, changed);
}

// A text that is fetched or unpacked when its tab is opened.
function textPanel(key, name, lay) {
  const place = make("div", { class: "text" }, make("p", { class: "quiet" }, "opening …"));
  textOf(key).then((text) => place.replaceChildren(scroller(name, lay(text)))).catch(
    (problem) => place.replaceChildren(make("p", { class: "warning" }, "This text could not be opened: " + problem.message)));
  return place;
}

function written(text) {
  return make("pre", { class: "written" }, text);
}

// Lines that are laid out one by one; of more, which nobody wrote to be read, the text as it is.
const LINES_MAX = 20000;

function numbered(text) {
  const lines = text.replace(/\n$/, "").split("\n");
  if (lines.length > LINES_MAX) return written(text);
  return make("pre", { class: "code" }, lines.map((line) => make("span", { class: "line" + remark(line) }, line + "\n")));
}

function remark(line) {
  return /^\s*#/.test(line) ? " remark" : "";
}

const CHANGES = { "+": "plus", "-": "minus", "@": "at", " ": "same", "\\": "at" };

function changed(text) {
  const lines = text.replace(/\n$/, "").split("\n");
  if (lines.length > LINES_MAX) return written(text);
  return make("pre", { class: "diff" }, lines.map((line, i) => {
    const kind = i < 2 && /^(---|\+\+\+) /.test(line) ? "file" : CHANGES[line[0]] || "same";
    return make("span", { class: "line " + kind }, line + "\n");
  }));
}
