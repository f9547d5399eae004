// Curves of a run as SVG, drawn from its epochs; each line has a dash pattern of its own beside its colour.

const CHARTS = [
  { title: "Loss", columns: { loss: "loss", expression_loss: "expression loss", au_loss: "AU loss" } },
  { title: "Score, percent", scale: 100, columns: { test_war: "test WAR", test_uar: "test UAR", val_war: "validation WAR", val_uar: "validation UAR" } },
  { title: "Seconds per epoch", columns: { seconds: "seconds" } },
];
const BOX = { width: 340, height: 170, left: 44, right: 10, top: 10, bottom: 26 };

function svg(name, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function short(value) {
  return String(Number(value.toPrecision(3)));
}

function range(values) {
  let low = Math.min(...values), high = Math.max(...values);
  if (low === high) { const room = Math.abs(low) * 0.05 || 1; low -= room; high += room; }
  return [low, high];
}

function frame([low, high], [first, last], x, y) {
  const bottom = BOX.height - BOX.bottom;
  const ticks = [low, (low + high) / 2, high].flatMap((value) => [
    svg("path", { class: "axis", d: `M${BOX.left} ${y(value)}H${BOX.width - BOX.right}` }),
    svg("text", { x: BOX.left - 5, y: y(value) + 4, "text-anchor": "end" }, short(value)),
  ]);
  const ends = [...new Set([first, last])].map((epoch, i) =>
    svg("text", { x: x(epoch), y: bottom + 17, "text-anchor": first === last ? "middle" : i ? "end" : "start" }, `epoch ${epoch}`));
  return [...ticks, ...ends];
}

function line(epochs, values, number, x, y) {
  const there = epochs.map((epoch, i) => [epoch, values[i]]).filter(([, value]) => value !== null);
  const points = there.map(([epoch, value]) => `${x(epoch).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const dots = there.length > 12 ? [] : there.map(([epoch, value]) => svg("circle", { class: `point s${number}`, cx: x(epoch).toFixed(1), cy: y(value).toFixed(1), r: 2.4 }));
  return [svg("polyline", { class: `series s${number}`, points }), ...dots];
}

function key(names) {
  return element("ul", { class: "key" }, ...names.map((name, number) => element("li", {},
    svg("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" }, svg("path", { class: `series s${number}`, d: "M0 4H26" })), name)));
}

function described(name, values) {
  const there = values.filter((value) => value !== null);
  return `${name} from ${short(there[0])} to ${short(there.at(-1))}, lowest ${short(Math.min(...there))}, highest ${short(Math.max(...there))}`;
}

function chart({ title, columns, scale = 1 }, epochs, chosen) {
  const alone = columns.au_loss && !epochs.au_loss; // without an AU loss, the loss is the expression loss
  const found = Object.entries(columns).filter(([column]) => epochs[column] && !(alone && column === "expression_loss"))
    .map(([column, name]) => [name, epochs[column].map((value) => (value === null ? null : value * scale))]);
  if (!found.length) return null;
  const numbers = epochs.epoch, ends = [numbers[0], numbers.at(-1)];
  const [low, high] = range(found.flatMap(([, values]) => values.filter((value) => value !== null)));
  const wide = BOX.width - BOX.left - BOX.right, tall = BOX.height - BOX.top - BOX.bottom;
  const x = (epoch) => BOX.left + (ends[0] === ends[1] ? wide / 2 : wide * (epoch - ends[0]) / (ends[1] - ends[0]));
  const y = (value) => BOX.top + tall * (high - value) / (high - low);
  const label = `${title} by epoch: ${found.map(([name, values]) => described(name, values)).join("; ")}`;
  const mark = svg("path", { class: "chosen", d: `M${x(chosen)} ${BOX.top}V${BOX.height - BOX.bottom}` });
  const drawn = svg("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "img", "aria-label": label },
    ...frame([low, high], ends, x, y), mark, ...found.flatMap(([, values], number) => line(numbers, values, number, x, y)));
  return element("figure", {}, element("figcaption", {}, title), drawn, key(found.map(([name]) => name)));
}

function curves(epochs, chosen) {
  const drawn = CHARTS.map((one) => chart(one, epochs, chosen)).filter(Boolean);
  if (!drawn.length) return [element("p", {}, "No curve was recorded.")];
  const names = Object.keys(epochs);
  const rows = epochs.epoch.map((_, i) => element("tr", {}, ...names.map((name) => element("td", { class: "n" }, epochs[name][i] === null ? "-" : String(epochs[name][i])))));
  const table = element("table", {}, element("caption", {}, "Numbers of each epoch; scores are shares"),
    element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col", class: "n" }, name)))), element("tbody", {}, ...rows));
  const scroll = element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Numbers of each epoch" }, table);
  return [element("div", { class: "curves" }, ...drawn), element("p", { class: "plain" }, `The dotted upright line marks epoch ${chosen}, which the rule picked.`),
    element("details", {}, element("summary", {}, "Numbers of each epoch"), scroll)];
}
