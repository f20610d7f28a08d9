// Pictures come as SVG text. Only shapes and words of it get into the page: no script, no style, no address but
// one within the page.

const SHAPES = new Set(["svg", "g", "a", "title", "desc", "path", "line", "circle", "rect", "text", "tspan"]);
const ADDRESSES = new Set(["href", "xlink:href"]);

function picture(svg) {
  const parsed = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  return parsed.localName === "svg" ? document.importNode(cleaned(parsed), true) : make("p", { class: "quiet" }, "no picture");
}

function cleaned(element) {
  for (const child of [...element.children]) {
    if (SHAPES.has(child.localName)) cleaned(child);
    else child.remove();
  }
  for (const { name, value } of [...element.attributes]) {
    const leaves = ADDRESSES.has(name) && !value.startsWith("#");
    if (leaves || name.startsWith("on") || name === "style") element.removeAttribute(name);
  }
  return element;
}
