/* Numbers: two significant digits, as the rest of the page shows them. */
const SYMBOL = ["✓", "✕", "?", "·", "≠", "∉"], WORD = ["held", "violated", "undecided", "not run", "by design", "unchecked"], DESIGN = 4, UNCHECKED = 5;
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

/* Items, judged and not run, with the law, subject and space that they are about. */
const data = JSON.parse(packed.items);
const shade = x => [0.01, 0.03, 0.1, 1 / 3].filter(step => number(x) >= step * data.limit).length;
const colour = (outcome, worst) => outcome === 0 ? `h${worst !== null && isFinite(number(worst)) ? shade(worst) : 0}` : " vundi"[outcome];
const laws = data.laws.map(([name, theorem, family, contracts, tex], index) => ({ index, name, theorem, family, contracts, tex,
  about: name === theorem ? "" : name.slice(theorem.length + 1),
  words: `${name} ${contracts.map(c => data.contracts[c][0]).join(" ")} ${tex} ${data.families[family].join(" ")}`.toLowerCase() }));
const subjects = data.subjects.map(([name, role, version, missing], index) => ({ index, name, role, version, missing: new Set(missing) }));
const spaces = data.spaces.map((name, index) => {
  const cut = name.lastIndexOf("-");
  return { index, name, backend: name.slice(0, cut), dtype: name.slice(cut + 1) };
});
const lawNumber = Object.fromEntries(laws.map(l => [l.name, l.index])), cellsAt = new Map();
const at = (law, subject) => {
  const key = law * 4096 + subject;
  if (!cellsAt.has(key)) cellsAt.set(key, []);
  return cellsAt.get(key);
};
const excuse = new Map(data.excused.flatMap((list, k) => list.map(d => [d, DESIGN + k]))), rows = data.rows, items = rows.law.map((law, i) => ({ law, subject: rows.subject[i], space: spaces[rows.space[i]],
  outcome: rows.outcome[i], worst: rows.worst[i], examples: rows.examples[i], seconds: rows.seconds[i], undecided: rows.undecided[i],
  reason: data.reasons[rows.reason[i]], deviation: data.deviations[rows.deviation[i]],
  kind: rows.outcome[i] === 1 ? excuse.get(rows.deviation[i]) ?? 1 : rows.outcome[i], input: rows.input[i], branches: rows.branches[i] }));
const offered = (law, subject) => !laws[law].contracts.some(c => subjects[subject].missing.has(c));
for (const [subject, space, reason, which] of data.skipped) {
  if (subject === -1 && which === -1) continue; /* a space that is not here at all: the page says so once */
  for (const s of subject === -1 ? subjects.keys() : [subject])
    for (const law of which === -1 ? laws.keys() : which)
      if (subject !== -1 || offered(law, s))
        items.push({ law, subject: s, space: space === -1 ? { name: "all", backend: "", dtype: "" } : spaces[space], outcome: 3, kind: 3,
          worst: null, reason: data.reasons[reason], skipped: true });
}
for (const item of items) at(item.law, item.subject).push(item);

/* What is asked for. */
const FILTERS = ["q", "outcome", "family", "subject", "backend", "dtype"];
const KINDS = { __proto__: null, defect: 1, design: DESIGN, unchecked: UNCHECKED };
const filter = Object.fromEntries(FILTERS.map(k => [k, ""]));
let words = [];
const squeezed = text => text.toLowerCase().replace(/[\s_]+/g, "_");
const wantedLaw = law => !filter.family || data.families[law.family][0] === filter.family;
const wanted = item => {
  const subject = subjects[item.subject].name;
  if (filter.subject && subject !== filter.subject) return false;
  if (filter.backend && item.space.backend !== filter.backend && item.space.backend) return false;
  if (filter.dtype && item.space.dtype !== filter.dtype && item.space.dtype) return false;
  if (filter.outcome in KINDS ? item.kind !== KINDS[filter.outcome] : filter.outcome === "new" ? item.outcome !== 1 || item.deviation
    : filter.outcome === "near" ? item.outcome !== 0 || number(item.worst) < data.limit / 3
      : filter.outcome && WORD[item.outcome] !== filter.outcome) return false;
  const law = laws[item.law].words, place = `${subject} ${item.space.name}`.toLowerCase();
  return words.every(w => law.includes(w) || law.includes(squeezed(w)) || place.includes(w));
};
const filtered = () => FILTERS.some(k => filter[k]);
/* Several words are all sought; words that make up a name may have spaces for underscores. */
const setWords = () => {
  const text = filter.q.trim().toLowerCase(), whole = squeezed(text);
  words = text && laws.some(l => l.words.includes(whole)) ? [whole] : text.split(/\s+/).filter(Boolean);
};

/* A cell sums up items of one subject: violated if any is, by design or unchecked if no other is; else held, undecided, not run. */
const summary = list => {
  const counts = WORD.map(() => 0);
  let worst = null, where = "", known = 0;
  for (const r of list) {
    counts[r.kind]++;
    known += r.kind === 1 && !!r.deviation;
    if (r.outcome < 2 && r.worst !== null && (worst === null || number(r.worst) > number(worst))) { worst = r.worst; where = r.space.name; }
  }
  const outcome = [1, DESIGN, UNCHECKED, 0, 2].find(o => counts[o]) ?? 3;
  const text = SYMBOL[outcome] + (outcome < 2 || outcome >= DESIGN ? ` ${ratio(worst)}` : "") + (outcome === 1 && known === counts[1] ? "†" : "");
  const also = counts.map((n, o) => n && (o !== outcome || o === 2) ? SYMBOL[o] + n : "").filter(Boolean).join(" ");
  const said = counts.map((n, o) => n ? `${n} ${WORD[o]}` : "").filter(Boolean).join(", ") || "not run";
  return { counts, worst, where, outcome, css: colour(outcome, worst), text, also, words: said, known };
};
