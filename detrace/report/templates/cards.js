/* What a law opens into: its statement and its items. */
const enc = encodeURIComponent;
const itemLink = r => `item=${enc(laws[r.law].name)}/${enc(subjects[r.subject].name)}/${enc(r.space.name)}`;
const caseLink = r => `case=${enc(laws[r.law].name)}/${enc(subjects[r.subject].name)}`;
const copyLink = link => { const b = make("button", { type: "button", className: "link", textContent: "Copy link" }); b.dataset.link = link; return b; };
const line = (r, theorem, alone) => {
  const notes = [], cell = (text, className = "", head = "") => {
    const td = make("td", { className }, String(text));
    if (head) td.dataset.head = head;
    return td;
  };
  if (!r.skipped) notes.push(copyLink(itemLink(r)));
  if (r.reason) notes.push(make("div", { textContent: r.reason }));
  if (r.input) notes.push(make("div", {}, make("code", { textContent: r.input })));
  if (r.branches && r.branches.length) {
    const hit = [];
    for (let i = 0; i < r.branches.length; i += 2) hit.push(`${data.branches[r.branches[i]]} ${r.branches[i + 1]}`);
    notes.push(make("small", { textContent: `branches: ${hit.join(", ")}` }));
  }
  if (r.outcome === 1) notes.push(make("div", {}, make("a", { href: `#${caseLink(r)}`, textContent: "Falsifying input and script" })));
  const row = make("tr", {}, theorem ? cell(laws[r.law].about || laws[r.law].name) : null, alone ? null : cell(subjects[r.subject].name), cell(r.space.name),
    make("td", {}, make("span", { className: `k ${colour(r.kind, r.worst)}`, textContent: SYMBOL[r.kind] }), ` ${WORD[r.kind]}`),
    cell(r.outcome < 2 ? ratio(r.worst) + (r.deviation && r.kind === 1 ? "†" : "") : "", "num"), cell(r.examples ?? "", "num", "examples"),
    cell(r.skipped ? "" : r.undecided ? `${r.undecided} (${Math.round(100 * r.undecided / Math.max(1, r.examples))} %)` : "0", "num", "undecided"),
    cell(r.skipped ? "" : r.seconds || "<0.1", "num", "seconds"), make("td", { className: "w" }, ...notes));
  if (!r.skipped) row.dataset.item = `${laws[r.law].name}/${subjects[r.subject].name}/${r.space.name}`;
  return row;
};
const MANY = 60;
const itemTable = (list, theorem, alone, most = MANY) => {
  const heads = [...(theorem ? ["Contract"] : []), ...(alone ? [] : ["Subject"]), "Space", "Outcome", "Ratio", "Examples", "Undecided", "Seconds", "Worst input, branches, reason"];
  const body = make("tbody");
  const rank = r => [1, DESIGN, UNCHECKED, 2, 0, 3].indexOf(r.kind);
  const order = [...list].sort((a, b) => rank(a) - rank(b) || (number(b.worst) ?? -1) - (number(a.worst) ?? -1));
  const add = from => { for (const r of from) body.append(line(r, theorem, alone)); };
  add(order.slice(0, most));
  const box = make("div", { className: "scroll", tabIndex: 0 }, make("table", {}, make("thead", {}, make("tr", {}, ...heads.map(h => make("th", { scope: "col", textContent: h })))), body));
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", "Items");
  if (order.length <= most) return [box];
  const all = make("button", { type: "button", className: "all", textContent: `All ${order.length} items` });
  all.addEventListener("click", () => { add(order.slice(most)); all.remove(); });
  return [box, all];
};
/* On paper: what is violated or undecided as on the screen; of what held its ratio only, of what was not run its reason. */
const gather = (list, key) => Object.entries(list.reduce((found, r) => { (found[key(r)] ||= []).push(r); return found; }, {}));
const onPaper = (list, theorem) => {
  const open = list.filter(r => r.kind && r.outcome !== 3), out = [];
  const words = (r, text) => { const span = make("span", {}, text); if (!r.skipped) span.dataset.item = `${laws[r.law].name}/${subjects[r.subject].name}/${r.space.name}`; return span; };
  if (open.length) out.push(...itemTable(open, theorem, false, open.length));
  for (const [subject, held] of gather(list.filter(r => !r.kind), r => subjects[r.subject].name))
    out.push(make("p", {}, `✓ ${subject}, ${plural(held.reduce((n, r) => n + r.examples, 0), "example")}: `, ...held.flatMap((r, k) => [k ? ", " : "", words(r, `${r.space.name} ${ratio(r.worst)}`)])));
  for (const [reason, not] of gather(list.filter(r => r.outcome === 3), r => r.reason))
    out.push(make("p", {}, `· not run: ${reason}: `, ...gather(not, r => subjects[r.subject].name).flatMap(([subject, some], k) => [k ? "; " : "", `${subject} `, ...some.flatMap((r, j) => [j ? ", " : "", words(r, r.space.name)])])));
  return out;
};
/* `which` are laws of one theorem, all of them or one; `subject` is a number or null for all. A theorem's card about all
   subjects holds its statement; the items are in the cards of its contracts. */
const card = (which, subject, theorem, paper) => {
  const law = laws[which[0]], name = theorem ? law.theorem : law.name, link = `law=${enc(name)}`;
  const box = make("div", {}, make("h4", {}, make("span", { textContent: subject === null ? name : `${name}, ${subjects[subject].name}` }), " ",
    copyLink(subject === null ? link : `${link}&subject=${enc(subjects[subject].name)}`)));
  const whole = subject === null && (theorem || !law.about);
  const article = named("data-law", law.theorem, tree(`laws-${data.families[law.family][0]}`));
  if (whole && article) box.append(article.cloneNode(true));
  if (!whole) box.append(make("p", {}, make("a", { href: `#law=${enc(law.theorem)}`, textContent: "Statement, sources and the mistakes that it rejects" }),
    ...(law.about && !theorem ? law.contracts.flatMap(c => [", ", make("a", { href: `#contract=${enc(data.contracts[c][0])}`, textContent: `contract ${data.contracts[c][0]}` })]) : [])));
  if (whole && theorem) return box;
  const list = which.flatMap(l => subject === null ? subjects.flatMap(s => at(l, s.index)) : at(l, subject)).filter(wanted);
  if (paper) box.append(...onPaper(list, theorem));
  else if (list.length) box.append(...itemTable(list, theorem, subject !== null));
  else box.append(make("p", { className: "none", textContent: filtered() ? "No item of it is among what is shown." : "The results hold nothing about it: it was not run." }));
  return box;
};
