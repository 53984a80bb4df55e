// The wall of streams and the page of one: what is shown follows what happens, by one stream of events for all.
"use strict";
(() => {
  const { $, $$, say } = window.whorl;
  const wall = $("[data-wall]");
  const GOING = ["waiting", "watching", "failed"];

  // What is shown of a stream, without what changes all the time and is put in place as it comes.
  const gist = (text) => {
    const stream = JSON.parse(text);
    const on = stream.on.map(({ airing, verdict, delay, licensed }) => [airing, verdict, delay, Boolean(licensed)]);
    return JSON.stringify([stream.state, stream.label, stream.error, stream.load.level, on, stream.last?.id]);
  };

  // Alarms ---------------------------------------------------------------------------------------------------------
  const title = document.title;
  let voice;
  const tone = () => {
    voice ||= new AudioContext();
    const [wave, gain] = [voice.createOscillator(), voice.createGain()];
    gain.gain.setValueAtTime(0.2, voice.currentTime);
    gain.gain.exponentialRampToValueAtTime(0.001, voice.currentTime + 0.6);
    wave.connect(gain).connect(voice.destination);
    wave.start();
    wave.stop(voice.currentTime + 0.6);
  };
  let loud = null; // the streams that had an alarm when it was last looked; null before
  const tally = () => {
    if (!wall) return;
    const [all, cards] = [$$("[data-stream]", wall).length, $$('[data-alarm="match"]', wall)];
    if (loud) cards.filter((card) => !loud.has(card.dataset.stream)).forEach(raised);
    loud = new Set(cards.map((card) => card.dataset.stream));
    document.title = loud.size ? `(${loud.size}) ${title}` : title;
    const words = `${all} stream${all === 1 ? "" : "s"}, ${loud.size ? `${loud.size} with an alarm` : "no alarm"}`;
    if ($("#tally").textContent !== words) $("#tally").textContent = words;
  };
  const raised = (card) => {
    say(`Alarm: ${$("h2", card).textContent.trim()}: ${$$(".on b", card).map((one) => one.textContent).join(", ")}`);
    if ($("#sound").checked) tone();
  };

  // Cards: one that has changed is asked for once, however often it changes meanwhile. -----------------------------
  const asking = new Map(); // by stream: whether it has changed since it was asked for
  const renew = (id) => {
    if (asking.has(id)) { asking.set(id, true); return; }
    asking.set(id, false);
    const card = document.getElementById(`stream-${id}`);
    const place = card ? { target: card, swap: "outerHTML" } : { target: wall, swap: "afterbegin" };
    htmx.ajax("GET", `/streams/${encodeURIComponent(id)}/card`, place).finally(() => {
      const stale = asking.get(id);
      asking.delete(id);
      if (stale) renew(id);
      tally();
    });
  };
  const put = (stream, text) => {
    const card = document.getElementById(`stream-${stream.id}`);
    if (card) follow(card, stream);
    const wanted = wall.dataset.wall === "all" || GOING.includes(stream.state);
    if (card ? gist(card.dataset.told) !== gist(text) : wanted) renew(stream.id);
  };
  const follow = (card, stream) => {
    const seen = $("[data-seen]", card);
    if (seen && stream.seen && seen.dateTime !== stream.seen) {
      seen.dateTime = stream.seen;
      seen.title = told(new Date(stream.seen));
      ages(card);
    }
  };
  const told = (at) => {
    const month = at.toLocaleString("en", { month: "short", timeZone: "UTC" });
    return `${at.getUTCDate()} ${month} ${at.getUTCFullYear()}, ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} UTC`;
  };

  // What nobody has seen yet: asked for anew when a work has come or gone, or a colleague has marked something. --------
  let looking;
  const recount = () => {
    if (!wall || looking) return; // however much happens, it is asked for in a while
    looking = setTimeout(() => {
      looking = 0;
      htmx.ajax("GET", "/streams/unseen", { target: "#unseen", swap: "outerHTML" });
    }, 400);
  };

  // The page of one stream: drawn anew when something has happened, but not under the hands of who is at it. --------
  let due;
  const redraw = () => {
    clearTimeout(due);
    due = setTimeout(() => {
      const live = $("[data-follow]");
      if (!live) return;
      if (live.contains(document.activeElement)) { redraw(); return; }
      htmx.ajax("GET", location.pathname, { target: "#live", select: "#live", swap: "outerHTML" });
    }, 800);
  };

  // Pictures: those that can be seen are asked for anew; the first one of a stream is hoped for some times. ----------
  const hoped = new Map();
  const look = () => {
    if (document.hidden) return;
    for (const picture of $$(".watching [data-picture]")) {
      const { top, bottom } = picture.getBoundingClientRect();
      if (bottom > 0 && top < innerHeight) picture.src = `/v1/streams/${picture.dataset.picture}/thumbnail?at=${Date.now()}`;
    }
    for (const card of $$(".stream.watching:not(:has([data-picture]))")) {
      const tries = hoped.get(card.id) ?? 0;
      hoped.set(card.id, tries + 1);
      if (tries < 4) { if (wall) renew(card.dataset.stream); else redraw(); }
    }
  };
  setInterval(look, 5000);

  // The line -------------------------------------------------------------------------------------------------------
  let source;
  const mine = (id) => $("[data-follow]")?.dataset.follow === id;
  const connect = () => {
    source = new EventSource("/v1/streams/events/live");
    source.addEventListener("open", mended);
    source.addEventListener("error", broken);
    source.addEventListener("stream", changed);
    source.addEventListener("removed", removed);
    for (const name of ["started", "ended"]) source.addEventListener(name, recount);
    for (const name of ["started", "ended", "note"]) {
      source.addEventListener(name, (event) => { if (mine(JSON.parse(event.data).stream_id)) redraw(); });
    }
  };
  const broken = () => {
    $("#line").hidden = false;
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    setTimeout(async () => {
      const me = await fetch("/v1/me").catch(() => null);
      if (me?.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
      else connect();
    }, 3000);
  };
  const refill = () => htmx.ajax("GET", location.href, { target: wall, select: "#wall > *", swap: "innerHTML" }).finally(tally);
  const mended = () => {
    if ($("#line").hidden) return;
    $("#line").hidden = true; // what was removed meanwhile nobody tells
    if (!wall) redraw();
    else refill();
    recount();
  };
  const changed = (event) => {
    const stream = JSON.parse(event.data);
    if (wall) { put(stream, event.data); recount(); }
    else if (mine(stream.id)) {
      follow($("[data-follow]"), stream);
      if (gist($("[data-follow]").dataset.told) !== gist(event.data)) redraw();
    }
    tally();
  };
  const removed = (event) => {
    const { id } = JSON.parse(event.data);
    document.getElementById(`stream-${id}`)?.remove();
    if (mine(id)) say("This stream was removed.");
    if (wall && !wall.children.length) refill(); // the server says what an empty wall says
    tally();
    recount();
  };
  if (wall || $("[data-follow]")) connect();
  window.addEventListener("pagehide", () => source?.close());

  // For how long a work is on, and how long ago a stream was alive, in words -------------------------------------------
  const two = (number) => String(number).padStart(2, "0");
  const lasting = (seconds) => {
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  };
  const since = (one) => Math.max(0, Math.floor((Date.now() - new Date(one.dateTime)) / 1000));
  const ages = (within = document) => {
    for (const one of $$("[data-since]", within)) one.textContent = `for ${lasting(since(one))}`;
    for (const one of $$("[data-seen]", within)) {
      const seconds = since(one);
      one.textContent = seconds < 60 ? `${seconds} s ago` : `${lasting(seconds)} ago`;
    }
  };
  setInterval(() => ages(), 1000);
  document.addEventListener("htmx:load", () => ages());

  // Timeline: pointed at, tapped near or reached by keyboard, a bar tells what was on. ------------------------------
  const tell = (bar) => {
    $$(".history .at").forEach((other) => other.classList.remove("at"));
    bar.classList.add("at");
    $("[data-tells]").textContent = bar.getAttribute("aria-label");
  };
  const near = (lane, x) => {
    const away = (bar) => { const at = bar.getBoundingClientRect(); return Math.max(at.left - x, x - at.right, 0); };
    return $$("a", lane).sort((one, other) => away(one) - away(other))[0];
  };
  for (const kind of ["pointerover", "focusin"]) {
    document.addEventListener(kind, (event) => { const bar = event.target.closest?.(".airings a"); if (bar) tell(bar); });
  }
  document.addEventListener("click", (event) => {
    const lane = event.target.closest?.(".airings");
    if (!lane) return;
    const bar = event.target.closest("a") || near(lane, event.clientX);
    if (bar) tell(bar);
    if (event.detail) event.preventDefault(); // a tap tells, the keyboard goes to the row
  });
  document.addEventListener("DOMContentLoaded", () => {
    $("#sound")?.addEventListener("change", (event) => { if (event.target.checked) tone(); });
    ages();
    tally();
  });
})();
