// The address decides what is shown: "#" the campaign, "#ctc4.3" an attempt, "#ctc4.3/diff" one part of it.

let data = null;
let shownPage = null;
let lastId = null;

// Attempt and part that the address names; nulls where it names none that is there.
function address() {
  const whole = decoded(location.hash.slice(1));
  const there = (id) => data !== null && data.attempts.some((attempt) => attempt.id === id);
  if (there(whole)) return [whole, null];
  const slash = whole.lastIndexOf("/");
  return there(whole.slice(0, Math.max(slash, 0))) ? [whole.slice(0, slash), whole.slice(slash + 1)] : [null, null];
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

function chosen() {
  return address()[0];
}

function go(id, part) {
  location.hash = encodeURIComponent(id) + (part ? "/" + part : "");
}

// Shows what the address names; `fresh` when the facts have changed and the address has not.
async function showAddress(fresh) {
  const [id, part] = address();
  const left = rows.find((row) => row.dataset.id === lastId);
  const row = marked(id, !fresh);
  const moved = id !== lastId;
  lastId = id;
  const before = document.body.dataset.view;
  document.body.dataset.view = id === null ? "campaign" : "attempt";
  byId("attempt").hidden = id === null;
  byId("overview").hidden = byId("apparatus").hidden = id !== null;
  if (id === null) {
    shownPage = null;
    if (before === "attempt") back(left);
    return;
  }
  if (!fresh && row && moved) row.scrollIntoView({ block: "nearest" });
  await showAttempt(id, part, fresh);
}

// Where the tree is not beside the attempt, going back leads to the row that was left.
function back(row) {
  window.scrollTo(0, 0);
  if (!narrow() || !row) return;
  row.scrollIntoView({ block: "center" });
  row.focus({ preventScroll: true });
}

function narrow() {
  return window.matchMedia("(max-width: 60rem)").matches;
}

async function showAttempt(id, part, fresh) {
  const at = data.attempts.findIndex((attempt) => attempt.id === id);
  const key = data.attempts[at].page;
  const [before, after] = [data.attempts[at - 1], data.attempts[at + 1]].map((other) => other && other.id);
  const view = JSON.stringify([key, part, before, after]);
  if (view === shownPage) return;
  const moved = shownPage === null || JSON.parse(shownPage)[0] !== key;
  if (shownPage === null) byId("attempt").replaceChildren(opening(data.attempts[at]));
  shownPage = view;
  try {
    const page = JSON.parse(await textOf(key));
    if (view === shownPage) openPage(page, part, before, after, moved && !fresh);
  } catch (problem) {
    byId("attempt").replaceChildren(make("p", { class: "warning" }, "This attempt could not be opened: " + problem.message));
  }
}

// What the tree knows of an attempt, until its page is unpacked.
function opening({ id, time: ms, state, gain }) {
  return make("header", { class: "opening" }, make("h2", {}, id),
    make("p", { class: "figure" }, make("b", {}, ms === "—" ? state : time(ms)), gain ? make("span", {}, gain) : null),
    make("p", { class: "quiet" }, "opening …"));
}

function openPage(page, part, before, after, moved) {
  const inside = byId("attempt").contains(document.activeElement);
  keeping(() => byId("attempt").replaceChildren(attemptHead(page, before, after), ...showTabs(page, part)));
  const lost = document.activeElement === document.body || document.activeElement.closest("[hidden]");
  if (inside && lost || moved && narrow()) byId("attempt").focus({ preventScroll: true });
  if (moved) window.scrollTo(0, 0);
}
