// A run opened in the dialog. Text goes in as text nodes only, so that no name is ever taken for markup.

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function tiles(rule) {
  const facts = [["WAR, percent", rule.war], ["UAR, percent", rule.uar], ["right clips", rule.right], ["epoch picked", rule.epoch]];
  return element("ul", { class: "tiles" }, ...facts.map(([name, value]) => element("li", {}, element("strong", {}, String(value)), element("span", {}, name))));
}

// counts: rows are true labels, columns what was said, 7 x 7 in one list.
function confusionTable(counts, names) {
  const size = names.length;
  const totals = names.map((_, i) => counts.slice(i * size, (i + 1) * size).reduce((sum, count) => sum + count, 0));
  const head = element("tr", {}, element("th", { scope: "col" }, "true \\ said"), ...names.map((name) => element("th", { scope: "col" }, name)), element("th", { scope: "col", class: "n" }, "clips"));
  const rows = names.map((name, i) => {
    const cells = names.map((_, j) => {
      const share = totals[i] ? counts[i * size + j] / totals[i] : 0;
      const cell = element("td", i === j ? { class: "right" } : {}, String(counts[i * size + j]));
      cell.style.setProperty("--share", share.toFixed(3));
      return cell;
    });
    return element("tr", {}, element("th", { scope: "row" }, name), ...cells, element("td", { class: "total" }, String(totals[i])));
  });
  const caption = element("caption", { id: "confusion-caption" }, element("span", {}, "Clips by true expression (row) and what was said (column); the shade is the share of the row, right ones are framed"));
  const table = element("table", { class: "confusion" }, caption, element("thead", {}, head), element("tbody", {}, ...rows));
  return element("div", { class: "scroll", role: "region", tabindex: "0", "aria-labelledby": "confusion-caption" }, table);
}

function wrongClips(rule, names, pictures) {
  const found = names.flatMap((name, label) => {
    const here = rule.clips.filter((one) => one[1] === label);
    if (!rule.wrong[label]) return [];
    const items = here.map(([clip, , said, share]) => {
      const picture = pictures[clip] ? [element("img", { src: pictures[clip], alt: `Four frames of clip ${clip}`, width: 256, height: 64, loading: "lazy" })] : [];
      return element("li", {}, ...picture, element("code", {}, clip), ` said ${names[said]}, ${share} %`);
    });
    return [element("h4", {}, `${name}: ${here.length} of ${rule.wrong[label]} wrong`), element("ul", { class: "wrong" }, ...items)];
  });
  return found.length ? [element("p", { class: "plain" }, "The surest wrong clips of each true expression; the percentage is the model's own share for what it said."), ...found]
    : [element("p", {}, "No clip is wrong.")];
}

function facts(pairs) {
  const rows = pairs.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  return element("dl", { class: pairs.length > 8 ? "facts many" : "facts" }, ...rows);
}

function plainTable(caption, heads, rows) {
  const cells = (row) => row.map((text, i) => element(i ? "td" : "th", i ? { class: "n" } : { scope: "row" }, text));
  const table = element("table", { class: "tight" }, element("caption", {}, element("span", {}, caption)),
    element("thead", {}, element("tr", {}, ...heads.map((text, i) => element("th", { scope: "col", class: i ? "n" : "" }, text)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row)))));
  return element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption }, table);
}

function contrastOf(data, run, state) {
  return data.contrasts.find((one) => one.setting === run.setting && one.model === run.model && one.arm === run.arm
    && one.rule === state.rule && one.fold_set === state.foldSet);
}

function againstBaseline(one) {
  if (!one) return [];
  const parts = [plainTable("Verdicts", ["score", "verdict", "p (Holm)", "least found", "positive pairs", "pairs"], one.verdicts)];
  if (one.mcnemar.length) parts.push(plainTable("McNemar's test of WAR: clips lost and won", ["seed", "lost", "won", "exact p", "mid-p"], one.mcnemar));
  const effects = one.rows.length ? [plainTable("AU arm minus baseline, in points", ["score", "difference", "95 % interval"], one.rows)] : [];
  const broken = one.broken.length ? [element("p", {}, `Broken pairs, left out: ${one.broken.join("; ")}.`)] : [];
  return [element("h3", {}, `Against the baseline, ${one.fold_set}`), element("div", { class: "beside" }, element("div", {}, ...parts), ...effects), ...broken];
}

