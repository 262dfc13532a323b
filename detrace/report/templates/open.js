/* The form, the fragment that says what is shown, the keyboard, and printing. */
const form = $(".filters"), fields = Object.fromEntries(FILTERS.map(k => [k, $(`#f-${k}`)]));
if (form) {
  for (const key of ["backend", "dtype"])
    for (const name of [...new Set(spaces.map(s => s[key]))].filter(Boolean).sort()) fields[key].append(new Option(name));
  form.hidden = $(".hint").hidden = false;
  form.addEventListener("submit", e => e.preventDefault());
  form.addEventListener("input", () => { FILTERS.forEach(k => { filter[k] = fields[k].value; }); apply(); remember(); });
  $("#f-clear").addEventListener("click", () => clear());
}
const clear = () => { FILTERS.forEach(k => { filter[k] = fields[k].value = ""; }); apply(); remember(); };

/* The fragment keeps the filters and the law that was opened last. */
const remember = () => {
  const parts = FILTERS.filter(k => filter[k]).map(k => `${k}=${enc(filter[k])}`);
  const tr = bands.flatMap(b => b.rows || []).flatMap(r => [r, ...r.parts]).findLast(r => r.opened);
  if (tr) parts.unshift(`law=${enc(tr.dataset.law)}`);
  try { history.replaceState(null, "", parts.length ? `#${parts.join("&")}` : "#laws"); } catch { /* too many changes at once */ }
};

