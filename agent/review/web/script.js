"use strict";
(() => {
  const csrf = document.querySelector('meta[name="csrf"]').content;
  const review = document.body.dataset.review;
  const cards = [...document.querySelectorAll(".line")];
  const byId = (id) => document.getElementById(id);
  const undoable = [];
  const drafts = new Map(); // timers that keep what is being typed, by card
  let current = null;
  let pending = 0;
  let queue = Promise.resolve();

  const post = async (path, body) => {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Traitsmith": csrf },
      body: JSON.stringify({ review, ...body }),
    });
    const said = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
    if (!answer.ok) throw new Error(said.error || `the server answered ${answer.status}`);
    return said;
  };

  // One change after the other: the order in which a person decides is the order in which it is saved.
  const save = (path, body) => {
    pending += 1;
    tellSaved();
    const done = queue.then(() => post(path, body));
    queue = done.catch(() => {});
    return done.finally(() => {
      pending -= 1;
      tellSaved();
    });
  };

  const tellSaved = () => {
    byId("saved").textContent = pending ? "saving …" : "saved";
  };

  const tellStanding = (said) => {
    byId("meter").value = said.lines - said.undecided;
    const next = said.undecided ? "" : ": H hands it in";
    byId("count").textContent = `${said.lines - said.undecided} of ${said.lines} decided${next}`;
    byId("left").textContent = said.undecided ? `${said.undecided} undecided.` : "Everything is decided.";
    document.querySelector("[data-rest]").disabled = !said.undecided;
  };

  const fields = (card) => [...card.querySelectorAll("textarea")];
  const reasonOf = (card) => card.querySelector('input[name="reason"]');
  const fault = (card, text) => (card.querySelector(".error").textContent = text);
  const offers = (card, decision) => card.querySelector(`button[data-decision="${decision}"]`);

  const mark = (card, decision) => {
    card.dataset.decision = decision || "";
    card.querySelector(".decided").textContent = decision || "undecided";
    for (const button of card.querySelectorAll("button[data-decision]"))
      button.setAttribute("aria-pressed", String(button.dataset.decision === decision));
  };

  const answerOf = (card, decision) => {
    const body = { name: card.dataset.name, digest: card.dataset.digest, decision, reason: reasonOf(card).value };
    const texts = Object.fromEntries(fields(card).map((field) => [field.dataset.text, field.value]));
    if (card.dataset.name === "definition") body.definition = texts;
    else Object.assign(body, texts);
    return body;
  };

  const decide = async (card, decision, { undo = true } = {}) => {
    const before = card.dataset.decision || null;
    // What was typed goes with the decision; a draft kept after it would take the decision back.
    clearTimeout(drafts.get(card));
    fault(card, "");
    try {
      const said = await save("/decide", answerOf(card, decision));
      mark(card, said.decision);
      tellStanding(said);
      if (said.findings.length) fault(card, `saved, with warnings: ${said.findings.join("; ")}`);
      if (undo) undoable.push([card, before]);
      if (decision !== "edit") showFields(card, false);
      apply();
      return true;
    } catch (error) {
      fault(card, error.message);
      return false;
    }
  };

  const showFields = (card, shown) => {
    for (const field of fields(card)) field.hidden = !shown;
    card.classList.toggle("editing", shown);
  };

  const chosen = async (card, decision) => {
    go(card);
    if (decision === "edit" && !card.classList.contains("editing")) {
      showFields(card, true);
      const field = fields(card)[0];
      field.focus();
      field.setSelectionRange(field.value.length, field.value.length); // the end is what decides
      return;
    }
    const asksWhy = decision === "reject" || decision === "redraft";
    const mayBeEmpty = decision === "redraft" && card.dataset.name !== "definition";
    const asked = card.dataset.wanted === decision;
    if (asksWhy && !reasonOf(card).value.trim() && !(mayBeEmpty && asked)) {
      card.dataset.wanted = decision;
      const like = mayBeEmpty ? " if you like" : "";
      fault(card, `Say why${like}, then press Enter: the author reads it with the next draft.`);
      reasonOf(card).focus();
      return;
    }
    delete card.dataset.wanted;
    if ((await decide(card, decision)) && current === card) step(1, true);
  };

  const visible = () => cards.filter((card) => !card.hidden);
  const open = (card) => !card.dataset.decision;

  const go = (card) => {
    if (!card) return;
    if (current) current.classList.remove("current");
    current = card;
    card.classList.add("current");
    if (!card.contains(document.activeElement)) card.focus({ preventScroll: true });
    const top = document.querySelector(".bar").offsetHeight + 12;
    const box = card.getBoundingClientRect();
    if (box.top < top || box.bottom > innerHeight) scrollTo({ top: scrollY + box.top - top });
  };

  const step = (by, onlyOpen = false) => {
    const seen = visible();
    let at = seen.indexOf(current);
    for (at += by; at >= 0 && at < seen.length; at += by)
      if (!onlyOpen || open(seen[at])) return go(seen[at]);
    if (onlyOpen) {
      const left = seen.find(open);
      if (left) go(left);
      else byId("left").scrollIntoView({ block: "nearest" });
    }
  };

  const undo = async () => {
    const last = undoable.pop();
    if (!last) return;
    const [card, before] = last;
    if (await decide(card, before, { undo: false })) go(card);
  };

  const rest = async () => {
    const names = visible().filter(open).map((card) => card.dataset.name);
    if (!names.length) return;
    for (const timer of drafts.values()) clearTimeout(timer);
    try {
      const said = await save("/rest", { names });
      for (const card of cards) {
        const decision = said.decided[card.dataset.name];
        if (!decision) continue;
        mark(card, decision);
        undoable.push([card, null]);
      }
      tellStanding(said);
      apply();
      if (!said.undecided) byId("left").scrollIntoView({ block: "center" });
    } catch (error) {
      byId("whole-error").textContent = error.message;
    }
  };

  const handIn = async (action) => {
    byId("whole-error").textContent = "";
    if (action === "stop" && !confirm("End the run here? It ends with a report, and cannot go on.")) return;
    if (action === "redraft" && !confirm("Send every pair of this batch back?")) return;
    try {
      await save("/hand-in", { action });
      location.reload();
    } catch (error) {
      byId("whole-error").textContent = error.message;
      byId("whole-error").scrollIntoView({ block: "nearest" });
    }
  };

  const form = byId("filters");
  const words = new Map(cards.map((card) => [card, card.textContent.toLowerCase()]));
  const apply = () => {
    if (!form) return;
    const wanted = [...form.querySelectorAll("select")].filter((select) => select.value);
    const parts = form.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const standsAs = (card, state) =>
      state === "open" ? open(card) : state === "done" ? !open(card) : card.dataset.decision === state;
    const fits = (card, select) =>
      select.name === "state" ? standsAs(card, select.value) : card.dataset[select.name] === select.value;
    for (const card of cards) {
      // What is worked on stays in sight although its decision no longer fits the filter.
      const stays = card === current && card.contains(document.activeElement);
      card.hidden =
        !stays &&
        !(wanted.every((select) => fits(card, select)) && parts.every((part) => words.get(card).includes(part)));
    }
    if (current && current.hidden) {
      // Keys never decide what is not in sight.
      current.classList.remove("current");
      current = visible()[0] || null;
      if (current) current.classList.add("current");
    }
    byId("matches").textContent = wanted.length || parts.length ? `${visible().length} of ${cards.length} shown` : "";
  };

  const KEYS = { a: "approve", e: "edit", r: "reject", d: "redraft", l: "defer" };

  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key;
    if (KEYS[key] && current && offers(current, KEYS[key])) chosen(current, KEYS[key]);
    else if (key === "j" || key === "ArrowDown") step(1);
    else if (key === "k" || key === "ArrowUp") step(-1);
    else if (key === "n") step(1, true);
    else if (key === "u") undo();
    else if (key === "A") rest();
    else if (key === "H") handIn("continue");
    else if (key === "/" && form) form.elements.search.focus();
    else if (key === "?") byId("keys").open = !byId("keys").open;
    else return;
    event.preventDefault();
  };

  const inField = (event, card) => {
    const field = event.target;
    if (event.key === "Escape") {
      if (field.tagName === "TEXTAREA") showFields(card, false);
      (card || document.body).focus();
      if (!card) field.blur();
    } else if (event.key === "Enter" && field.name === "reason") {
      chosen(card, card.dataset.wanted || card.dataset.decision || "reject");
    } else if (event.key === "Enter" && field.tagName === "TEXTAREA" && (event.ctrlKey || event.metaKey)) {
      chosen(card, "edit");
    } else return;
    event.preventDefault();
  };

  const poll = async () => {
    const said = await fetch("/state")
      .then((answer) => answer.json())
      .catch(() => ({ phase: "gone" }));
    const told = byId("working");
    if (said.phase === "waiting" && said.review !== review) location.reload();
    else if (said.phase === "ended" && told) told.textContent = said.message;
    else if (said.phase === "working" && told && said.message) byId("doing").textContent = `Now: ${said.message}.`;
    else if (said.phase === "gone") {
      if (told) told.textContent = "The server is gone: the run has stopped. The terminal says how.";
      if (told) byId("doing").textContent = "";
      else byId("saved").textContent = "the server is gone; what was saved is kept";
      return;
    } else if (said.phase === "working" && review) location.reload();
    setTimeout(poll, 1500);
  };

  if (review) {
    for (const card of cards) {
      card.addEventListener("click", (event) => {
        const button = event.target.closest("button[data-decision]");
        if (button) chosen(card, button.dataset.decision);
        else go(card);
      });
      card.addEventListener("input", () => {
        clearTimeout(drafts.get(card));
        // Texts are kept as they are typed; they are checked when the line is decided.
        const keep = () =>
          open(card) && save("/decide", answerOf(card, null)).then(tellStanding, (error) => fault(card, error.message));
        drafts.set(card, setTimeout(keep, 700));
      });
      if (fields(card).some((field) => !field.hidden)) showFields(card, true);
    }
    for (const button of document.querySelectorAll("[data-action]"))
      button.addEventListener("click", () => handIn(button.dataset.action));
    document.querySelector("[data-rest]").addEventListener("click", rest);
    if (form) {
      form.addEventListener("input", apply);
      form.addEventListener("change", apply);
      form.addEventListener("submit", (event) => event.preventDefault());
    }
    addEventListener("keydown", (event) => {
      const field = event.target.closest("input, textarea, select");
      if (field) inField(event, event.target.closest(".line"));
      else press(event);
    });
    addEventListener("beforeunload", (event) => pending && event.preventDefault());
    go(cards.find(open) || cards[0]);
  }
  poll();
})();
