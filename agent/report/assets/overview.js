// The campaign as a whole.

function showHead(data) {
  const { id, title, standing, provider, begun, used } = data.campaign;
  document.title = id + ": " + title;
  const facts = [provider, standing, begun, used].map((fact) => make("span", {}, fact));
  byId("head").replaceChildren(
    make("p", { class: "eyebrow" }, make("a", { href: "#", class: "home" }, "campaign " + id), facts),
    make("h1", {}, title));
}

function showOverview(data) {
  const best = data.best.id === null ? data.best.line : bestLine(data.best);
  byId("overview").replaceChildren(
    make("p", { class: "finding" }, best),
    ...data.stop.map((line) => make("p", { class: "warning" }, line)),
    make("figure", { class: "chart" }, scroller("Times of all attempts", picture(data.chart))),
    section("Head to head", contendersTable(data.contenders)),
    section("Stages", stagesTable(data.stages), data.stages.notes.map((line) => make("p", { class: "quiet note" }, line))),
    ...(data.warnings.length ? [section("Warnings", notes(data.warnings.map((line) => ["warning", line])))] : []));
  byId("apparatus").replaceChildren(make("div", { class: "columns" },
    section("Where it was judged", pairsOf(data.environment)),
    section("What was asked for", pairsOf(data.about))));
}

function bestLine({ id, line }) {
  const at = line.indexOf(id);
  if (at < 0) return line;
  return [line.slice(0, at), linkTo(id), line.slice(at + id.length)];
}

function contendersTable(rows) {
  return table([["kernel", ""], ["time", "n"], ["speedup, 95 % interval", "n soft"]],
    rows.map((row) => [row.name, time(row.time), row.said]));
}

function stagesTable({ columns, rows }) {
  const heads = [["stage", ""], ...columns.map((name) => [name, name === "outcome" ? "wide" : "n"])];
  const cells = rows.map((row) => [row.stage, ...columns.map((name) => known(row[name]))]);
  cells[cells.length - 1].kind = "total";
  return make("div", { class: "cards" }, table(heads, cells));
}

function known(value) {
  return value || make("span", { class: "none" }, "—");
}

function notes(lines) {
  return make("ul", { class: "notes" }, lines.map(([kind, line]) =>
    make("li", {}, make("b", {}, kind), " ", line)));
}
