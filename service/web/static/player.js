// Plays a capture and its original in step: while the capture plays at second q, the original is at
// ref_start + (q - query_start) * time_scale of the segment that q is in.
"use strict";
(() => {
  const { $, $$ } = window.whorl;
  const FRAME = 0.04, ASTRAY = 0.25, NEAR = 0.03; // seconds
  const INSIDE = 0.1; // the very ends may be a picture off, and the first one shown should be the same on both sides

  const clock = (seconds) => {
    const whole = Math.max(0, seconds), minutes = Math.floor(whole / 60);
    return `${minutes}:${(whole - 60 * minutes).toFixed(1).padStart(4, "0")}`;
  };

  class Player {
    constructor(root) {
      this.root = root;
      this.segments = JSON.parse(root.dataset.segments);
      this.duration = Number(root.dataset.duration);
      this.capture = $('[data-side="capture"]', root);
      this.original = $('[data-side="original"]', root);
      this.lead = this.capture || this.original;
      this.speed = 1;
      this.at = this.segments[0].query_start + INSIDE;
      this.lanes = $("[data-timeline] > svg", root);
      this.lanes.addEventListener("click", (event) => this.clicked(event));
      if (!this.lead) return;
      this.control("play", "click", () => this.toggle());
      this.control("seek", "input", (input) => this.seek(Number(input.value)));
      this.control("segment", "click", () => this.nextSegment());
      this.control("speed", "change", (select) => { this.speed = Number(select.value); this.step(); });
      this.control("hear", "change", (select) => this.hear(select.value));
      this.control("mirror", "change", (box) => root.classList.toggle("mirrored", box.checked));
      root.addEventListener("player", (event) => this.told(event.detail));
      root.addEventListener("keydown", (event) => this.typed(event));
      for (const side of [this.capture, this.original]) {
        if (side) side.addEventListener("error", () => this.unplayable(side));
      }
      this.lead.addEventListener("ended", () => this.pause());
      this.lead.addEventListener("loadedmetadata", () => this.seek(this.at), { once: true });
      if (this.lead.readyState >= 1) this.seek(this.at);
    }

    control(name, event, act) {
      const element = $(`[data-do="${name}"]`, this.root);
      if (element) element.addEventListener(event, () => act(element));
    }

    // The segment that a second of the capture is in; pictures before sound, for they are what one compares.
    segment(q) {
      const there = this.segments.filter((s) => q >= s.query_start - NEAR && q <= s.query_end + NEAR);
      return there.find((s) => s.kind === "video") || there[0];
    }

    now() {
      if (this.lead === this.capture) return this.capture.currentTime;
      const s = this.segment(this.at) || this.segments[0];
      return s.query_start + (this.original.currentTime - s.ref_start) / s.time_scale;
    }

    toggle() { if (this.playing) this.pause(); else this.play(); }

    play() {
      this.playing = true;
      if (this.at >= this.duration - NEAR) this.seek(this.segments[0].query_start);
      this.lead.play().catch(() => this.pause());
      this.button();
      const loop = () => { if (this.playing) { this.step(); requestAnimationFrame(loop); } };
      loop();
    }

    pause() {
      this.playing = false;
      for (const side of [this.capture, this.original]) if (side) side.pause();
      this.button();
      this.step();
    }

    button() {
      const button = $('[data-do="play"]', this.root);
      button.textContent = this.playing ? "Pause" : "Play";
      button.setAttribute("aria-pressed", String(Boolean(this.playing)));
    }

    seek(q) {
      this.at = Math.min(this.duration, Math.max(0, q));
      const s = this.segment(this.at);
      if (this.capture) this.capture.currentTime = this.at;
      if (this.original && s) this.original.currentTime = s.ref_start + (this.at - s.query_start) * s.time_scale;
      this.draw(s);
    }

    // One moment: where the capture is, the original follows; small differences by speed, large ones by a jump.
    step() {
      if (!this.lead || this.lead.readyState < 1) return;
      this.at = this.now();
      const s = this.segment(this.at);
      this.lead.playbackRate = this.lead === this.capture ? this.speed : this.speed * (s ? s.time_scale : 1);
      if (this.capture && this.original) this.follow(s);
      this.draw(s);
    }

    follow(s) {
      if (!s || !this.playing) { if (!this.original.paused) this.original.pause(); return; }
      const wanted = s.ref_start + (this.at - s.query_start) * s.time_scale;
      const behind = wanted - this.original.currentTime;
      if (Math.abs(behind) > ASTRAY && !this.original.seeking) this.original.currentTime = wanted;
      const hurry = Math.abs(behind) > NEAR ? Math.max(-0.1, Math.min(0.1, behind)) : 0;
      this.original.playbackRate = Math.max(0.07, this.speed * s.time_scale + hurry);
      if (this.original.paused) this.original.play().catch(() => {});
    }

    draw(s) {
      const ref = s ? s.ref_start + (this.at - s.query_start) * s.time_scale : null;
      this.root.classList.add("started");
      this.root.classList.toggle("apart", !s);
      const outside = $("[data-outside]", this.root);
      if (outside) outside.hidden = Boolean(s);
      $('[data-do="seek"]', this.root).value = this.at;
      $('[data-do="seek"]', this.root).setAttribute("aria-valuetext", clock(this.at));
      for (const [side, seconds, start] of [["capture", this.at, "start"], ["original", ref, "refStart"]]) {
        const output = $(`[data-clock="${side}"]`, this.root);
        if (output) output.textContent = seconds === null ? "" : clock(seconds);
        const head = $(`[data-head="${side}"]`, this.root);
        const x = seconds === null ? -9 : (100 * (seconds - Number(this.lanes.dataset[start]))) / Number(this.lanes.dataset.span);
        head.setAttribute("x1", `${x}%`);
        head.setAttribute("x2", `${x}%`);
      }
    }

    nextSegment() {
      const starts = [...new Set(this.segments.map((s) => s.query_start))].sort((a, b) => a - b);
      this.seek((starts.find((start) => start > this.at + NEAR) ?? starts[0]) + INSIDE);
    }

    hear(side) {
      if (!this.capture || !this.original) return;
      this.capture.muted = side !== "capture";
      this.original.muted = side !== "original";
    }

    told(what) {
      const flip = (name, change) => { const element = $(`[data-do="${name}"]`, this.root); if (element) { change(element); element.dispatchEvent(new Event("change")); } };
      if (what === "play") this.toggle();
      if (what === "segment") this.nextSegment();
      if (what === "hear") flip("hear", (e) => { e.value = e.value === "capture" ? "original" : "capture"; });
      if (what === "mirror") flip("mirror", (e) => { e.checked = !e.checked; });
      if (what === "-frame" || what === "+frame") { if (this.playing) this.pause(); this.seek(this.at + (what[0] === "+" ? FRAME : -FRAME)); }
    }

    typed(event) {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step || event.target.matches("select, textarea")) return;
      event.preventDefault();
      this.seek(this.at + step);
    }

    // A click on a lane goes there; on that of the original, to the second of the capture that it is.
    clicked(event) {
      const box = this.lanes.getBoundingClientRect();
      const part = (event.clientX - box.left) / box.width, span = Number(this.lanes.dataset.span);
      if (event.clientY - box.top < box.height / 2) { if (this.lead) this.seek(Number(this.lanes.dataset.start) + part * span); return; }
      const ref = Number(this.lanes.dataset.refStart) + part * span;
      const s = this.segments.find((one) => ref >= one.ref_start && ref <= one.ref_end);
      if (s && this.lead) this.seek(s.query_start + (ref - s.ref_start) / s.time_scale);
    }

    unplayable(side) {
      const words = document.createElement("p");
      words.className = "absent";
      words.textContent = `This browser cannot play this ${side.dataset.side}. Its frames and sound are drawn below.`;
      side.replaceWith(words);
      if (side === this.capture) this.capture = null; else this.original = null;
      this.lead = this.capture || this.original;
      this.playing = false;
      this.button();
      if (this.lead) this.lead.muted = false;
    }
  }

  const made = new WeakSet();
  const start = () => {
    for (const root of $$("[data-player]")) if (!made.has(root)) { made.add(root); root.player = new Player(root); }
  };
  document.addEventListener("htmx:load", start);
  document.addEventListener("DOMContentLoaded", start);
})();
