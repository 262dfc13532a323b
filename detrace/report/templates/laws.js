/* The laws: a table a family, of the subjects that have to do with it; rows open, cells open, columns sort. */
const bands = $$("details.family[data-family]").map(details => ({ details, name: details.dataset.family, index: data.families.findIndex(f => f[0] === details.dataset.family) }));
const tip = $("#tip"), counter = $("#f-count");
const theoremOf = {};
for (const law of laws) (theoremOf[`${law.family}/${law.theorem}`] ||= []).push(law.index);

for (const band of bands) {
  const mine = laws.filter(l => l.family === band.index);
  band.groups = [...new Set(mine.map(l => l.theorem))].map(t => theoremOf[`${band.index}/${t}`]);
  band.subjects = subjects.filter(s => mine.some(l => at(l.index, s.index).length));
}

/* One row; a theorem's row stands for all of its laws, and one row each follows it. */
const makeRow = (band, which, inner) => {
  const law = laws[which[0]], tr = make("tr"), theorem = !inner && law.about !== "";
  const fold = make("button", { type: "button", className: "fold" });
  fold.append(...(inner ? law.about : law.theorem).split(/(?<=[_.])/).flatMap((part, k) => k ? [make("wbr"), part] : [part]));
  if (theorem) fold.append(make("small", { textContent: plural(which.length, "contract") }));
  fold.setAttribute("aria-expanded", "false");
  const head = make("th", { scope: "row" }, fold);
  tr.append(head);
  Object.assign(tr, { which, fold, inner, cellsOf: [] });
  if (inner) tr.className = "inner";
  tr.dataset.law = inner ? law.name : law.theorem;
  fold.addEventListener("click", () => { toggle(tr, null, fold); remember(); });
  for (const subject of band.subjects) {
    const td = make("td");
    tr.append(td);
    tr.cellsOf.push({ td, tr, subject: subject.index, column: tr.cellsOf.length });
  }
  return tr;
};
const build = band => {
  if (band.table) return;
  const heads = [make("th", { scope: "col" }, "Law"), ...band.subjects.map(s => {
    const th = make("th", { scope: "col" }, ...s.name.split(/(?<=[_.])/).flatMap((part, k) => k ? [make("wbr"), part] : [part]));
    if (s.version) th.append(make("small", { textContent: s.version.startsWith(`${s.name} `) ? s.version.slice(s.name.length + 1) : s.version }));
    return th;
  })];
  band.body = make("tbody");
  band.table = make("table", { className: "marks" }, make("thead", {}, make("tr", {}, ...heads)), band.body);
  band.rows = [];
  for (const which of band.groups) {
    const tr = makeRow(band, which, false);
    band.rows.push(tr);
    tr.parts = laws[which[0]].about ? which.map(l => makeRow(band, [l], true)) : [];
    tr.parts.forEach(part => { part.hidden = true; part.owner = tr; });
  }
  arrange(band, band.rows);
  const scroll = make("div", { className: "scroll", tabIndex: 0 }, band.table);
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", `Laws of ${data.families[band.index][1]}`);
  $(":scope > div", band.details).append(scroll);
  heads.forEach((th, column) => sorting(band, th, column));
  grid(band);
};
const arrange = (band, order) => band.body.append(...order.flatMap(tr => [tr, ...tr.parts]));

