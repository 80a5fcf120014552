"use strict";
(() => {
  const PAUSE = 1800;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);
  const sections = all(".event");
  const entries = all("#list button");
  const board = one("board");
  const slider = one("slider");
  const play = one("play");
  const nodes = all(".node", board);
  const edges = all(".edge", board);
  const labels = all(".label[data-from]", board);
  const lines = all("[data-from]:not(.label)", board);
  const last = sections.length - 1;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let now = 0;
  let timer = 0;

  function show(number, spoken = true) {
    now = Math.min(Math.max(number, 0), last);
    const { kind, step, slot } = sections[now].dataset;
    sections.forEach((section, i) => { section.hidden = i !== now; });
    entries.forEach((entry, i) => {
      if (i === now) entry.setAttribute("aria-current", "step");
      else entry.removeAttribute("aria-current");
    });
    for (const label of labels) {
      const { from, until } = label.dataset;
      label.toggleAttribute("hidden", +from > now || (until !== undefined && +until <= now));
      label.classList.toggle("fresh", +from === now);
    }
    for (const line of lines) line.classList.toggle("later", +line.dataset.from > now);
    for (const node of nodes) {
      const { id } = node.dataset;
      node.classList.toggle("now", step === undefined ? id === slot && !node.matches(".input, .parameter") : id === step);
    }
    const passed = new Set(all(".passed", sections[now]).map((part) => part.dataset.position));
    for (const edge of edges) {
      const here = step !== undefined && edge.dataset.step === step;
      edge.classList.toggle("goes", here && kind === "forward");
      edge.classList.toggle("comes", here && kind === "backward" && passed.has(edge.dataset.position));
    }
    slider.value = now + 1;
    const said = sections[now].dataset.sentence;
    slider.setAttribute("aria-valuetext", said);
    one("place").textContent = `${now + 1} of ${last + 1}`;
    one("status").textContent = said;
    for (const id of ["first", "back"]) one(id).disabled = now === 0;
    for (const id of ["next", "last"]) one(id).disabled = now === last;
    if (spoken) {
      history.replaceState(null, "", `#${now + 1}`);
      const entry = entries[now];
      const list = entry.closest("ol");
      list.scrollTop = entry.offsetTop - list.offsetTop - list.clientHeight / 2;
    }
    follow();
  }

  // Bring what happens now into the middle of the board, without moving the page.
  function follow() {
    const node = board.querySelector(".now");
    if (!node) return;
    const box = node.getBoundingClientRect();
    const frame = board.getBoundingClientRect();
    board.scrollTo({
      left: board.scrollLeft + box.left + box.width / 2 - frame.left - frame.width / 2,
      top: board.scrollTop + box.top + box.height / 2 - frame.top - frame.height / 2,
      behavior: calm.matches ? "auto" : "smooth",
    });
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
    one("status").setAttribute("aria-live", "polite");
  }

  function toggle() {
    if (timer) return stop();
    if (now === last) show(0);
    // What is played runs ahead of any voice; the words are there to be read at each halt.
    one("status").setAttribute("aria-live", "off");
    play.textContent = "Pause";
    timer = setInterval(() => {
      show(now + 1);
      if (now === last) stop();
    }, PAUSE);
    return undefined;
  }

  const go = (number) => { stop(); show(number); };
  one("first").addEventListener("click", () => go(0));
  one("back").addEventListener("click", () => go(now - 1));
  one("next").addEventListener("click", () => go(now + 1));
  one("last").addEventListener("click", () => go(last));
  play.addEventListener("click", toggle);
  one("fit").addEventListener("click", () => {
    const fitted = document.body.classList.toggle("fitted");
    one("fit").setAttribute("aria-pressed", fitted);
    follow();
  });
  slider.addEventListener("input", () => go(slider.value - 1));
  entries.forEach((entry, i) => entry.addEventListener("click", () => go(i)));
  addEventListener("hashchange", () => go(location.hash.slice(1) - 1 || 0));

  const keys = {
    ArrowRight: () => go(now + 1),
    ArrowLeft: () => go(now - 1),
    Home: () => go(0),
    End: () => go(last),
    " ": toggle,
  };
  addEventListener("keydown", (event) => {
    const plain = !(event.ctrlKey || event.altKey || event.metaKey || event.shiftKey);
    const own = event.target.matches("button") && event.key === " ";
    if (!plain || own || !(event.key in keys) || (event.target === slider && event.key !== " ")) return;
    event.preventDefault();
    keys[event.key]();
  });

  // A click on a step goes to where it runs, forward or, on the way back, backward.
  for (const node of nodes) {
    const { id } = node.dataset;
    if (!sections.some((section) => section.dataset.step === id)) continue;
    node.dataset.step = id;
    node.addEventListener("click", () => {
      const wanted = sections[now].dataset.kind === "forward" ? "forward" : "backward";
      const found = sections.findIndex((s) => s.dataset.step === id && s.dataset.kind === wanted);
      if (found >= 0) go(found);
    });
  }

  document.body.classList.add("steps");
  show(location.hash.slice(1) - 1 || 0, false);
})();
