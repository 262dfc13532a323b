"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const SYMBOL = ["✓", "✕", "?", "·"], WORD = ["held", "violated", "undecided", "not run"];
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, properties = {}, ...children) => {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...children.filter(c => c !== ""));
  return e;
};
const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

/* Theme: the system's, until somebody chooses. #theme=dark chooses for one visit. */
const root = document.documentElement, themeButton = $("#theme");
const store = { get: () => { try { return localStorage.getItem("theme"); } catch { return null; } },
  set: v => { try { localStorage.setItem("theme", v); } catch { /* a page opened from a file may have no storage */ } } };
const asked = /theme=(dark|light)/.exec(location.hash);
const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const setTheme = theme => { if (theme) root.dataset.theme = theme; themeButton.textContent = dark() ? "Light" : "Dark"; };
setTheme(asked ? asked[1] : store.get());
themeButton.hidden = false;
themeButton.addEventListener("click", () => { setTheme(dark() ? "light" : "dark"); store.set(root.dataset.theme); });

/* Numbers: two significant digits, as the rest of the page shows them. */
const number = x => x === "inf" ? Infinity : x === "-inf" ? -Infinity : x;
const ratio = raw => {
  const x = number(raw);
  if (x === null || x === undefined) return "–";
  if (!isFinite(x)) return x > 0 ? "∞" : "-∞";
  if (x === 0) return "0";
  if (x > 0 && x < 0.01) return "<0.01";
  const [mantissa, power] = x.toExponential(1).split("e").map(Number);
  if (power > -4 && power < 3) return Number(`${mantissa}e${power}`).toFixed(Math.max(0, 1 - power));
  return `${mantissa.toFixed(1)}·10${[...String(power)].map(c => c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("")}`;
};
const shade = x => [0.01, 0.03, 0.1, 1 / 3].filter(step => number(x) >= step * data.limit).length;

/* Items; zeros at the end of a row are left off, reason and extra count from 1. */
const items = {};
for (const [law, subjects] of Object.entries(data.rows))
  for (const [subject, rows] of Object.entries(subjects))
    items[`${law},${subject}`] = rows.map(([space, outcome = 0, worst = 0, examples = 0, seconds = 0, undecided = 0, reason = 0, known = 0, extra = 0]) =>
      ({ space, outcome, worst, examples, seconds, undecided, reason: data.reasons[reason], known, extra: data.extras[extra - 1] }));
const skipped = (law, subject) => data.skipped.filter(([s, , , laws]) =>
  (s === -1 || s === subject) && (laws === -1 || laws.includes(law)));
const itemsOf = (law, subject, space) => (items[`${law},${subject}`] || []).filter(r => space === "" || r.space === +space);
const skippedOf = (law, subject, space) => skipped(law, subject).filter(s => !(s[0] === -1 && s[3] === -1))
  .flatMap(s => s[3] === -1 ? [s] : s[3].filter(l => l === law).map(() => s))
  .filter(s => space === "" || s[1] === -1 || s[1] === +space);
const summary = (law, subject, space) => {
  const counts = [0, 0, 0, skippedOf(law, subject, space).length];
  let worst = null, where = -1, known = 0;
  for (const r of itemsOf(law, subject, space)) {
    counts[r.outcome]++;
    known += r.outcome === 1 && r.known;
    if (r.outcome < 2 && r.worst !== null && (worst === null || number(r.worst) > number(worst))) { worst = r.worst; where = r.space; }
  }
  const outcome = [1, 0, 2].find(o => counts[o]) ?? 3;
  const css = outcome === 0 ? `h${isFinite(number(worst)) ? shade(worst) : 0}` : " vun"[outcome];
  const text = SYMBOL[outcome] + (outcome < 2 ? ` ${ratio(worst)}` : "") + (outcome === 1 && known === counts[1] ? "†" : "");
  const also = counts.map((n, o) => n && (o !== outcome || o === 2) ? SYMBOL[o] + n : "").filter(Boolean).join(" ");
  const words = counts.map((n, o) => n ? `${n} ${WORD[o]}` : "").filter(Boolean).join(", ") || "not run";
  return { counts, worst, where, outcome, css, text, also, words, known };
};

