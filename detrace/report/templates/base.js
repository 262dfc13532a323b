const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, properties = {}, ...children) => {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...children.filter(c => c !== "" && c !== null));
  return e;
};
const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
const named = (attribute, value, root = document) => $(`[${attribute}="${CSS.escape(value)}"]`, root);

/* Theme: the system's, until somebody chooses. */
const root = document.documentElement, themeButton = $("#theme");
const store = { get: () => { try { return localStorage.getItem("theme"); } catch { return null; } },
  set: v => { try { localStorage.setItem("theme", v); } catch { /* a page opened from a file may have no storage */ } } };
const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const setTheme = theme => { if (theme) root.dataset.theme = theme; themeButton.textContent = dark() ? "Light" : "Dark"; };
setTheme(store.get());
themeButton.hidden = false;
themeButton.addEventListener("click", () => { setTheme(dark() ? "light" : "dark"); store.set(root.dataset.theme); });

/* Packed parts: one stream in base 85, five characters for four bytes; names and texts by turns. */
const block = $("#packed"), packed = {};
if (block.dataset.codec === "deflate" && !("DecompressionStream" in window)) {
  $("#old").hidden = false;
  root.dataset.ready = "no";
  return;
}
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;/=>?@^_`{|}~";
const unbase85 = text => {
  const digit = new Uint8Array(128), size = Math.floor(text.length * 4 / 5), bytes = new DataView(new ArrayBuffer(size + 4));
  [...DIGITS].forEach((c, k) => { digit[c.charCodeAt(0)] = k; });
  for (let i = 0, to = 0; i < text.length; i += 5, to += 4) {
    let word = 0;
    for (let j = i; j < i + 5; j++) word = word * 85 + (j < text.length ? digit[text.charCodeAt(j)] : 84);
    bytes.setUint32(to, word);
  }
  return new Uint8Array(bytes.buffer, 0, size);
};
/* LZMA with lc = 4, lp = pb = 0, up to its end mark: a range decoder of bits whose odds adapt. */
const unlzma = bytes => {
  const odds = n => new Uint16Array(n).fill(1024);
  const match = odds(12), rep = odds(12), rep0 = odds(12), rep1 = odds(12), rep2 = odds(12), long0 = odds(12);
  const literal = odds(768 << 4), slot = odds(256), special = odds(128), align = odds(16);
  const lengths = () => ({ choice: odds(2), low: odds(8), mid: odds(8), high: odds(256) }), first = lengths(), again = lengths();
  let out = new Uint8Array(bytes.length * 8), n = 0, at = 5, range = 0xffffffff, code = new DataView(bytes.buffer).getUint32(1);
  let state = 0, back = [0, 0, 0, 0];
  const next = () => { if (range < 0x1000000) { range = range << 8 >>> 0; code = (code << 8 | bytes[at++]) >>> 0; } };
  const bit = (p, i) => {
    const bound = (range >>> 11) * p[i], one = code >= bound;
    if (one) { range -= bound; code -= bound; p[i] -= p[i] >> 5; } else { range = bound; p[i] += 2048 - p[i] >> 5; }
    next();
    return +one;
  };
  const tree = (p, bits, from = 0) => { let m = 1; for (let k = 0; k < bits; k++) m = m << 1 | bit(p, from + m); return m - (1 << bits); };
  const reversed = (p, bits, from = 0) => { let m = 1, v = 0; for (let k = 0; k < bits; k++) { const b = bit(p, from + m); m = m << 1 | b; v |= b << k; } return v; };
  const plain = bits => { let v = 0; while (bits--) { range >>>= 1; const b = +(code >= range); if (b) code -= range; v = v << 1 | b; next(); } return v; };
  const length = l => bit(l.choice, 0) ? bit(l.choice, 1) ? 16 + tree(l.high, 8) : 8 + tree(l.mid, 3) : tree(l.low, 3);
  const put = byte => { if (n === out.length) { const more = new Uint8Array(2 * n); more.set(out); out = more; } out[n++] = byte; };
  for (;;) {
    if (!bit(match, state)) {
      const from = 768 * (n ? out[n - 1] >> 4 : 0);
      let m = 1;
      if (state > 6) for (let old = out[n - back[0] - 1], same = true; same && m < 256;) {
        const b = old >> 7 & 1, got = bit(literal, from + (1 + b << 8) + m);
        old <<= 1; m = m << 1 | got; same = got === b;
      }
      while (m < 256) m = m << 1 | bit(literal, from + m);
      put(m & 255);
      state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
      continue;
    }
    let size;
    if (bit(rep, state)) {
      if (!bit(rep0, state)) {
        if (!bit(long0, state)) { state = state < 7 ? 9 : 11; put(out[n - back[0] - 1]); continue; }
      } else {
        const which = bit(rep1, state) ? 2 + bit(rep2, state) : 1;
        back.unshift(...back.splice(which, 1));
      }
      size = length(again);
      state = state < 7 ? 8 : 11;
    } else {
      size = length(first);
      state = state < 7 ? 7 : 10;
      const s = tree(slot, 6, Math.min(size, 3) << 6), bits = (s >> 1) - 1, base = s < 4 ? s : (2 | s & 1) << bits;
      const far = s < 4 ? s : s < 14 ? base + reversed(special, bits, base - s) : base + plain(bits - 4) * 16 + reversed(align, 4);
      if ((far | 0) === -1) return out.subarray(0, n);
      back = [far, ...back.slice(0, 3)];
    }
    for (size += 2; size--;) put(out[n - back[0] - 1]);
  }
};
const inflated = bytes => new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
const stream = unbase85(block.textContent);
(block.dataset.codec === "lzma" ? new TextDecoder().decode(unlzma(stream)) : await inflated(stream))
  .split("\0").forEach((text, k, all) => { if (k % 2) packed[all[k - 1]] = text; });
block.remove();
const parsed = {};
const tree = name => {
  if (!parsed[name]) { parsed[name] = document.createElement("template"); parsed[name].innerHTML = packed[name] || ""; }
  return parsed[name].content;
};
/* Put a packed part where it belongs, once. A deviation's has its name; what is made here is made late. */
const fill = box => {
  const id = box.dataset.deviation;
  if (id && box.childElementCount === 1) box.append(make("div"));
  if (box.late) { box.late(); box.late = null; }
  const holder = id ? box.lastElementChild : $("[data-chunk]", box);
  if (!holder || holder.childNodes.length) return;
  const { chunk, part } = id ? { chunk: "found", part: id } : holder.dataset, from = tree(chunk);
  holder.append(...(part ? [...named("data-part", part, from).childNodes] : [...from.childNodes]));
  furnish(holder);
};
const show = details => { fill(details); details.open = true; };

/* Copying: scripts and links. */
const copy = async (text, button, selectable) => {
  const before = button.textContent;
  try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; }
  catch {
    const field = make("textarea", { value: text, className: "offscreen" });
    if (selectable) getSelection().selectAllChildren(selectable);
    else { document.body.append(field); field.select(); }
    button.textContent = document.execCommand("copy") ? "Copied" : selectable ? "Selected" : "Not copied";
    field.remove();
  }
  setTimeout(() => { button.textContent = before; }, 1500);
};
const here = () => location.href.split("#")[0];
document.addEventListener("click", e => {
  const button = e.target.closest("button.link, button.copy");
  if (!button) return;
  if (button.className === "copy") copy(button.nextElementSibling.textContent, button, button.nextElementSibling);
  else copy(button.dataset.link ? `${here()}#${button.dataset.link}` : location.href, button);
});

/* Tables that sort */
const value = text => {
  const [, mantissa, power = ""] = /^\s*(-?[\d.]+)(?:·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?/.exec(text) || [];
  return mantissa * 10 ** (power && [...power].map(c => c === "⁻" ? "-" : "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(c)).join(""));
};
const sortable = table => {
  const heads = [...$("thead tr:last-child", table).cells];
  heads.forEach((th, column) => {
    const button = make("button", { type: "button" }, ...[...th.childNodes].filter(n => n.tagName !== "SMALL"));
    th.prepend(button);
    button.addEventListener("click", () => {
      const body = table.tBodies[0], up = th.getAttribute("aria-sort") !== "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = tr => { const t = tr.cells[column].textContent; return { t, n: value(t.replace(/^[^\d-]*= */, "")) }; };
      const order = (a, b) => { const x = key(a), y = key(b); return (isNaN(x.n) || isNaN(y.n) ? isNaN(x.n) - isNaN(y.n) || x.t.localeCompare(y.t) : x.n - y.n) * (up ? 1 : -1); };
      body.append(...[...body.rows].sort(order));
    });
  });
};
const furnish = box => $$("table.sortable", box).forEach(sortable);
