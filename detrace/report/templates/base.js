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

/* Packed parts: a zlib stream in base 85, five characters for four bytes; names and texts by turns. */
if (!("DecompressionStream" in window)) {
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
const block = $("#packed"), packed = {};
const inflated = new Blob([unbase85(block.textContent)]).stream().pipeThrough(new DecompressionStream("deflate"));
(await new Response(inflated).text()).split("\0").forEach((text, k, all) => { if (k % 2) packed[all[k - 1]] = text; });
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
