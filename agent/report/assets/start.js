// Facts come in here, at first and, live, whenever they change.

function update(fresh) {
  const first = data === null;
  data = fresh;
  keeping(() => {
    showHead(data);
    showOverview(data);
    showTree(data);
  });
  showAddress(!first);
}

window.addEventListener("hashchange", () => {
  if (data !== null && location.hash !== "#lineage") showAddress(false);
});
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  focusRow(marked(chosen(), true));
});
if (live) follow();
else update(JSON.parse(byId("data").textContent));