/* The matrix: cells become buttons, laws can be unfolded, columns sort. */
const grid = $("#grid");
if (grid) {
  const lawRows = $$("tr[data-l]", grid), form = $(".filters");
  const spaceSelect = $("#f-space");
  data.spaces.map((name, k) => [name, k]).sort().forEach(([name, k]) => spaceSelect.append(new Option(name, k)));
  form.hidden = false;
  const cells = [];
  for (const tr of lawRows) {
    const law = +tr.dataset.l;
    tr.cellsOf = $$("td", tr).map((td, subject) => {
      const cell = { td, tr, law, subject, blank: td.className === "x" };
      if (!cell.blank) {
        cell.button = make("button", { type: "button", tabIndex: -1 }, ...td.childNodes);
        cell.button.setAttribute("aria-expanded", "false");
        td.append(cell.button);
        cell.button.cell = cell;
        label(cell);
      }
      cells.push(cell);
      return cell;
    });
    const fold = make("button", { type: "button", className: "fold", textContent: "▸", title: "All subjects and spaces" });
    fold.setAttribute("aria-expanded", "false");
    fold.setAttribute("aria-label", `All subjects and spaces of ${data.laws[law]}`);
    $("th", tr).prepend(fold);
    fold.addEventListener("click", () => unfold(tr, null, fold));
  }
  const first = cells.find(c => c.button);
  if (first) first.button.tabIndex = 0;

  function label(cell) {
    const s = cell.summary = summary(cell.law, cell.subject, spaceSelect.value);
    cell.button.setAttribute("aria-label",
      `${data.laws[cell.law]}, ${data.subjects[cell.subject]}: ${s.words}${s.worst === null ? "" : `, worst ratio ${ratio(s.worst)}`}`);
  }
  function redraw() {
    for (const cell of cells) {
      if (cell.blank) continue;
      label(cell);
      cell.td.className = cell.summary.css;
      cell.button.replaceChildren(cell.summary.text, ...(cell.summary.also ? [make("small", { textContent: cell.summary.also })] : []));
    }
  }

  const tip = $("#tip");
  function showTip(button) {
    const { law, subject, summary: s } = button.cell, lines = [`${data.subjects[subject]}: ${s.words}`];
    if (s.worst !== null) lines.push(`worst ratio ${ratio(s.worst)} of ${data.limit} in ${data.spaces[s.where]}`);
    if (s.known) lines.push(`† ${plural(s.known, "violation")} in the ledger`);
    const why = itemsOf(law, subject, spaceSelect.value).find(r => r.outcome === 2);
    if (why && why.reason) lines.push(`undecided: ${why.reason}`);
    const no = skippedOf(law, subject, spaceSelect.value)[0];
    if (no) lines.push(`not run: ${data.reasons[no[2]]}`);
    else if (s.outcome === 3) {
      const away = skipped(law, subject)[0];
      lines.push(away ? `not run: ${data.reasons[away[2]]}` : "the results hold nothing about it");
    }
    tip.textContent = lines.join("\n");
    tip.hidden = false;
    const box = button.getBoundingClientRect(), size = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(6, Math.min(box.right - size.width, innerWidth - size.width - 6))}px`;
    tip.style.top = `${box.bottom + size.height + 8 > innerHeight ? box.top - size.height - 5 : box.bottom + 5}px`;
  }
  const hideTip = () => { tip.hidden = true; };
  grid.addEventListener("pointerover", e => { const b = e.target.closest("button"); if (b && b.cell && e.pointerType !== "touch") showTip(b); else hideTip(); });
  grid.addEventListener("pointerleave", hideTip);
  grid.addEventListener("focusin", e => { if (e.target.cell && e.target.matches(":focus-visible")) showTip(e.target); });
  grid.addEventListener("focusout", hideTip);
  addEventListener("scroll", hideTip, { passive: true });
  grid.addEventListener("click", e => { const b = e.target.closest("button"); if (b && b.cell) unfold(b.cell.tr, b.cell.subject, b); });
  grid.addEventListener("keydown", e => {
    if (e.key === "Escape") { hideTip(); close(e.target.closest("tr")); return; }
    const cell = e.target.cell, step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[e.key];
    if (!cell || !step) return;
    e.preventDefault();
    const rows = lawRowsShown();
    let i = rows.indexOf(cell.tr), j = cell.subject;
    do { i += step[0]; j += step[1]; } while (rows[i] && rows[i].cellsOf[j] && rows[i].cellsOf[j].blank);
    const next = rows[i] && rows[i].cellsOf[j];
    if (next && next.button) { cell.button.tabIndex = -1; next.button.tabIndex = 0; next.button.focus(); }
  });
  const lawRowsShown = () => $$("tr[data-l]", grid).filter(tr => !tr.hidden && !tr.parentNode.hidden);

  function close(tr) {
    if (!tr) return;
    const owner = tr.owner || tr, opened = owner.opened;
    if (!opened) return;
    if (opened.row.contains(document.activeElement)) opened.by.focus();
    opened.row.remove();
    opened.by.setAttribute("aria-expanded", "false");
    if (opened.by.className === "fold") opened.by.textContent = "▸";
    owner.opened = null;
  }
  function unfold(tr, subject, by) {
    const same = tr.opened && tr.opened.by === by;
    close(tr);
    if (same) return;
    const row = make("tr", { className: "unfolded", owner: tr }, make("td", { className: "more", colSpan: data.subjects.length + 1 },
      detail(+tr.dataset.l, subject, tr)));
    tr.after(row);
    tr.opened = { row, by };
    by.setAttribute("aria-expanded", "true");
    if (by.className === "fold") by.textContent = "▾";
  }
  function detail(law, subject, tr) {
    const name = data.laws[law], space = spaceSelect.value, link = $("th a", tr).getAttribute("href");
    const title = make("h4", {}, make("a", { href: link, textContent: name }), subject === null ? "" : `, ${data.subjects[subject]}`);
    const who = subject === null ? data.subjects.map((_, k) => k) : [subject];
    const head = [...(subject === null ? ["Subject"] : []), "Space", "Outcome", "Ratio", "Examples", "Undecided", "Seconds", "Worst input, branches, reason"];
    const body = make("tbody");
    for (const s of who) {
      for (const r of itemsOf(law, s, space).sort((a, b) => number(b.worst ?? -1) - number(a.worst ?? -1))) {
        const extra = r.extra, notes = [];
        if (r.reason) notes.push(make("div", { textContent: r.reason }));
        if (extra && extra[0]) notes.push(make("div", {}, make("code", { textContent: extra[0] })));
        if (extra && extra.length > 1) {
          const hit = [];
          for (let i = 1; i < extra.length; i += 2) hit.push(`${data.branches[extra[i]]} ${extra[i + 1]}`);
          notes.push(make("small", { textContent: `branches: ${hit.join(", ")}` }));
        }
        if (!extra && data.cut) notes.push(make("small", { textContent: "input and branches: in the results file" }));
        body.append(line(subject === null ? data.subjects[s] : null, data.spaces[r.space], r.outcome, ratio(r.worst) + (r.known ? "†" : ""), r.examples, r.undecided ? `${r.undecided} (${Math.round(100 * r.undecided / Math.max(1, r.examples))} %)` : "0", r.seconds || "<0.1", notes, shadeOf(r)));
      }
      for (const [, sp, reason] of subject === null ? skippedOf(law, s, space) : [...skippedOf(law, s, space), ...skipped(law, s).filter(k => k[0] === -1 && k[3] === -1)])
        body.append(line(subject === null ? data.subjects[s] : null, sp === -1 ? "all" : data.spaces[sp], 3, "", "", "", "", [make("div", { textContent: data.reasons[reason] })], "n"));
    }
    const box = make("div", {}, title);
    const anchor = subject === null ? null : document.getElementById(caseId(name, data.subjects[subject]));
    if (anchor) box.append(make("p", {}, make("a", { href: `#${anchor.id}`, textContent: "The falsifying input, what came out, and a script that reproduces it" })));
    if (body.children.length) box.append(make("table", {}, make("thead", {}, make("tr", {}, ...head.map(h => make("th", { scope: "col", textContent: h })))), body));
    else box.append(make("p", { textContent: "The results hold nothing about it: it was not run." }));
    return box;
  }
  const shadeOf = r => r.outcome === 0 ? `h${isFinite(number(r.worst)) ? shade(r.worst) : 0}` : " vun"[r.outcome];
  const caseId = (...names) => `falsified-${names.map(n => n.replace(/[^A-Za-z0-9_.]+/g, "-").replace(/^-+|-+$/g, "") || "x").join("-")}`;
  function line(subject, space, outcome, worst, examples, undecided, seconds, notes, css) {
    const cell = (text, className = "") => make("td", { className }, String(text));
    return make("tr", {}, ...(subject === null ? [] : [cell(subject)]), cell(space),
      make("td", {}, make("span", { className: `k ${css}`, textContent: SYMBOL[outcome] }), ` ${WORD[outcome]}`),
      cell(worst, "num"), cell(examples, "num"), cell(undecided, "num"), cell(seconds, "num"), make("td", { className: "w" }, ...notes));
  }

  /* Filters */
  const text = $("#f-text"), out = $("#f-out"), family = $("#f-fam"), counter = $("#f-count");
  function filter() {
    let shown = 0;
    for (const tr of lawRows) {
      const wanted = data.laws[+tr.dataset.l].toLowerCase().includes(text.value.trim().toLowerCase().replace(/ /g, "_"))
        && (!family.value || tr.parentNode.dataset.family === family.value)
        && (!out.value || tr.cellsOf.some(c => !c.blank && (out.value === "near"
          ? c.summary.outcome === 0 && number(c.summary.worst) >= data.limit / 3 : c.summary.counts[out.value] || (out.value === "3" && c.summary.outcome === 3))));
      tr.hidden = !wanted;
      if (tr.opened) tr.opened.row.hidden = !wanted;
      shown += wanted;
    }
    for (const body of $$("tbody[data-family]", grid)) body.hidden = !$$("tr[data-l]", body).some(tr => !tr.hidden);
    counter.textContent = shown === lawRows.length ? plural(shown, "law") : `${shown} of ${plural(lawRows.length, "law")}`;
    const start = lawRowsShown().flatMap(tr => tr.cellsOf).find(c => c.button);
    cells.forEach(c => { if (c.button) c.button.tabIndex = -1; });
    if (start) start.button.tabIndex = 0;
  }
  form.addEventListener("submit", e => e.preventDefault());
  [text, out, family].forEach(e => e.addEventListener("input", filter));
  spaceSelect.addEventListener("input", () => { lawRows.forEach(close); redraw(); filter(); });
  filter();

  /* Sorting, within families */
  const weight = c => c.blank ? -4 : [number(c.summary.worst) ?? 0, 1e300, -1, -2][c.summary.outcome] + (c.summary.outcome === 1 ? 1e300 * Math.min(1, number(c.summary.worst) / 1e6) * 1e-3 : 0);
  $$("#grid > thead th").forEach((th, column) => {
    const button = make("button", { type: "button" }, ...[...th.childNodes].filter(n => n.tagName !== "SMALL"));
    th.prepend(button);
    button.title = column ? "Sort by worst ratio" : "Sort by name";
    button.addEventListener("click", () => {
      const now = th.getAttribute("aria-sort"), next = column ? (now === "descending" ? "" : "descending") : (now === "ascending" ? "" : "ascending");
      $$("#grid > thead th").forEach(other => other.removeAttribute("aria-sort"));
      if (next) th.setAttribute("aria-sort", next);
      lawRows.forEach(close);
      const key = tr => !next ? +tr.dataset.l : column ? -weight(tr.cellsOf[column - 1]) : data.laws[+tr.dataset.l];
      for (const body of $$("tbody[data-family]", grid))
        body.append(...$$("tr[data-l]", body).sort((a, b) => key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a.dataset.l - b.dataset.l));
    });
  });
}

