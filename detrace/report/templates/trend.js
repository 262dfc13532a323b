/* Trend: a plot a kernel, its runs in their order on a logarithmic scale, and a table of them. */
const draw = (tag, attributes, ...children) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const k in attributes) e.setAttribute(k, attributes[k]);
  e.append(...children);
  return e;
};
const three = x => x < 999.5 ? x.toPrecision(3) : String(Math.round(x));
const percent = f => f > 0.5 && f < 2 ? `${f > 1 ? "+" : "−"}${Math.round(100 * Math.abs(f - 1))} %` : `× ${f.toPrecision(2)}`;
/* Round values within a range: 1, 2, 5 over decades, else even steps. */
const marks = (low, high) => {
  const found = [];
  if (high / low > 4) {
    for (let p = 10 ** Math.floor(Math.log10(low)); p <= high; p *= 10) found.push(...(high / low > 40 ? [p] : [p, 2 * p, 5 * p]));
  } else {
    const size = (high - low) / 3.2, power = 10 ** Math.floor(Math.log10(size)), step = power * [1, 2, 5, 10].find(m => m * power >= size);
    for (let k = Math.ceil(low / step); k * step <= high; k++) found.push(+(k * step).toPrecision(6));
  }
  return found.filter(v => v >= low && v <= high);
};
const median = list => { const s = [...list].sort((a, b) => a - b), h = s.length >> 1; return s.length % 2 ? s[h] : Math.sqrt(s[h - 1] * s[h]); };
const plotTrend = (k, runs) => {
  const [width, height, left, right, bottom] = [440, 180, 50, 10, 26], top = [10, 24][k.steps.length] ?? 38, n = k.ratio.length;
  const lows = k.ratio.map((r, i) => Math.max(r * (1 - k.low[i] / 1000), r / 8)), highs = k.ratio.map((r, i) => Math.min(r * (1 + k.high[i] / 1000), r * 8));
  let low = Math.min(...lows), high = Math.max(...highs);
  const wider = Math.max(1.03, Math.sqrt(1.3 * low / high)); /* noise of a percent looks like one */
  low /= wider; high *= wider;
  const step = (width - left - right) / n, x = i => left + step * (i + 0.5), y = v => top + (height - top - bottom) * Math.log(high / v) / Math.log(high / low);
  const fixed = v => v.toFixed(1), ticks = marks(low, high);
  const svg = draw("svg", { class: "plot trend", viewBox: `0 0 ${width} ${height}`, role: "img" },
    draw("path", { class: "grid", d: ticks.map(v => `M${left} ${fixed(y(v))}H${width - right}`).join("") }),
    ...ticks.map(v => draw("text", { x: left - 6, y: fixed(y(v) + 4) }, String(v))));
  const edges = [0, ...k.steps.map(s => s[0]), n];
  svg.append(draw("path", { class: "level", d: edges.slice(1).map((end, j) => `M${fixed(x(edges[j]) - step / 2)} ${fixed(y(median(k.ratio.slice(edges[j], end))))}H${fixed(x(end) - step / 2)}`).join("") }));
  k.steps.forEach(([i, factor], j) => {
    const at = x(i) - step / 2, row = top - 8 - 15 * (j % 2), side = at > width - 150;
    svg.append(draw("g", { class: factor > 1 ? "mark up" : "mark" }, draw("path", { class: "step", d: `M${fixed(at)} ${row + 3}V${height - bottom}` }),
      draw("text", { x: fixed(at + (side ? -4 : 4)), y: row + 2, class: side ? "" : "from" }, `${percent(factor)} ${runs[i][1].slice(0, 7)}`)));
  });
  svg.append(draw("g", { class: "runs" }, ...k.ratio.map((r, i) => draw("g", {},
    draw("title", {}, `${runs[i][0]}, commit ${runs[i][1] || "unknown"}: ${three(r)} (${three(lows[i])}–${three(highs[i])})`),
    draw("rect", { x: fixed(x(i) - step / 2), y: top, width: fixed(step), height: height - top - bottom }),
    draw("path", { d: `M${fixed(x(i))} ${fixed(y(lows[i]))}V${fixed(y(highs[i]))}` }),
    draw("circle", { cx: fixed(x(i)), cy: fixed(y(r)), r: n > 40 ? 2 : 2.6 })))));
  const day = i => runs[i][0].slice(0, 10);
  svg.append(draw("text", { class: "from", x: left, y: height - 8 }, day(0)));
  if (day(0) !== day(n - 1)) svg.append(draw("text", { x: width - right, y: height - 8 }, day(n - 1)));
  const said = k.steps.map(([i, factor]) => `a step of ${percent(factor)} at ${runs[i][0]}, commit ${runs[i][1]}`);
  svg.setAttribute("aria-label", `${k.case} ${k.who}: ${plural(n, "run")}, newest ${three(k.ratio[n - 1])} times ${k.control}; ${said.join("; ") || "no step"}`);
  return svg;
};
const short = time => time.replace(/ \D+$/, "");
const tableOfRuns = (k, runs, zone = runs[0][0].slice(short(runs[0][0]).length)) => make("table", { className: "plain" },
  make("caption", { className: "offscreen", textContent: `Runs of ${k.case} ${k.who}` }),
  make("thead", {}, make("tr", {}, ...[`Run${zone}`, "Commit", "Ratio", "95 %", "Step"].map(h => make("th", { scope: "col", textContent: h })))),
  make("tbody", {}, ...k.ratio.map((r, i) => make("tr", {}, ...[short(runs[i][0]), runs[i][1], three(r),
    `${three(r * (1 - k.low[i] / 1000))}–${three(r * (1 + k.high[i] / 1000))}`, k.steps.filter(s => s[0] === i).map(s => percent(s[1])).join("")].map(t => make("td", { textContent: t })))).reverse()));
const trends = JSON.parse(packed.trend);
for (const k of trends.kernels) {
  const runs = k.run.map(i => trends.runs[i]), table = make("details", {}, make("summary", { textContent: k.first ? `The newest ${k.run.length} of ${k.first + k.run.length} runs` : plural(k.run.length, "run") }));
  table.late = () => table.append(tableOfRuns(k, runs));
  $("#trends").append(make("figure", {}, make("figcaption", {}, make("b", { textContent: k.case }), `${k.who}${k.control ? ` over ${k.control}` : ""}`), plotTrend(k, runs), table));
}
