"use strict";
(() => {
  const graph = JSON.parse(document.getElementById("data").textContent);
  const steps = new Map(graph.steps.map((step) => [step.id, step]));
  const readers = new Map(graph.steps.map((step) => [step.id, new Set()]));
  for (const step of graph.steps) {
    for (const input of Object.values(step.inputs)) readers.get(input.step).add(step.id);
  }
  const stage = document.getElementById("stage");
  const svg = stage.querySelector("svg");
  const panel = document.getElementById("panel");
  const whole = svg.viewBox.baseVal;
  const full = { x: whole.x, y: whole.y, width: whole.width, height: whole.height };
  const nodes = [...svg.querySelectorAll(".step")];
  const edges = [...svg.querySelectorAll(".edge")];
  let view = { ...full };

  svg.removeAttribute("width");
  svg.removeAttribute("height");

  const show = () => svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);

  const fit = () => {
    // Small graphs are not blown up: at most one and a half times their size.
    const box = stage.getBoundingClientRect();
    const width = Math.max(full.width, box.width / 1.5);
    const height = Math.max(full.height, box.height / 1.5);
    view = { x: full.x - (width - full.width) / 2, y: full.y - (height - full.height) / 2, width, height };
    show();
  };

  const scale = () => {
    const box = stage.getBoundingClientRect();
    return Math.max(view.width / Math.max(1, box.width), view.height / Math.max(1, box.height));
  };

  const zoom = (factor, clientX, clientY) => {
    const box = stage.getBoundingClientRect();
    const unit = scale();
    const x = view.x + view.width / 2 + (clientX - box.left - box.width / 2) * unit;
    const y = view.y + view.height / 2 + (clientY - box.top - box.height / 2) * unit;
    const width = Math.min(Math.max(view.width * factor, 80), full.width * 8 + box.width);
    const applied = width / view.width;
    view = { x: x - (x - view.x) * applied, y: y - (y - view.y) * applied, width, height: view.height * applied };
    show();
  };

  const zoomMiddle = (factor) => {
    const box = stage.getBoundingClientRect();
    zoom(factor, box.left + box.width / 2, box.top + box.height / 2);
  };

  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.button === 0) drag = { x: event.clientX, y: event.clientY, moved: false };
  });
  window.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const dx = event.clientX - drag.x;
    const dy = event.clientY - drag.y;
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    const unit = scale();
    view.x -= dx * unit;
    view.y -= dy * unit;
    drag = { x: event.clientX, y: event.clientY, moved: true };
    stage.classList.add("dragged");
    show();
  });
  window.addEventListener("pointerup", () => {
    // The click that ends a drag comes right after this event and must still see it.
    const ended = drag;
    setTimeout(() => { if (drag === ended) drag = null; }, 0);
    stage.classList.remove("dragged");
  });
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.004), event.clientX, event.clientY);
  }, { passive: false });
  document.getElementById("closer").addEventListener("click", () => zoomMiddle(1 / 1.3));
  document.getElementById("farther").addEventListener("click", () => zoomMiddle(1.3));
  document.getElementById("fit").addEventListener("click", fit);

  const element = (tag, text, className) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  const link = (id) => {
    const made = element("button", id, "link");
    made.addEventListener("click", () => choose(id));
    return made;
  };

  // JSON that keeps short values on one line.
  const written = (value, indent) => {
    const short = JSON.stringify(value);
    if (value === null || typeof value !== "object" || short.length + indent.length <= 44) return short;
    const inner = `${indent}  `;
    const isList = Array.isArray(value);
    const items = isList
      ? value.map((item) => inner + written(item, inner))
      : Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${written(item, inner)}`);
    return `${isList ? "[" : "{"}\n${items.join(",\n")}\n${indent}${isList ? "]" : "}"}`;
  };

  const section = (title, ...content) => {
    if (content.length) panel.append(element("h3", title), ...content);
  };

  const list = (items) => {
    const made = element("ul");
    for (const item of items) {
      const line = element("li");
      line.append(...[].concat(item));
      made.append(line);
    }
    return made;
  };

  const table = (heads, rows) => {
    const made = element("table");
    for (const [cells, tag] of [[heads, "th"], ...rows.map((row) => [row, "td"])]) {
      const line = element("tr");
      line.append(...cells.map((cell) => element(tag, String(cell))));
      made.append(line);
    }
    return made;
  };

  const reach = (id, next) => {
    const found = new Set([id]);
    const open = [id];
    while (open.length) {
      for (const other of next(open.pop())) {
        if (!found.has(other)) { found.add(other); open.push(other); }
      }
    }
    return found;
  };

  const describe = (step) => {
    panel.replaceChildren(element("h2", step.id), element("p", step.kind, "kind"));
    if (step.plan) {
      const took = step.plan.seconds === null ? "" : `, took ${step.plan.seconds.toPrecision(3)} s last time`;
      section("plan", element("p", step.plan.action + took, "action"), list(step.plan.reasons));
    }
    if (step.also.length) section("stands for", element("p", step.also.join(", ")));
    const reads = Object.entries(step.inputs).map(([name, input]) => [`${name}: ${input.output} of `, link(input.step)]);
    for (const [file, digest] of Object.entries(step.files)) reads.push([`file ${file} ${digest.slice(0, 12)}`]);
    section("reads", ...(reads.length ? [list(reads)] : [element("p", "nothing")]));
    if (Object.keys(step.params).length) section("params", element("pre", written(step.params, "")));
    const parts = [["identity", step.identity]];
    if (step.plan) parts.unshift(["fingerprint", step.plan.fingerprint ?? "waits for the content of its inputs"]);
    for (const [name, version] of Object.entries(step.code)) parts.push([`code ${name}`, version]);
    for (const [name, version] of Object.entries(step.environment)) parts.push([name, version]);
    section("fingerprint", table(["part", "value"], parts));
    for (const output of step.outputs) {
      const columns = step.schemas[output];
      if (columns) {
        const rows = columns.map((column) => [column.name, column.type, column.role]);
        section(`gives ${output}`, table(["column", "type", "role"], rows));
      } else {
        section(`gives ${output}`, element("p", "not a table"));
      }
    }
    const followers = [...readers.get(step.id)];
    if (followers.length) section("read by", list(followers.map((id) => [link(id)])));
    section("made by", element("p", step.place ? `${step.spec_path} (${step.place.file}:${step.place.line})` : step.spec_path));
  };

  const choose = (id) => {
    const step = steps.get(id);
    if (!step) return;
    const sources = (other) => Object.values(steps.get(other).inputs).map((input) => input.step);
    const near = new Set([...reach(id, sources), ...reach(id, (other) => readers.get(other))]);
    for (const node of nodes) {
      node.classList.toggle("chosen", node.dataset.step === id);
      node.classList.toggle("faded", !near.has(node.dataset.step));
    }
    for (const edge of edges) {
      const { source, target } = edge.dataset;
      edge.classList.toggle("near", source === id || target === id);
      edge.classList.toggle("faded", !near.has(source) || (target !== undefined && !near.has(target)));
    }
    describe(step);
    panel.scrollTop = 0;
    history.replaceState(null, "", `#${encodeURIComponent(id)}`);
  };

  const clear = () => {
    for (const item of [...nodes, ...edges]) item.classList.remove("chosen", "faded", "near");
    panel.replaceChildren(element("p", "Click a step to see what it reads, does and gives.", "hint"));
  };

  for (const node of nodes) {
    node.setAttribute("tabindex", "0");
    node.setAttribute("role", "button");
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(node.dataset.step); }
    });
  }
  stage.addEventListener("click", (event) => {
    if (drag && drag.moved) return;
    const node = event.target.closest(".step");
    if (node) choose(node.dataset.step); else clear();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") clear(); });
  document.getElementById("search").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    clear();
    if (!wanted) return;
    for (const node of nodes) node.classList.toggle("faded", !node.dataset.step.toLowerCase().includes(wanted));
  });
  window.addEventListener("resize", show);

  fit();
  if (location.hash.length > 1) {
    try { choose(decodeURIComponent(location.hash.slice(1))); } catch (_error) { clear(); }
  }
  document.documentElement.dataset.ready = "true";
})();
