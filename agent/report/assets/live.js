// Beside a server: asks every two seconds what has changed, and says how it stands with the campaign.

const EVERY_MS = 2000;
let tag = null;
let changedAt = null;

async function follow() {
  try {
    const answer = await fetch("data.json", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (answer.status === 200) {
      tag = answer.headers.get("ETag");
      changedAt = new Date();
      update(await answer.json());
    } else if (answer.status !== 304) throw new Error("status " + answer.status);
    say(followed(), false);
  } catch {
    say(changedAt ? "the server is gone; this is what was known at " + clock(changedAt) : "the server does not answer", true);
  }
  setTimeout(follow, EVERY_MS);
}

function followed() {
  const { running, standing } = data.campaign;
  return running ? "following, last change " + clock(changedAt) : standing + ", last change " + clock(changedAt);
}

function clock(moment) {
  return [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
}

function say(line, lost) {
  const place = byId("live");
  place.hidden = false;
  place.className = lost ? "lost" : "";
  if (place.textContent !== line) place.textContent = line;
}
