// What every page has: shortcuts, the list that j and k walk, the progress of jobs, what went wrong.
"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const shown = (element) => element.getClientRects().length > 0;

  document.addEventListener("submit", (event) => {
    const asked = event.submitter?.dataset.confirm;
    if (asked && !window.confirm(asked)) event.preventDefault();
  });

  // Messages -------------------------------------------------------------------------------------------------------
  let silence;
  const say = (text) => {
    $("#said").textContent = text;
    clearTimeout(silence);
    silence = setTimeout(() => { $("#said").textContent = ""; }, 6000);
  };
  window.whorl = { say, $, $$ };
  document.addEventListener("htmx:responseError", (event) => {
    const { status, responseText } = event.detail.xhr;
    let told = responseText;
    try { told = JSON.parse(told).detail; } catch { /* it is words already */ }
    say(status < 500 && told.length < 400 ? told : "That did not work: the service had a problem. Try again.");
  });
  document.addEventListener("htmx:sendError", () => say("The service cannot be reached. Is the line up?"));
  document.addEventListener("error", (event) => {
    if (event.target.tagName !== "IMG" || event.target.dataset.picture) return; // what is asked for again and again
    event.target.classList.add("failed");
    event.target.alt += " (cannot be shown)";
  }, true);

  // Jobs: one stream of events each, up to three at a time, for a browser has only six lines to a server. ---------
  const watched = new Map();
  const watch = () => {
    for (const [id, source] of watched) {
      if (!$(`[data-job="${CSS.escape(id)}"]`)) { source.close(); watched.delete(id); }
    }
    for (const card of $$("[data-job]")) {
      if (watched.size >= 3) break;
      if (!watched.has(card.dataset.job)) follow(card.dataset.job);
    }
  };
  const follow = (id) => {
    const source = new EventSource(`/v1/jobs/${encodeURIComponent(id)}/events`);
    watched.set(id, source);
    source.addEventListener("progress", (event) => {
      const { progress, state } = JSON.parse(event.data);
      const card = document.getElementById(`job-${id}`);
      const bar = card && $("progress", card);
      if (!bar || typeof progress !== "number") return;
      bar.value = progress;
      if (state === "running") {
        $(".chip", card).textContent = state;
        $(".chip", card).className = `chip ${state}`;
      }
      $("[data-said]", card).textContent = `${Math.round(100 * progress)} %`;
    });
    const over = () => {
      source.close();
      htmx.trigger(document.body, "ended");
      htmx.ajax("GET", `/jobs/${encodeURIComponent(id)}/card`, { target: `#job-${CSS.escape(id)}`, swap: "outerHTML" });
    };
    source.addEventListener("end", over);
    // It ended while the line was broken: then there is nothing more to be told.
    source.addEventListener("error", () => { if (source.readyState === EventSource.CLOSED) over(); });
  };
  document.addEventListener("htmx:load", watch);
  window.addEventListener("pagehide", () => watched.forEach((source) => source.close()));

  // The list, and the marked match of the answer that is open ------------------------------------------------------
  const items = () => $$("[data-list] [data-item]").filter(shown);
  const current = () => items().findIndex((item) => item.hasAttribute("aria-current") || item.closest("tr.at"));
  const move = (step) => {
    const all = items();
    const next = all[Math.min(all.length - 1, Math.max(0, current() + step))];
    if (!next) return false;
    $$("tr.at").forEach((row) => row.classList.remove("at"));
    if (next.closest("tr")) next.closest("tr").classList.add("at");
    if (next.hasAttribute("hx-get")) open(next);
    next.focus();
    return true;
  };
  const choose = (item) => {
    items().forEach((other) => other.removeAttribute("aria-current"));
    item.setAttribute("aria-current", "true");
    // Until the chosen one is there nothing can be judged: a quick key would judge the one before.
    $("#opened").inert = true;
    $$(".match.at").forEach((match) => match.classList.remove("at"));
  };
  const open = (item) => {
    choose(item);
    htmx.ajax("GET", item.getAttribute("hx-get"), { target: "#opened" });
  };
  document.addEventListener("click", (event) => {
    const item = event.target.closest("[data-item][hx-get]");
    if (item && !event.ctrlKey && !event.metaKey && event.button === 0) choose(item);
    const menu = $("details.menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
    const opener = event.target.closest("[data-open]");
    if (opener) { $("details.menu").open = false; document.getElementById(opener.dataset.open).showModal(); }
  });
  const mark = () => {
    const next = $("[data-match]:has([data-undecided])") || $("[data-match]");
    $$(".match.at").forEach((match) => match.classList.remove("at"));
    if (next && $(".verdicts form", next)) next.classList.add("at");
    return next;
  };
  const judge = (verdict) => {
    const button = $(`.match.at button[value="${verdict}"]`);
    if (!button || button.closest("[inert]")) return false;
    button.click();
    return true;
  };
  // The list's item of the capture that is open: while the next one is on its way it is not the chosen one.
  const itemOf = (answer) => answer && $(`[data-item][href="/answers/${CSS.escape(answer.dataset.answer)}"]`);
  document.addEventListener("judged", () => {
    const item = itemOf($(".answer"));
    say("Kept.");
    if (!item || $(".answer [data-undecided]")) { mark()?.scrollIntoView({ block: "nearest" }); return; }
    item.classList.add("judged");
    if (item.hasAttribute("aria-current") && $("[data-advance]") && current() < items().length - 1) move(1);
  });
  document.addEventListener("htmx:load", mark);
  // Of several that were chosen in a hurry only the last one wakes what is open.
  const wake = ({ detail: { target } }) => { if (target.id === "opened") target.inert = false; };
  document.addEventListener("htmx:afterSwap", (event) => { if (itemOf($("#opened .answer"))?.hasAttribute("aria-current")) wake(event); });
  for (const failed of ["htmx:responseError", "htmx:sendError"]) document.addEventListener(failed, wake);

  // Shortcuts ------------------------------------------------------------------------------------------------------
  const on = () => localStorage.getItem("keys") !== "off";
  const player = (what) => { const at = $(".match.at [data-player]") || $("[data-player]"); if (at) at.dispatchEvent(new CustomEvent("player", { detail: what })); return Boolean(at); };
  const keys = {
    "/": () => { const box = $('[data-key="/"]'); if (box) box.focus(); return Boolean(box); },
    "?": () => { $("#keys").showModal(); return true; },
    j: () => move(1), k: () => move(-1), c: () => judge("confirm"), r: () => judge("reject"),
    n: () => { const note = $(".match.at textarea"); if (note) note.focus(); return Boolean(note); },
    p: () => player("play"), s: () => player("segment"), h: () => player("hear"), m: () => player("mirror"),
    ",": () => player("-frame"), ".": () => player("+frame"),
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, dialog");
    if (event.key === "Escape" && event.target.matches("textarea, input")) event.target.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !on()) return;
    const act = keys[event.key];
    if (act && act()) event.preventDefault();
  });
  document.addEventListener("DOMContentLoaded", () => {
    const box = $("#keys-on");
    box.checked = on();
    box.addEventListener("change", () => localStorage.setItem("keys", box.checked ? "on" : "off"));
    mark();
    watch();
  });
})();