const target = e => {
  $$(".target").forEach(other => other.classList.remove("target"));
  if (!e) return;
  for (let up = e; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
  e.classList.add("target");
  e.scrollIntoView({ block: "start", behavior: "instant" });
};
const openLaw = name => {
  const law = laws[lawNumber[name]] || laws.find(l => l.theorem === name), band = law && bands.find(b => b.index === law.family);
  if (!band) return null;
  openBand(band);
  let tr = band.rows.find(r => r.which.includes(law.index));
  if (law.about && law.name === name) {
    toggle(tr, null, tr.fold, true);
    tr = tr.parts.find(p => p.which[0] === law.index);
  }
  toggle(tr, null, tr.fold, true);
  return tr;
};
const openItem = path => {
  const [law, subject, space] = path;
  const tr = openLaw(law);
  if (!tr || !tr.opened) return null;
  const all = $(".all", tr.opened.row);
  if (all) all.click();
  return named("data-item", `${law}/${subject}/${space}`, tr.opened.row) || tr;
};
const openDeviation = id => {
  const first = data.merged[id] || id, details = named("data-deviation", first);
  if (details) show(details);
  return first === id ? details : details && named("data-entry", id, details) || details;
};
const openCase = path => {
  const [law, subject] = path, item = items.find(r => r.outcome === 1 && laws[r.law].name === law && subjects[r.subject].name === subject);
  const details = item && openDeviation(item.deviation || `new-${subject}`);
  return details && (named("data-case", `${law}/${subject}`, details) || details);
};
const openContract = name => {
  const known = data.contracts.find(c => c[0] === name);
  for (const box of $$("details[data-contracts]")) {
    if (known && box.dataset.contracts !== known[1]) continue;
    fill(box);
    const found = named("data-contract", name, box);
    if (found) return found;
  }
  return null;
};
const route = () => {
  const hash = location.hash.slice(1), asked = {};
  if (!hash.includes("=")) return;
  for (const part of hash.split("&")) {
    const cut = part.indexOf("="), text = part.slice(cut + 1);
    try { asked[part.slice(0, cut)] = text.split("/").map(decodeURIComponent); } catch { asked[part.slice(0, cut)] = [text]; }
  }
  const said = key => asked[key] ? asked[key].join("/") : "", deep = ["item", "deviation", "case", "contract"].some(k => asked[k]);
  const before = FILTERS.map(k => filter[k]).join("\n");
  for (const k of form ? FILTERS : []) {
    fields[k].value = said(k);
    filter[k] = fields[k].value;
  }
  if (form && (before !== FILTERS.map(k => filter[k]).join("\n") || !deep)) apply();
  const ways = { deviation: () => openDeviation(said("deviation")), case: () => openCase(asked.case), contract: () => openContract(said("contract")),
    item: () => openItem(asked.item), law: () => openLaw(said("law")) };
  const kind = Object.keys(ways).find(k => asked[k]), found = kind && ways[kind]();
  target(found);
  if (kind && !found && counter) counter.textContent = `These results have no ${kind} named ${said(kind)}.`;
  if (!found && form) $("#laws").scrollIntoView({ behavior: "instant" });
};

/* Keys: / searches, j and k go on and back, Enter opens, Escape closes or clears. */
const stops = () => $$("details.deviation > summary, details.family > summary, .marks .fold, details.contract > summary").filter(e => e.checkVisibility());
const move = step => {
  const list = stops(), now = document.activeElement.closest("tr.unfolded") ? document.activeElement.closest("tr.unfolded").of.fold : document.activeElement;
  let k = list.indexOf(now);
  if (k < 0) k = step > 0 ? list.findIndex(e => e.getBoundingClientRect().top > 60) - 1 : list.findLastIndex(e => e.getBoundingClientRect().top < 60) + 1;
  const next = list[k + step];
  if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
};
document.addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const on = e.target, typing = /^(INPUT|SELECT|TEXTAREA)$/.test(on.tagName);
  if (e.key === "Escape") {
    hideTip();
    const row = on.closest("tr.unfolded"), tr = row ? row.of : on.closest("tr");
    if (tr && tr.opened) { close(tr); remember(); }
    else if (filtered() && form) { clear(); if (typing) fields.q.focus(); }
    else if (on.closest("details[open]")) { const d = on.closest("details[open]"); d.open = false; $("summary", d).focus(); }
    else on.blur();
  } else if (e.key === "/" && !typing && form) { e.preventDefault(); fields.q.focus(); fields.q.select(); fields.q.scrollIntoView({ block: "center" }); }
  else if (e.key === "ArrowDown" && on === fields.q) {
    const first = $$(".marks .fold").find(b => b.checkVisibility()) || $$("details.family > summary").find(s => s.checkVisibility());
    if (first) { e.preventDefault(); first.focus(); }
  } else if (!typing && (e.key === "j" || e.key === "k")) { e.preventDefault(); move(e.key === "j" ? 1 : -1); }
  else if ((e.key === "ArrowDown" || e.key === "ArrowUp") && stops().includes(on)) { e.preventDefault(); move(e.key === "ArrowDown" ? 1 : -1); }
});

document.addEventListener("toggle", e => { if (e.target.open) fill(e.target); }, true);
/* Printing shows all, and afterwards what was open before. The cards stand below their table and are short: a browser's time
   for a page of paper grows with all that the document holds. */
let undo = [];
addEventListener("beforeprint", () => {
  for (const band of bands) {
    if (band.details.hidden) continue;
    if (!band.details.open) undo.push(() => { band.details.open = false; });
    openBand(band);
    const cards = band.rows.flatMap(r => [r, ...r.parts]).filter(tr => tr.wanted).map(tr => card(tr.which, null, tr.parts && tr.parts.length > 0, true));
    const printed = make("div", { className: "more printed" }, ...cards);
    $(":scope > div", band.details).append(printed);
    undo.push(() => printed.remove());
  }
  for (let closed; (closed = $$("details:not([open]):not([hidden])")).length;)
    for (const d of closed) { show(d); undo.push(() => { d.open = false; }); }
});
addEventListener("afterprint", () => { undo.forEach(f => f()); undo = []; });

$$("section > [data-chunk]").forEach(holder => fill(holder.parentElement));
if (form) apply();
addEventListener("hashchange", route);
route();
root.dataset.ready = "yes";
