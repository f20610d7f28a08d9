// Beside a server: asks every two seconds what has changed, and says so while the campaign runs.

const EVERY_MS = 2000;
let tag = null;
let changedAt = null;
let knownAt = null;

async function follow() {
  try {
    const answer = await fetch("data.json", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (answer.status === 200) {
      // What we are told first may have been so for days.
      if (tag !== null) changedAt = new Date();
      tag = answer.headers.get("ETag");
      update(await answer.json());
    } else if (answer.status !== 304) throw new Error("status " + answer.status);
    knownAt = new Date();
    say(followed(), false);
  } catch {
    say(knownAt ? "the server is gone; this is what was known at " + clock(knownAt) : "the server does not answer", true);
  }
  setTimeout(follow, EVERY_MS);
}

function followed() {
  if (!data.campaign.running) return "";
  return "following" + (changedAt ? ", last change " + clock(changedAt) : "");
}

function clock(moment) {
  return moment.toISOString().slice(11, 19) + " UTC";
}

function say(line, lost) {
  const place = byId("live");
  place.hidden = line === "";
  place.className = lost ? "lost" : "";
  if (place.textContent !== line) place.textContent = line;
}
