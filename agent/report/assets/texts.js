// The long texts: unpacked from the file's blocks, or asked of the server, when they are first wanted.

const live = document.documentElement.hasAttribute("data-live");
const kept = new Map();
const unpacked = new Map();
let places = null;

function textOf(key) {
  if (!kept.has(key)) {
    const text = live ? asked(key) : found(key);
    text.catch(() => kept.delete(key));
    kept.set(key, text);
  }
  return kept.get(key);
}

async function asked(key) {
  const answer = await fetch("text/" + encodeURIComponent(key));
  if (!answer.ok) throw new Error("the server does not have this text");
  return answer.text();
}

async function found(key) {
  places = places || new Map(Object.entries(JSON.parse(byId("index").textContent)));
  if (!places.has(key)) throw new Error("this file does not have this text");
  const [block, first, length] = places.get(key);
  if (!unpacked.has(block)) unpacked.set(block, inflated(document.getElementsByClassName("block")[block]));
  return new TextDecoder().decode((await unpacked.get(block)).subarray(first, first + length));
}

async function inflated(element) {
  if (!window.DecompressionStream) throw new Error("this browser is too old to unpack it (no DecompressionStream)");
  const letters = atob(element.textContent);
  const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