const listOf = (tr, subject) => tr.which.flatMap(l => at(l, subject)).filter(wanted);
const redraw = band => {
  if (!band.table || !band.details.open) { band.stale = true; return; }
  band.stale = false;
  const used = band.subjects.map(() => false);
  for (const tr of band.rows.flatMap(r => [r, ...r.parts])) {
    let any = false;
    for (const cell of tr.cellsOf) {
      const list = listOf(tr, cell.subject);
      cell.blank = !list.length && (filtered() || !tr.which.some(l => offered(l, cell.subject)));
      any ||= list.length > 0;
      used[cell.column] ||= list.length > 0;
      cell.summary = summary(list);
      cell.td.className = cell.blank ? "x" : cell.summary.css;
      if (cell.blank) { cell.td.replaceChildren(); cell.button = null; continue; }
      if (!cell.button) {
        cell.button = make("button", { type: "button", tabIndex: -1 });
        cell.button.cell = cell;
        cell.button.setAttribute("aria-expanded", "false");
        cell.td.replaceChildren(cell.button);
      }
      const s = cell.summary;
      cell.button.replaceChildren(s.text, ...(s.also ? [make("small", { textContent: s.also })] : []));
      cell.button.setAttribute("aria-label", `${tr.dataset.law}, ${subjects[cell.subject].name}: ${s.words}${s.worst === null ? "" : `, worst ratio ${ratio(s.worst)}`}`);
    }
    tr.wanted = any || !filtered() || (plain() && tr.which.some(l => wantedLaw(laws[l])));
    tr.hidden = !tr.wanted || (tr.inner && !tr.owner.spread);
    if (tr.opened) tr.opened.row.hidden = tr.hidden;
  }
  const hide = used.map(u => filtered() && !u && used.some(Boolean));
  $$("thead th", band.table).forEach((th, k) => { if (k) th.hidden = hide[k - 1]; });
  for (const tr of band.rows.flatMap(r => [r, ...r.parts])) tr.cellsOf.forEach((cell, k) => { cell.td.hidden = hide[k]; });
  band.table.querySelectorAll("td button").forEach(b => { b.tabIndex = -1; });
  const first = $("tbody tr:not([hidden]) td:not([hidden]) button", band.table);
  if (first) first.tabIndex = 0;
};
/* Only a family is asked for: laws without any item are shown too. */
const plain = () => filter.family && FILTERS.every(k => k === "family" || !filter[k]);

/* Opening: the card of a row or of a cell, in a row of its own; a theorem's laws below it. */
const close = tr => {
  const opened = tr && tr.opened;
  if (!opened) return;
  if (opened.row.contains(document.activeElement)) opened.by.focus();
  opened.row.remove();
  opened.by.setAttribute("aria-expanded", "false");
  tr.opened = null;
  if (tr.parts && tr.spread) { tr.spread = false; tr.parts.forEach(part => { close(part); part.hidden = true; }); }
};
const toggle = (tr, subject, by, keep) => {
  const same = tr.opened && tr.opened.by === by;
  if (same && keep) return;
  close(tr);
  if (same) return;
  const box = card(tr.which, subject, tr.parts && tr.parts.length > 0);
  const row = make("tr", { className: "unfolded" }, make("td", { className: "more", colSpan: tr.cellsOf.length + 1 }, box));
  row.of = tr;
  tr.after(row);
  tr.opened = { row, by, subject };
  by.setAttribute("aria-expanded", "true");
  if (tr.parts && tr.parts.length && subject === null) { tr.spread = true; tr.parts.forEach(part => { part.hidden = !part.wanted; }); }
};