/* Other tables that sort */
const value = text => {
  const [, mantissa, power = ""] = /^\s*(-?[\d.]+)(?:·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?/.exec(text) || [];
  return mantissa * 10 ** (power && [...power].map(c => c === "⁻" ? "-" : "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(c)).join(""));
};
for (const table of $$("table.sortable")) {
  $$("thead th", table).forEach((th, column) => {
    const button = make("button", { type: "button" }, ...[...th.childNodes].filter(n => n.tagName !== "SMALL"));
    th.prepend(button);
    button.addEventListener("click", () => {
      const body = table.tBodies[0], up = th.getAttribute("aria-sort") !== "ascending";
      $$("thead th", table).forEach(other => other.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = tr => { const t = tr.cells[column].textContent; return { t, n: value(t.replace(/^[^\d-]*= */, "")) }; };
      const order = (a, b) => { const x = key(a), y = key(b); return (isNaN(x.n) || isNaN(y.n) ? isNaN(x.n) - isNaN(y.n) || x.t.localeCompare(y.t) : x.n - y.n) * (up ? 1 : -1); };
      body.append(...[...body.rows].sort(order));
    });
  });
}

/* Scripts can be copied; a link into something folded unfolds it. */
for (const button of $$(".copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const pre = button.nextElementSibling;
    try { await navigator.clipboard.writeText(pre.textContent); button.textContent = "Copied"; }
    catch { getSelection().selectAllChildren(pre); button.textContent = document.execCommand("copy") ? "Copied" : "Selected"; }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}
function reveal() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();
addEventListener("beforeprint", () => $$("details").forEach(d => { d.open = true; }));
root.dataset.ready = "yes";
})();