function choice(name, values, chosen, change) {
  const options = values.map(([value, text]) => {
    const option = element("option", { value }, text);
    option.selected = String(value) === String(chosen);
    return option;
  });
  const id = `of-${name.toLowerCase()}`;
  const select = element("select", { id }, ...options);
  select.addEventListener("change", () => change(select.value, id));
  return element("div", {}, element("label", { for: id }, name), select);
}

function baselineOf(data, run) {
  const same = ["setting", "model", "fold", "seed"];
  return data.runs.findIndex((other) => other.arm === "baseline" && same.every((name) => other[name] === run[name]));
}

// state: members (positions of the runs behind the row), at (the run shown), rule and foldSet. again(state) shows another.
function runHead(data, state, again) {
  const run = data.runs[state.at];
  const title = element("h2", { id: "run-title", tabindex: "-1" }, `${run.model}, ${run.arm}`, element("small", {}, `${run.setting}; fold ${run.fold}, seed ${run.seed}; selection ${state.rule}; `, element("code", {}, run.id)));
  const parts = [title];
  if (state.members.length > 1) {
    const named = state.members.map((i) => [i, `fold ${data.runs[i].fold}, seed ${data.runs[i].seed}`]);
    parts.push(choice("Run", named, state.at, (value, id) => again({ ...state, at: Number(value) }, id)));
  }
  parts.push(choice("Selection", Object.keys(run.rules).map((name) => [name, name === "best-on-test" ? `${name} (oracle)` : name]), state.rule, (rule, id) => again({ ...state, rule }, id)));
  const baseline = baselineOf(data, run);
  if (baseline >= 0 && baseline !== state.at) {
    const button = element("button", { type: "button" }, "Baseline of this pair");
    button.addEventListener("click", () => again({ ...state, members: [baseline], at: baseline }));
    parts.push(button);
  }
  const close = element("button", { type: "button", "data-close": "" }, "Close");
  close.addEventListener("click", () => document.getElementById("run").close());
  return element("header", { class: "run-head" }, ...parts, close);
}

function runBody(data, run, rule, state) {
  const hashes = Object.entries(run.hashes).map(([name, value]) => [name, element("code", {}, value)]);
  const blocks = Object.entries(run.blocks).map(([name, i]) => element("details", { open: "" }, element("summary", {}, name), facts(data.blocks[i])));
  return element("div", { class: "run-body" }, tiles(rule), ...againstBaseline(contrastOf(data, run, state)),
    element("h3", {}, "Confusion"), confusionTable(rule.confusion, data.expressions),
    element("h3", {}, "Curves"), ...curves(run.epochs, rule.epoch),
    element("h3", {}, "Clips it got wrong"), ...wrongClips(rule, data.expressions, data.pictures[run.dataset] || {}),
    element("h3", {}, "Configuration"), ...blocks,
    element("h3", {}, "Environment"), facts(data.blocks[run.environment]),
    element("h3", {}, "Provenance"), facts([["directory", element("code", {}, run.path)], ...hashes]));
}

// focus: id of what has the focus then; the title of a run that was just opened.
function showRun(data, state, focus = "run-title") {
  const run = data.runs[state.at];
  const rule = run.rules[state.rule] ? state.rule : Object.keys(run.rules)[0];
  const dialog = document.getElementById("run");
  const head = runHead(data, { ...state, rule }, (next, id) => showRun(data, next, id));
  dialog.replaceChildren(head, runBody(data, run, run.rules[rule], { ...state, rule }));
  if (!dialog.open) dialog.showModal();
  document.getElementById(focus).focus();
  if (focus === "run-title") dialog.scrollTop = 0;
}