const hideTip = () => { tip.hidden = true; };
const showTip = button => {
  const { tr, subject, summary: s } = button.cell, lines = [`${subjects[subject].name}: ${s.words}`], list = listOf(tr, subject);
  if (s.worst !== null) lines.push(`worst ratio ${ratio(s.worst)} of ${data.limit} in ${s.where}`);
  if (s.known) lines.push(`† ${plural(s.known, "violation")} in the ledger`);
  const why = list.find(r => r.outcome === 2 && r.reason), no = list.find(r => r.outcome === 3);
  if (why) lines.push(`undecided: ${why.reason}`);
  if (no) lines.push(`not run: ${no.reason}`);
  else if (s.outcome === 3) lines.push("the results hold nothing about it");
  tip.textContent = lines.join("\n");
  tip.hidden = false;
  const box = button.getBoundingClientRect(), size = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(6, Math.min(box.right - size.width, innerWidth - size.width - 6))}px`;
  tip.style.top = `${box.bottom + size.height + 8 > innerHeight ? box.top - size.height - 5 : box.bottom + 5}px`;
};
addEventListener("scroll", hideTip, { passive: true });

const shownRows = band => $$("tbody > tr:not(.unfolded)", band.table).filter(tr => !tr.hidden);
const grid = band => {
  const table = band.table;
  table.addEventListener("pointerover", e => { const b = e.target.closest("button"); if (b && b.cell && e.pointerType !== "touch") showTip(b); else hideTip(); });
  table.addEventListener("pointerleave", hideTip);
  table.addEventListener("focusin", e => { if (e.target.cell && e.target.matches(":focus-visible")) showTip(e.target); });
  table.addEventListener("focusout", hideTip);
  table.addEventListener("click", e => { const b = e.target.closest("button"); if (b && b.cell) { toggle(b.cell.tr, b.cell.subject, b); remember(); } });
  table.addEventListener("keydown", e => {
    const cell = e.target.cell, step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[e.key];
    if (!cell || !step) return;
    e.preventDefault();
    e.stopPropagation();
    const list = shownRows(band), free = c => c && c.button && !c.td.hidden;
    let i = list.indexOf(cell.tr), j = cell.column;
    do { i += step[0]; j += step[1]; } while (list[i] && list[i].cellsOf[j] && !free(list[i].cellsOf[j]));
    const next = list[i] && list[i].cellsOf[j];
    if (free(next)) { cell.button.tabIndex = -1; next.button.tabIndex = 0; next.button.focus(); }
  });
};
const weight = c => c.blank ? -4 : c.summary.outcome === 1 ? 1e200 + Math.min(number(c.summary.worst) ?? 1e190, 1e190) * 1e9 : c.summary.outcome === DESIGN ? 1e6 + Math.min(number(c.summary.worst) ?? 1e190, 1e190) : c.summary.outcome === UNCHECKED ? 1e3 : [number(c.summary.worst) ?? 0, 0, -1, -2][c.summary.outcome];
const sorting = (band, th, column) => {
  const button = make("button", { type: "button", title: column ? "Sort by worst ratio" : "Sort by name" }, ...[...th.childNodes].filter(n => n.tagName !== "SMALL"));
  th.prepend(button);
  button.addEventListener("click", () => {
    const now = th.getAttribute("aria-sort"), next = column ? (now === "descending" ? "" : "descending") : (now === "ascending" ? "" : "ascending");
    $$("thead th", band.table).forEach(other => other.removeAttribute("aria-sort"));
    if (next) th.setAttribute("aria-sort", next);
    band.rows.forEach(close);
    const key = tr => !next ? tr.which[0] : column ? -weight(tr.cellsOf[column - 1]) : tr.dataset.law;
    arrange(band, [...band.rows].sort((a, b) => key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a.which[0] - b.which[0]));
  });
};

/* Families: their outcomes beside their names; those without anything that is asked for are hidden. */
const openBand = band => { build(band); band.details.open = true; if (band.stale !== false) redraw(band); };
for (const band of bands) {
  band.tally = make("span", { className: "tally" });
  $("summary", band.details).append(band.tally);
  band.details.addEventListener("toggle", () => { if (band.details.open) openBand(band); });
}
const apply = () => {
  setWords();
  const shown = bands.map(band => {
    const counts = WORD.map(() => 0), seen = new Set();
    for (const group of band.groups) for (const l of group) {
      if (!wantedLaw(laws[l])) continue;
      if (plain() || !filtered()) seen.add(l);
      for (const s of band.subjects) for (const item of at(l, s.index)) if (wanted(item)) { counts[item.kind]++; seen.add(l); }
    }
    band.details.hidden = !seen.size;
    band.tally.replaceChildren(...[0, 1, DESIGN, UNCHECKED, 2, 3].flatMap(o => counts[o] ? [make("span", { className: `k ${o ? colour(o) : "h2"}`, textContent: `${SYMBOL[o]} ${counts[o].toLocaleString("en")}`, title: `${plural(counts[o], "item")} ${WORD[o]}` })] : []));
    if (band.rows) band.rows.flatMap(r => [...r.parts, r]).forEach(tr => { if (tr.opened) close(tr); });
    band.stale = true;
    if (filtered() && seen.size) openBand(band);
    else redraw(band);
    return { laws: seen.size, counts };
  });
  const total = shown.reduce((n, s) => n + s.laws, 0), by = WORD.map((_, o) => shown.reduce((n, s) => n + s.counts[o], 0));
  const figure = (n, o) => `${n.toLocaleString("en")} ${WORD[o]}`, excused = by.splice(DESIGN);
  const notes = excused.flatMap((n, k) => n ? [figure(n, DESIGN + k)] : []).join(", ");
  by[1] += excused.reduce((sum, n) => sum + n);
  const said = (n, o) => figure(n, o) + (o === 1 && notes ? ` (${notes})` : "");
  counter.textContent = `${total === laws.length ? plural(total, "law") : `${total} of ${plural(laws.length, "law")}`}, ${plural(by[0] + by[1] + by[2], "item")}: ${by.map(said).join(", ")}`;
};
